use super::{Files, wire};
use crate::domain::access::{Actor, NodeRole, node_id};
use crate::domain::cursor;
use crate::error::Refusal;
use crate::store::nodes;
use bitvault_api::limits::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::v1;

/// Answers a page of a folder, in the order of the folded names.
pub(super) async fn list_children(
    files: &Files,
    ctx: &Ctx,
    request: v1::ListChildrenRequest,
) -> Result<v1::ListChildrenResponse> {
    let actor = Actor::or_visitor(ctx)?;
    let folder = node_id(&request.id, actor)?;
    let limit = match request.limit {
        0 => PAGE_ITEMS_DEFAULT,
        limit if limit <= PAGE_ITEMS_MAX => limit,
        _ => {
            let detail = format!("use 1 to {PAGE_ITEMS_MAX}");
            return Err(Error::invalid_field("limit_invalid", "limit", detail));
        }
    };
    let after = match &request.cursor {
        Some(text) => cursor::decode(folder, text)?,
        None => String::new(),
    };
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
    // One more than asked for tells whether there is a next page.
    let mut found = nodes::children(
        &mut tx,
        actor.account,
        role == NodeRole::Owner,
        folder,
        &after,
        i64::from(limit) + 1,
    )
    .await?;
    tx.commit().await?;
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > page;
    found.truncate(page);
    let next_cursor = match found.last() {
        Some(last) if more => Some(cursor::encode(folder, &last.name_key)),
        _ => None,
    };
    let items = found.into_iter().map(wire::node).collect::<Result<_>>()?;
    Ok(v1::ListChildrenResponse { items, next_cursor })
}
