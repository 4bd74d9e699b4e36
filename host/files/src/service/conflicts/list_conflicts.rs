use super::Files;
use super::shown::{Sides, show};
use crate::domain::access::Actor;
use crate::domain::cursor::Listing;
use crate::domain::moment::Moment;
use crate::domain::page::PageSize;
use crate::store::conflicts::{self, ConflictRow};
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Conflicts that one page looks at, at most, in search of those that the caller sees.
const PAGE_SCAN: usize = 2000;

/// Answers a page of open conflicts of which the caller sees both files, the newest first.
pub(super) async fn list_conflicts(
    files: &Files,
    ctx: &Ctx,
    request: v1::ListConflictsRequest,
) -> Result<v1::ListConflictsResponse> {
    let actor = Actor::of(ctx)?;
    let limit = PageSize::new(request.limit)?.items();
    let scope = actor.tenant.0;
    let mut at = match &request.cursor {
        Some(text) => Moment::decode(Listing::Conflicts, scope, text)?,
        None => Moment::LAST,
    };
    let mut tx = files.core.begin(ctx).await?;
    let (mut items, mut scanned, mut ended) = (Vec::new(), 0, false);
    // One more than asked for tells whether there is a next page.
    while items.len() <= limit && scanned < PAGE_SCAN && !ended {
        let batch = (limit + 1).min(PAGE_SCAN - scanned);
        let rows = conflicts::page(&mut tx, at, i64::try_from(batch).unwrap_or(i64::MAX)).await?;
        scanned += rows.len();
        ended = rows.len() < batch;
        at = rows.last().map_or(at, ConflictRow::place);
        let mut sides = Sides::of(&mut tx, actor, &rows).await?;
        let told = rows
            .into_iter()
            .filter(|row| sides.are_seen(actor, row) && sides.are_open(row));
        let told: Vec<ConflictRow> = told.collect();
        let places: Vec<Moment> = told.iter().map(ConflictRow::place).collect();
        items.extend(places.into_iter().zip(show(&mut tx, told, &sides).await?));
    }
    tx.commit().await?;
    let more = items.len() > limit;
    items.truncate(limit);
    let next = match items.last() {
        Some((place, _)) if more => Some(*place),
        _ if ended => None,
        _ => Some(at),
    };
    Ok(v1::ListConflictsResponse {
        items: items.into_iter().map(|(_, conflict)| conflict).collect(),
        next_cursor: next.map(|place| place.encode(Listing::Conflicts, scope)),
    })
}
