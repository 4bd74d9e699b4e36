//! Removing what the index holds of a tenant that is deleted.

use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use sqlx::AssertSqlSafe;

/// Every table of this module. The cursor first: without it a step under way is given up.
pub(crate) const TABLES: [&str; 6] = ["cursors", "pending", "postings", "entries", "words", "trigrams"];

/// Removes at most `limit` of the tenant's rows of one of [`TABLES`]; answers how many.
pub(crate) async fn rows(tx: &mut TenantTx, table: &'static str, limit: i64) -> Result<u64> {
    let tenant = tx.tenant().0;
    let sql = format!(
        "DELETE FROM search.{table}
         WHERE ctid = ANY (ARRAY(SELECT ctid FROM search.{table} WHERE tenant_id = $1 LIMIT $2))"
    );
    let done = sqlx::query(AssertSqlSafe(sql))
        .bind(tenant)
        .bind(limit)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected())
}
