use super::{Files, wire};
use crate::domain::access::{Actor, NodeRole, node_id};
use crate::domain::page::PageSize;
use crate::domain::sort::Order;
use crate::error::Refusal;
use crate::store::children::{self, Scope};
use crate::store::sight;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Answers a page of a folder, in the order that is asked for.
pub(super) async fn list_children(
    files: &Files,
    ctx: &Ctx,
    request: v1::ListChildrenRequest,
) -> Result<v1::ListChildrenResponse> {
    let actor = Actor::or_visitor(ctx)?;
    let folder = node_id(&request.id, actor)?;
    let page = PageSize::new(request.limit)?;
    let order = Order::new(request.sort, request.descending)?;
    let from = order.place(folder, request.cursor.as_deref())?;
    let read = files.core.read(ctx)?;
    // A home is always there, even before it has a row.
    let mut role = NodeRole::Owner;
    if actor.home() != Ok(folder) {
        let (mut lineage, _) = sight::look(&read, actor.account, folder).await?;
        let found = lineage.require_for(actor, folder, NodeRole::Viewer, Refusal::NodeNotFound)?;
        if !found.is_folder {
            return Err(Refusal::NotAFolder.into());
        }
        role = lineage.role(actor.account, folder).ok_or(Refusal::NodeNotFound)?;
    }
    let scope = Scope {
        folder,
        actor,
        all: role == NodeRole::Owner,
        limit: page.rows(),
    };
    let mut found = children::page(&read, scope, &from).await?;
    let next_cursor = page.cut(&mut found).map(|last| order.after(folder, &last.keys()));
    let items = found.into_iter().map(wire::node).collect::<Result<_>>()?;
    Ok(v1::ListChildrenResponse { items, next_cursor })
}
