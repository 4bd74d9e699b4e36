//! Removing what the index holds of a tenant, in steps.

use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use sqlx::AssertSqlSafe;

/// Every table of this module with its key. The cursor first: without it a step under way is given up. What is pending last:
/// while an index is emptied something is.
pub(crate) const TABLES: [(&str, &str); 6] = [
    ("cursors", "tenant_id"),
    ("postings", "tenant_id, word_id, node_id"),
    ("entries", "tenant_id, node_id"),
    ("words", "tenant_id, tree_id, word"),
    ("trigrams", "tenant_id, trigram, word"),
    ("pending", "tenant_id, node_id"),
];

/// Removes at most `limit` of the tenant's rows of one of [`TABLES`]; answers how many. They are taken in the order of the
/// key, so that what was removed before is not read again and again.
pub(crate) async fn rows(
    tx: &mut TenantTx,
    (table, key): (&'static str, &'static str),
    limit: i64,
) -> Result<u64> {
    let tenant = tx.tenant().0;
    let sql = format!(
        "DELETE FROM search.{table}
         WHERE ctid = ANY (ARRAY(SELECT ctid FROM search.{table} WHERE tenant_id = $1 ORDER BY {key} LIMIT $2))"
    );
    let done = sqlx::query(AssertSqlSafe(sql))
        .bind(tenant)
        .bind(limit)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected())
}

/// Removes at most `limit` rows of what an index holds, beside its cursor; answers how many.
pub(crate) async fn contents(tx: &mut TenantTx, limit: u64) -> Result<u64> {
    let mut removed = 0;
    for table in &TABLES[1..] {
        let left = i64::try_from(limit - removed).unwrap_or(i64::MAX);
        removed += rows(tx, *table, left).await?;
        if removed >= limit {
            break;
        }
    }
    Ok(removed)
}
