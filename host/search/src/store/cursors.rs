//! How far each tenant's index has come.

use bitvault_platform::Result;
use bitvault_platform::db::{TenantTx, WorkerTx};
use bitvault_platform::ids::TenantId;
use uuid::Uuid;

/// Where a tenant's index stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) epoch: i64,
    /// The last change that is in the index.
    pub(crate) seq: i64,
    /// Grows with each write.
    pub(crate) step: i64,
}

/// The cursor of the tenant, if it has an index.
pub(crate) async fn read(tx: &mut TenantTx) -> Result<Option<Cursor>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        Cursor,
        "SELECT epoch, seq, step FROM search.cursors WHERE tenant_id = $1",
        tenant
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Begins an index that is complete up to `seq` once everything pending is done; `false` when somebody else has.
pub(crate) async fn begin(tx: &mut TenantTx, epoch: i64, seq: i64) -> Result<bool> {
    let tenant = tx.tenant().0;
    let done = sqlx::query!(
        "INSERT INTO search.cursors (tenant_id, epoch, seq) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        tenant,
        epoch,
        seq
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Goes on from `from` to `seq` and locks the cursor; `false` when somebody else wrote since `from` was read: then what was
/// read of the tenant's nodes meanwhile may be older than what is in the index.
pub(crate) async fn advance(tx: &mut TenantTx, from: Cursor, seq: i64) -> Result<bool> {
    let tenant = tx.tenant().0;
    let done = sqlx::query!(
        "UPDATE search.cursors SET seq = $4, step = step + 1 WHERE tenant_id = $1 AND epoch = $2 AND step = $3",
        tenant,
        from.epoch,
        from.step,
        seq
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Of journals, as `(tenant, epoch, seq)`, the tenants whose index has not come as far, or has folders to look at.
pub(crate) async fn behind(
    tx: &mut WorkerTx,
    tenants: &[Uuid],
    epochs: &[i64],
    seqs: &[i64],
) -> Result<Vec<TenantId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT head.tenant AS "tenant!: TenantId"
           FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS head(tenant, epoch, seq)
           LEFT JOIN LATERAL (SELECT epoch, seq FROM search.cursors
                              WHERE tenant_id = head.tenant LIMIT 1) c ON true
           WHERE c.epoch IS DISTINCT FROM head.epoch OR c.seq IS DISTINCT FROM head.seq
              OR EXISTS (SELECT FROM search.pending p WHERE p.tenant_id = head.tenant OFFSET 0)"#,
        tenants,
        epochs,
        seqs
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Tenants with an index, from the one behind `after` to `last`, that are none of `known`.
pub(crate) async fn others(
    tx: &mut WorkerTx,
    after: Uuid,
    last: Uuid,
    known: &[Uuid],
) -> Result<Vec<TenantId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT tenant_id AS "tenant!: TenantId" FROM search.cursors
           WHERE tenant_id > $1 AND tenant_id <= $2 AND tenant_id <> ALL($3)"#,
        after,
        last,
        known
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Empties the tenant's index. It is begun anew by whoever looks next.
pub(crate) async fn clear(tx: &mut TenantTx) -> Result<()> {
    let tenant = tx.tenant().0;
    // The cursor first: it is the lock, and a step under way finds it gone.
    sqlx::query!("DELETE FROM search.cursors WHERE tenant_id = $1", tenant)
        .execute(&mut **tx)
        .await?;
    sqlx::query!("DELETE FROM search.pending WHERE tenant_id = $1", tenant)
        .execute(&mut **tx)
        .await?;
    sqlx::query!("DELETE FROM search.postings WHERE tenant_id = $1", tenant)
        .execute(&mut **tx)
        .await?;
    sqlx::query!("DELETE FROM search.entries WHERE tenant_id = $1", tenant)
        .execute(&mut **tx)
        .await?;
    sqlx::query!("DELETE FROM search.words WHERE tenant_id = $1", tenant)
        .execute(&mut **tx)
        .await?;
    sqlx::query!("DELETE FROM search.trigrams WHERE tenant_id = $1", tenant)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// How many nodes of the tenant are in its index.
pub(crate) async fn count(tx: &mut TenantTx) -> Result<i64> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM search.entries WHERE tenant_id = $1"#,
        tenant
    )
    .fetch_one(&mut **tx)
    .await?)
}
