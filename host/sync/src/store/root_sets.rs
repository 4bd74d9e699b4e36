//! What accounts see by themselves, as cursors name it.

use crate::domain::cursor::SetId;
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::AccountId;
use time::{Duration, OffsetDateTime};

/// Uses are told apart by days.
const USED_EVERY: Duration = Duration::DAY;
/// Sets that one sweep removes.
const SWEEP: i64 = 1000;

/// Keeps a set.
pub(crate) async fn keep(
    tx: &mut TenantTx,
    account: AccountId,
    id: SetId,
    roots: &[u8],
    now: OffsetDateTime,
) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "INSERT INTO sync.root_sets (tenant_id, account_id, id, roots, used_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, account_id, id) DO UPDATE SET used_at = excluded.used_at",
        tenant,
        account.0,
        &id.0[..],
        roots,
        now
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A set that is kept.
pub(crate) async fn find(
    tx: &mut TenantTx,
    account: AccountId,
    id: SetId,
    now: OffsetDateTime,
) -> Result<Option<Vec<u8>>> {
    let tenant = tx.tenant().0;
    let found = sqlx::query!(
        "SELECT roots, used_at FROM sync.root_sets WHERE tenant_id = $1 AND account_id = $2 AND id = $3",
        tenant,
        account.0,
        &id.0[..]
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(found) = found else { return Ok(None) };
    if found.used_at < now - USED_EVERY {
        sqlx::query!(
            "UPDATE sync.root_sets SET used_at = $4 WHERE tenant_id = $1 AND account_id = $2 AND id = $3",
            tenant,
            account.0,
            &id.0[..],
            now
        )
        .execute(&mut **tx)
        .await?;
    }
    Ok(Some(found.roots))
}

/// Removes sets that no cursor has named since `before`, a bounded number.
pub(crate) async fn sweep(tx: &mut TenantTx, before: OffsetDateTime) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "DELETE FROM sync.root_sets
         WHERE ctid = ANY (ARRAY(SELECT ctid FROM sync.root_sets WHERE tenant_id = $1 AND used_at < $2
                                 ORDER BY used_at LIMIT $3))",
        tenant,
        before,
        SWEEP
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
