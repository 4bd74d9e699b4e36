//! Removing all rows of a tenant, as the role that can do nothing else. Tables are taken from the catalogue, so that none
//! is forgotten; their names are ours, quoted by Postgres.

use bitvault_platform::Result;
use bitvault_platform::db::{Database, WorkerTx};
use bitvault_platform::ids::TenantId;
use sqlx::AssertSqlSafe;
use time::OffsetDateTime;
use uuid::Uuid;

/// A transaction that sees this tenant's rows and may remove them.
pub(crate) async fn begin(worker: &Database, tenant: TenantId) -> Result<WorkerTx> {
    let setting = tenant.0.to_string();
    worker
        .with_settings(&[("app.tenant", &setting), ("role", "bitvault_eraser")])
        .await
}

/// Every table of this module that holds rows of tenants, quoted.
pub(crate) async fn tables(tx: &mut WorkerTx) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT format('files.%I', c.relname) AS "name!"
           FROM pg_catalog.pg_class c
           JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
           WHERE c.relnamespace = 'files'::regnamespace AND c.relkind IN ('r', 'p')
           ORDER BY c.relname"#
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Removes at most `limit` rows of a table. `None` when rows of another table still name them.
pub(crate) async fn rows(
    tx: &mut WorkerTx,
    table: &str,
    tenant: TenantId,
    limit: i64,
) -> Result<Option<u64>> {
    let sql = format!(
        "DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE tenant_id = $1 LIMIT $2))"
    );
    let done = sqlx::query(AssertSqlSafe(sql))
        .bind(tenant.0)
        .bind(limit)
        .execute(&mut **tx)
        .await;
    match done {
        Ok(done) => Ok(Some(done.rows_affected())),
        Err(sqlx::Error::Database(cause)) if cause.is_foreign_key_violation() => Ok(None),
        Err(cause) => Err(cause.into()),
    }
}

/// Whether a table holds a row of the tenant.
pub(crate) async fn holds(tx: &mut WorkerTx, table: &str, tenant: TenantId) -> Result<bool> {
    let sql = format!("SELECT EXISTS (SELECT FROM {table} WHERE tenant_id = $1)");
    Ok(sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(tenant.0)
        .fetch_one(&mut **tx)
        .await?)
}

/// Moves a page of nodes, in the order of their ids, right below the root, where no node is in another's way. Answers the
/// last id of the page.
pub(crate) async fn flatten(
    tx: &mut WorkerTx,
    tenant: TenantId,
    after: Uuid,
    limit: i64,
) -> Result<Option<Uuid>> {
    Ok(sqlx::query_scalar!(
        r#"WITH page AS MATERIALIZED (
               SELECT id, parent_id FROM files.nodes WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3
           ), moved AS (
               UPDATE files.nodes n SET parent_id = $1, name_key = '/' || n.id
               FROM page WHERE n.tenant_id = $1 AND n.id = page.id AND page.parent_id <> $1
           )
           SELECT id FROM page ORDER BY id DESC LIMIT 1"#,
        tenant.0,
        after,
        limit
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Removes nodes with their versions, the root last; answers how many.
pub(crate) async fn nodes(tx: &mut WorkerTx, tenant: TenantId, limit: i64) -> Result<u64> {
    let mut ids = sqlx::query_scalar!(
        "SELECT id FROM files.nodes WHERE tenant_id = $1 AND id <> $1 LIMIT $2",
        tenant.0,
        limit
    )
    .fetch_all(&mut **tx)
    .await?;
    if ids.is_empty() {
        ids.push(tenant.0);
    }
    sqlx::query!(
        "DELETE FROM files.versions WHERE tenant_id = $1 AND node_id = ANY($2)",
        tenant.0,
        &ids
    )
    .execute(&mut **tx)
    .await?;
    let done = sqlx::query!(
        "DELETE FROM files.nodes WHERE tenant_id = $1 AND id = ANY($2)",
        tenant.0,
        &ids
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// Gives objects up, for the collector to take once no request can bring their bytes back; answers how many.
pub(crate) async fn give_up(
    tx: &mut WorkerTx,
    tenant: TenantId,
    now: OffsetDateTime,
    limit: i64,
) -> Result<u64> {
    let done = sqlx::query!(
        "UPDATE files.objects SET state = 'orphaned', state_at = $2
         WHERE ctid = ANY (ARRAY(SELECT ctid FROM files.objects
                                 WHERE tenant_id = $1 AND state IN ('staging', 'committed') LIMIT $3))
           AND state IN ('staging', 'committed')",
        tenant.0,
        now,
        limit
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// Forgets objects that the store has let go; answers how many.
pub(crate) async fn forget(tx: &mut WorkerTx, tenant: TenantId, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM files.objects
         WHERE ctid = ANY (ARRAY(SELECT ctid FROM files.objects
                                 WHERE tenant_id = $1 AND state = 'deleted' LIMIT $2))",
        tenant.0,
        limit
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// A table without the name of its schema and quotes.
pub(crate) fn is(table: &str, name: &str) -> bool {
    table.strip_prefix("files.") == Some(name)
}
