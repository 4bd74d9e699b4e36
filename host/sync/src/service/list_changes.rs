use super::reading::Reading;
use crate::Sync;
use crate::error::Refusal;
use bitvault_api::limits::WAIT_S_MAX;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;
use std::time::Duration;
use tokio::time::Instant;

/// Answers what changed for the caller since a cursor; waits for something, if it is asked to.
pub(super) async fn list_changes(
    sync: &Sync,
    ctx: &Ctx,
    request: v1::ListChangesRequest,
) -> Result<v1::ListChangesResponse> {
    if request.wait_s > WAIT_S_MAX {
        return Err(Refusal::WaitInvalid(WAIT_S_MAX).into());
    }
    let wait = Duration::from_secs(u64::from(request.wait_s)).min(sync.core.config.wait_max);
    let mut reading = Reading::open(sync, ctx, &request).await?;
    next(sync, ctx, &mut reading, Instant::now() + wait).await
}

/// The next page; an empty one when nothing changes until then, or when the daemon stops.
pub(super) async fn next(
    sync: &Sync,
    ctx: &Ctx,
    reading: &mut Reading,
    until: Instant,
) -> Result<v1::ListChangesResponse> {
    // Before the look: a change right after it is noticed.
    let mut waiter =
        (until > Instant::now()).then(|| ctx.tenant().map(|tenant| sync.core.waiting.join(tenant)));
    loop {
        let page = reading.next().await?;
        let waits = page.items.is_empty() && !page.more;
        let woken = match &mut waiter {
            Some(Ok(waiter)) if waits => tokio::select! {
                () = waiter.woken() => true,
                () = tokio::time::sleep_until(until) => false,
                () = sync.core.closing.cancelled() => false,
            },
            _ => false,
        };
        if !woken {
            return Ok(v1::ListChangesResponse {
                items: page.items,
                has_more: page.more,
                next_cursor: reading.cursor().await?,
            });
        }
    }
}
