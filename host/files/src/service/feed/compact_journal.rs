use crate::service::Files;
use crate::store::feed;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::internal::v1 as internal;
use std::time::Duration;

/// Most entries of one call.
const LIMIT_MAX: u32 = 10_000;

/// Removes old entries of the tenant's journal. Who reads behind them is told that its cursor has expired; the search index
/// is made anew if it had not come as far.
pub(super) async fn compact_journal(
    files: &Files,
    ctx: &Ctx,
    request: internal::CompactJournalRequest,
) -> Result<internal::CompactJournalResponse> {
    ctx.require_system()?;
    let before = files.core.clock.now() - Duration::from_secs(request.older_than_s);
    let keep = i64::try_from(request.keep).unwrap_or(i64::MAX);
    let limit = i64::from(request.limit.clamp(1, LIMIT_MAX));
    let mut tx = files.core.worker.worker().await?;
    let removed = feed::compact(&mut tx, ctx.tenant()?, request.up_to, before, keep, limit).await?;
    tx.commit().await?;
    Ok(internal::CompactJournalResponse { removed })
}
