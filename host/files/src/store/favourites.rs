//! What accounts come back to: their favourites, and the files that they changed last.

use crate::domain::moment::Moment;
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{AccountId, NodeId};
use time::OffsetDateTime;

/// Makes a node a favourite. One that is, stays as it is.
pub(crate) async fn add(
    tx: &mut TenantTx,
    account: AccountId,
    node: NodeId,
    now: OffsetDateTime,
) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "INSERT INTO files.favourites (tenant_id, account_id, node_id, added_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
        tenant,
        account.0,
        node.0,
        now
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Makes it none any more.
pub(crate) async fn remove(tx: &mut TenantTx, account: AccountId, node: NodeId) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "DELETE FROM files.favourites WHERE tenant_id = $1 AND account_id = $2 AND node_id = $3",
        tenant,
        account.0,
        node.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// How many an account has.
pub(crate) async fn count(tx: &mut TenantTx, account: AccountId) -> Result<i64> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM files.favourites WHERE tenant_id = $1 AND account_id = $2"#,
        tenant,
        account.0
    )
    .fetch_one(&mut **tx)
    .await?)
}

/// An account's favourites, the newest first, before `from`.
pub(crate) async fn page(
    tx: &mut TenantTx,
    account: AccountId,
    from: Moment,
    limit: i64,
) -> Result<Vec<Moment>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        Moment,
        r#"SELECT added_at AS at, node_id AS "id: NodeId" FROM files.favourites
           WHERE tenant_id = $1 AND account_id = $2 AND (added_at, node_id) < ($3, $4)
           ORDER BY added_at DESC, node_id DESC LIMIT $5"#,
        tenant,
        account.0,
        from.at,
        from.id.0,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// The files that an account changed last, the latest first, before `from`.
pub(crate) async fn recent(
    tx: &mut TenantTx,
    account: AccountId,
    from: Moment,
    limit: i64,
) -> Result<Vec<Moment>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        Moment,
        r#"SELECT updated_at AS at, id AS "id: NodeId" FROM files.nodes
           WHERE tenant_id = $1 AND updated_by = $2 AND kind = 'file' AND trashed_at IS NULL
             AND (updated_at, id) < ($3, $4)
           ORDER BY updated_at DESC, id DESC LIMIT $5"#,
        tenant,
        account.0,
        from.at,
        from.id.0,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}
