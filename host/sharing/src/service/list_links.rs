use super::{OWNER, Sharing, wire};
use crate::error::Refusal;
use crate::store::{self, Cursor};
use bitvault_api::limits::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Answers a page of the caller's links, or of all links on a node that it owns; the newest first.
pub(super) async fn list_links(
    sharing: &Sharing,
    ctx: &Ctx,
    request: v1::ListLinksRequest,
) -> Result<v1::ListLinksResponse> {
    let account = ctx.account_id()?;
    let limit = match request.limit {
        0 => PAGE_ITEMS_DEFAULT,
        limit if limit <= PAGE_ITEMS_MAX => limit,
        _ => return Err(Refusal::LimitInvalid(PAGE_ITEMS_MAX).into()),
    };
    let below = match &request.cursor {
        Some(text) => Cursor(text.parse().map_err(|_| Refusal::CursorInvalid)?),
        None => Cursor::START,
    };
    let node: Option<NodeId> = match &request.node_id {
        Some(text) => {
            let access = sharing.0.peers.access(ctx, text).await?;
            if access.role != OWNER {
                return Err(Refusal::RoleTooLow(access.role).into());
            }
            Some(access.node_id.parse()?)
        }
        None => None,
    };
    let mut tx = sharing.begin(ctx).await?;
    // One more than asked for tells whether there is a next page.
    let count = i64::from(limit) + 1;
    let mut found = match node {
        Some(node) => store::list_on_node(&mut tx, node, below, count).await?,
        None => store::list_of_account(&mut tx, account, below, count).await?,
    };
    tx.commit().await?;
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > page;
    found.truncate(page);
    Ok(v1::ListLinksResponse {
        next_cursor: found.last().filter(|_| more).map(|last| last.id.to_string()),
        items: found.into_iter().map(wire::link).collect(),
    })
}
