use super::Files;
use crate::domain::access::{Actor, root};
use crate::domain::cursor::Listing;
use crate::domain::moment::Moment;
use crate::domain::page::PageSize;
use crate::error::Refusal;
use crate::service::wire;
use crate::store::grants;
use crate::store::nodes;
use crate::store_client::timestamp;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;
use std::collections::HashMap;
use uuid::Uuid;

/// Answers what others have shared with the caller: nodes with a grant to it or to one of its groups, the newest first.
/// Its own files and the tops of spaces are left out; a page may hold fewer items than asked for, even none, and still
/// name the next.
pub(super) async fn list_shared(
    files: &Files,
    ctx: &Ctx,
    request: v1::ListSharedRequest,
) -> Result<v1::ListSharedResponse> {
    let actor = Actor::of(ctx)?;
    let account = actor.account;
    let page = PageSize::new(request.limit)?;
    let after = match &request.cursor {
        Some(text) => Moment::decode(Listing::Shared, account.0, text)?,
        None => Moment::LAST,
    };
    let mut tx = files.core.begin(ctx).await?;
    let mut rows = grants::shared(&mut tx, account, after, page.rows()).await?;
    let next_cursor = page
        .cut(&mut rows)
        .map(|last| last.place().encode(Listing::Shared, account.0));
    let ids: Vec<Uuid> = rows.iter().map(|row| row.node.0).collect();
    let (mut lineage, views) = nodes::lineage_and_views(&mut tx, &[account.0], &ids).await?;
    tx.commit().await?;
    let mut views: HashMap<NodeId, _> = views.into_iter().map(|view| (view.id, view)).collect();
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        let own = lineage.within(row.node, NodeId(account.0));
        let top = lineage
            .live(row.node)
            .is_none_or(|facts| facts.parent_id == Some(root(actor.tenant)));
        if own || top {
            continue;
        }
        let role = lineage.role(account, row.node).ok_or(Refusal::NodeNotFound)?;
        let view = views.remove(&row.node).ok_or(Refusal::NodeNotFound)?;
        items.push(v1::SharedNode {
            node: Some(wire::node(view)?),
            role: role.name().to_owned(),
            granted_at: Some(timestamp(row.granted_at)),
            granted_by: row.granted_by.to_string(),
        });
    }
    Ok(v1::ListSharedResponse { items, next_cursor })
}
