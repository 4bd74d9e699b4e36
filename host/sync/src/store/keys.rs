//! What cursors are authenticated with.

use crate::domain::cursor::Key;
use bitvault_platform::db::TenantTx;
use bitvault_platform::{Error, Result};

/// The tenant's key; `fresh` becomes it when there is none.
pub(crate) async fn get_or_make(tx: &mut TenantTx, fresh: &Key) -> Result<Key> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "INSERT INTO sync.keys (tenant_id, key) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        tenant,
        &fresh.0[..]
    )
    .execute(&mut **tx)
    .await?;
    let key = sqlx::query_scalar!("SELECT key FROM sync.keys WHERE tenant_id = $1", tenant)
        .fetch_one(&mut **tx)
        .await?;
    let key = key.try_into();
    key.map(Key)
        .map_err(|_| Error::internal("read a cursor key", "it has another length"))
}
