//! Roles that invitations carried and that were given.

use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::PromiseId;
use time::OffsetDateTime;

/// Crosses a promise out; `false` when it was before. Two at once wait for each other.
pub(crate) async fn cross_out(tx: &mut TenantTx, promise: PromiseId, now: OffsetDateTime) -> Result<bool> {
    let tenant = tx.tenant().0;
    let done = sqlx::query!(
        "INSERT INTO files.kept_promises (tenant_id, promise_id, kept_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        tenant,
        promise.0,
        now
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}
