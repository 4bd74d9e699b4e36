use crate::Sync;
use crate::store::erase;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::internal::v1 as internal;
use std::time::{Duration, Instant};

/// How long one call goes on.
const WITHIN: Duration = Duration::from_secs(20);
/// Rows of each table that one transaction takes.
const BATCH: i64 = 1000;

/// Removes what is held of the tenant of the call. It may die between two transactions: a later call goes on.
pub(super) async fn erase_tenant(
    sync: &Sync,
    ctx: &Ctx,
    _request: internal::EraseTenantRequest,
) -> Result<internal::EraseTenantResponse> {
    ctx.require_system()?;
    let until = Instant::now() + WITHIN;
    let mut removed = 0;
    sync.core.keys.invalidate(&ctx.tenant()?);
    loop {
        let mut tx = sync.begin(ctx).await?;
        let gone = erase::some(&mut tx, BATCH).await?;
        tx.commit().await?;
        removed += gone;
        if gone == 0 || Instant::now() >= until {
            return Ok(internal::EraseTenantResponse {
                done: gone == 0,
                removed,
            });
        }
    }
}
