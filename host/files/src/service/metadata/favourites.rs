use super::Files;
use super::seen::seen;
use crate::domain::access::{Actor, NodeRole, node_id};
use crate::domain::cursor::Listing;
use crate::domain::moment::Moment;
use crate::domain::page::PageSize;
use crate::error::Refusal;
use crate::store::{favourites, journal, nodes};
use crate::store_client::timestamp;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Most favourites of one account.
const FAVOURITES_PER_ACCOUNT: i64 = 1000;

/// Answers the caller's favourites, the newest first. What it may not see any more, or what is in the trash, is left out
/// until that changes.
pub(super) async fn list_favourites(
    files: &Files,
    ctx: &Ctx,
    request: v1::ListFavouritesRequest,
) -> Result<v1::ListFavouritesResponse> {
    let actor = Actor::of(ctx)?;
    let scope = actor.account.0;
    let page = PageSize::new(request.limit)?;
    let from = match &request.cursor {
        Some(text) => Moment::decode(Listing::Favourites, scope, text)?,
        None => Moment::LAST,
    };
    let mut tx = files.core.begin(ctx).await?;
    let mut found = favourites::page(&mut tx, actor.account, from, page.rows()).await?;
    let next_cursor = page
        .cut(&mut found)
        .map(|last| last.encode(Listing::Favourites, scope));
    let ids: Vec<NodeId> = found.iter().map(|one| one.id).collect();
    let mut seen = seen(&mut tx, actor, &ids).await?;
    tx.commit().await?;
    let items = found.into_iter().filter_map(|one| {
        Some(v1::Favourite {
            node: Some(seen.remove(&one.id)?),
            added_at: Some(timestamp(one.at)),
        })
    });
    Ok(v1::ListFavouritesResponse {
        items: items.collect(),
        next_cursor,
    })
}

/// Makes a node a favourite of the caller. Doing so again changes nothing.
pub(super) async fn add_favourite(
    files: &Files,
    ctx: &Ctx,
    request: v1::FavouriteRequest,
) -> Result<v1::AddFavouriteResponse> {
    let actor = Actor::of(ctx)?;
    let node = node_id(&request.node_id, actor)?;
    let now = files.core.clock.now();
    let mut tx = files.core.begin(ctx).await?;
    let taken_in = if actor.home() == Ok(node) {
        nodes::ensure_homes(&mut tx, &[node.0], now).await?
    } else {
        Vec::new()
    };
    let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &[node.0]).await?;
    lineage.require(actor.account, node, NodeRole::Viewer, Refusal::NodeNotFound)?;
    favourites::add(&mut tx, actor.account, node, now).await?;
    if favourites::count(&mut tx, actor.account).await? > FAVOURITES_PER_ACCOUNT {
        return Err(Refusal::TooManyFavourites(FAVOURITES_PER_ACCOUNT).into());
    }
    journal::append(&mut tx, &taken_in, now).await?;
    tx.commit().await?;
    Ok(v1::AddFavouriteResponse {})
}

/// Makes a node none of the caller's favourites any more. It need not be one, nor be there at all.
pub(super) async fn remove_favourite(
    files: &Files,
    ctx: &Ctx,
    request: v1::FavouriteRequest,
) -> Result<v1::RemoveFavouriteResponse> {
    let actor = Actor::of(ctx)?;
    let node = node_id(&request.node_id, actor)?;
    let mut tx = files.core.begin(ctx).await?;
    favourites::remove(&mut tx, actor.account, node).await?;
    tx.commit().await?;
    Ok(v1::RemoveFavouriteResponse {})
}
