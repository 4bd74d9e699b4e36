use crate::Search;
use crate::store::erase;
use bitvault_platform::db::TenantTx;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::internal::v1 as internal;
use std::time::{Duration, Instant};

/// How long one call goes on.
const WITHIN: Duration = Duration::from_secs(20);
/// Rows that one transaction takes.
const BATCH: i64 = 5000;

/// Removes the index of the tenant of the call. It may die between two transactions: a later call goes on. Files has let its
/// journal go before, so no indexer begins the index anew; one that had just read the journal's head may, and then
/// [`follow_once`](Search::follow_once) removes what it made.
pub(super) async fn erase_tenant(search: &Search, ctx: &Ctx) -> Result<internal::EraseTenantResponse> {
    ctx.require_system()?;
    let until = Instant::now() + WITHIN;
    let mut removed = 0;
    loop {
        let before = removed;
        for table in erase::TABLES {
            loop {
                let mut tx = TenantTx::begin(&search.core.database, ctx).await?;
                let gone = erase::rows(&mut tx, table, BATCH).await?;
                tx.commit().await?;
                removed += gone;
                if Instant::now() >= until {
                    return Ok(internal::EraseTenantResponse { done: false, removed });
                }
                if gone == 0 {
                    break;
                }
            }
        }
        if removed == before {
            return Ok(internal::EraseTenantResponse { done: true, removed });
        }
    }
}
