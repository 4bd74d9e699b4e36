use super::Files;
use super::seen::seen;
use crate::domain::access::Actor;
use crate::domain::cursor::Listing;
use crate::domain::moment::Moment;
use crate::domain::page::PageSize;
use crate::store::favourites;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Answers the files that the caller changed last, the latest first: their content, name, place, tags or fields. Those that
/// somebody else has changed since are left out, as are those that it may not see any more.
pub(super) async fn list_recent(
    files: &Files,
    ctx: &Ctx,
    request: v1::ListRecentRequest,
) -> Result<v1::ListRecentResponse> {
    let actor = Actor::of(ctx)?;
    let scope = actor.account.0;
    let page = PageSize::new(request.limit)?;
    let from = match &request.cursor {
        Some(text) => Moment::decode(Listing::Recent, scope, text)?,
        None => Moment::LAST,
    };
    let mut tx = files.core.begin(ctx).await?;
    let mut found = favourites::recent(&mut tx, actor.account, from, page.rows()).await?;
    let next_cursor = page
        .cut(&mut found)
        .map(|last| last.encode(Listing::Recent, scope));
    let ids: Vec<NodeId> = found.iter().map(|one| one.id).collect();
    let mut seen = seen(&mut tx, actor, &ids).await?;
    tx.commit().await?;
    Ok(v1::ListRecentResponse {
        items: found.iter().filter_map(|one| seen.remove(&one.id)).collect(),
        next_cursor,
    })
}
