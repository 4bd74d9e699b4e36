//! How far each tenant's index has come.

use bitvault_platform::db::{TenantTx, WorkerTx};
use bitvault_platform::ids::TenantId;
use bitvault_platform::{Error, Result};
use uuid::Uuid;

/// The form of what is indexed: raised with each change of what stands in an entry or leads to it. 1: tags and fields.
pub(crate) const FORM: i32 = 1;
/// The number of an index that holds nothing certain.
const NOTHING: i64 = -1;

/// What is done to an index beside following the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// What is there goes, then the index is begun.
    Emptying,
    /// Every node is looked at once more, as entries are of a lower form.
    Refreshing,
    /// Nothing.
    Following,
}

impl Stage {
    fn parse(text: &str) -> Result<Self> {
        Ok(match text {
            "emptying" => Self::Emptying,
            "refreshing" => Self::Refreshing,
            "following" => Self::Following,
            other => return Err(Error::internal("read an index's stage", other.to_owned())),
        })
    }
}

/// Where a tenant's index stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) epoch: i64,
    /// The last change that is in the index.
    pub(crate) seq: i64,
    /// Grows with each write.
    pub(crate) step: i64,
    /// The form that entries have; while refreshing, the one that they get.
    pub(crate) form: i32,
    pub(crate) stage: Stage,
}

/// The cursor of the tenant, if it has an index.
pub(crate) async fn read(tx: &mut TenantTx) -> Result<Option<Cursor>> {
    let tenant = tx.tenant().0;
    let row = sqlx::query!(
        "SELECT epoch, seq, step, form, stage FROM search.cursors WHERE tenant_id = $1",
        tenant
    )
    .fetch_optional(&mut **tx)
    .await?;
    let cursor = row.map(|row| {
        Ok(Cursor {
            epoch: row.epoch,
            seq: row.seq,
            step: row.step,
            form: row.form,
            stage: Stage::parse(&row.stage)?,
        })
    });
    cursor.transpose()
}

/// Lets the index be made anew: emptied first, whatever is there. A step under way is given up.
pub(crate) async fn empty(tx: &mut TenantTx) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "INSERT INTO search.cursors AS c (tenant_id, epoch, seq, form, stage) VALUES ($1, 0, $2, $3, 'emptying')
         ON CONFLICT (tenant_id) DO UPDATE SET seq = $2, stage = 'emptying', step = c.step + 1",
        tenant,
        NOTHING,
        FORM
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Begins an index that was emptied; it is complete up to `seq` once everything pending is done. The cursor is locked.
pub(crate) async fn begin(tx: &mut TenantTx, epoch: i64, seq: i64) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "UPDATE search.cursors SET epoch = $2, seq = $3, form = $4, stage = 'following' WHERE tenant_id = $1",
        tenant,
        epoch,
        seq,
        FORM
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Begins to give entries the present form, or tells that they have it. The cursor is locked.
pub(crate) async fn refresh(tx: &mut TenantTx, begins: bool) -> Result<()> {
    let tenant = tx.tenant().0;
    let stage = if begins { "refreshing" } else { "following" };
    sqlx::query!(
        "UPDATE search.cursors SET form = $2, stage = $3 WHERE tenant_id = $1",
        tenant,
        FORM,
        stage
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets the index of a tenant whose journal is gone. The cursor is locked.
pub(crate) async fn forget(tx: &mut TenantTx) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!("DELETE FROM search.cursors WHERE tenant_id = $1", tenant)
        .execute(&mut **tx)
        .await?;
    Ok(())
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

/// Of journals, as `(tenant, epoch, seq)`, the tenants whose index has not come as far, or has something else to do.
pub(crate) async fn behind(
    tx: &mut WorkerTx,
    tenants: &[Uuid],
    epochs: &[i64],
    seqs: &[i64],
) -> Result<Vec<TenantId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT head.tenant AS "tenant!: TenantId"
           FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS head(tenant, epoch, seq)
           LEFT JOIN LATERAL (SELECT epoch, seq, form, stage FROM search.cursors
                              WHERE tenant_id = head.tenant LIMIT 1) c ON true
           WHERE c.epoch IS DISTINCT FROM head.epoch OR c.seq IS DISTINCT FROM head.seq
              OR c.stage <> 'following' OR c.form < $4
              OR EXISTS (SELECT FROM search.pending p WHERE p.tenant_id = head.tenant OFFSET 0)"#,
        tenants,
        epochs,
        seqs,
        FORM
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
