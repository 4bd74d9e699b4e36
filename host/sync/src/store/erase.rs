//! Removing what the module holds of a tenant.

use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;

/// Removes at most `limit` rows of each table; answers how many.
pub(crate) async fn some(tx: &mut TenantTx, limit: i64) -> Result<u64> {
    let tenant = tx.tenant().0;
    let devices = sqlx::query!(
        "DELETE FROM sync.devices
         WHERE ctid = ANY (ARRAY(SELECT ctid FROM sync.devices WHERE tenant_id = $1 LIMIT $2))",
        tenant,
        limit
    )
    .execute(&mut **tx)
    .await?;
    let root_sets = sqlx::query!(
        "DELETE FROM sync.root_sets
         WHERE ctid = ANY (ARRAY(SELECT ctid FROM sync.root_sets WHERE tenant_id = $1 LIMIT $2))",
        tenant,
        limit
    )
    .execute(&mut **tx)
    .await?;
    let keys = sqlx::query!("DELETE FROM sync.keys WHERE tenant_id = $1", tenant)
        .execute(&mut **tx)
        .await?;
    Ok(devices.rows_affected() + root_sets.rows_affected() + keys.rows_affected())
}
