use super::{Files, wire};
use crate::domain::access::{Actor, NodeRole, node_id};
use crate::domain::cursor::{self, Listing};
use crate::domain::page::PageSize;
use crate::error::Refusal;
use crate::store::nodes;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Answers a page of a folder, in the order of the folded names.
pub(super) async fn list_children(
    files: &Files,
    ctx: &Ctx,
    request: v1::ListChildrenRequest,
) -> Result<v1::ListChildrenResponse> {
    let actor = Actor::or_visitor(ctx)?;
    let folder = node_id(&request.id, actor)?;
    let page = PageSize::new(request.limit)?;
    let after = cursor::name(Listing::Children, folder.0, request.cursor.as_deref())?;
    let mut tx = files.core.begin(ctx).await?;
    // A home is always there, even before it has a row.
    let mut role = NodeRole::Owner;
    if actor.home() != Ok(folder) {
        let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &[folder.0]).await?;
        let found = lineage.require_for(actor, folder, NodeRole::Viewer, Refusal::NodeNotFound)?;
        if !found.is_folder {
            return Err(Refusal::NotAFolder.into());
        }
        role = lineage.role(actor.account, folder).ok_or(Refusal::NodeNotFound)?;
    }
    let all = role == NodeRole::Owner;
    let mut found = nodes::children(&mut tx, actor.account, all, folder, &after, page.rows()).await?;
    tx.commit().await?;
    let next_cursor = page
        .cut(&mut found)
        .map(|last| cursor::after_name(Listing::Children, folder.0, &last.name_key));
    let items = found.into_iter().map(wire::node).collect::<Result<_>>()?;
    Ok(v1::ListChildrenResponse { items, next_cursor })
}
