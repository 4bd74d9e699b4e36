//! Folders whose children have to be looked at.

use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use uuid::Uuid;

/// A folder, and where its children are gone on with.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) node: Uuid,
    pub(crate) after: Option<String>,
}

/// Some of the tenant's folders, at most `limit`.
pub(crate) async fn some(tx: &mut TenantTx, limit: i64) -> Result<Vec<Pending>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        Pending,
        "SELECT node_id AS node, after FROM search.pending WHERE tenant_id = $1 ORDER BY node_id LIMIT $2",
        tenant,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Adds folders; one that is there begins again.
pub(crate) async fn add(tx: &mut TenantTx, nodes: &[Uuid]) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "INSERT INTO search.pending (tenant_id, node_id) SELECT $1, node FROM unnest($2::uuid[]) AS new(node)
         ON CONFLICT (tenant_id, node_id) DO UPDATE SET after = NULL",
        tenant,
        nodes
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Goes on with a folder behind `after`.
pub(crate) async fn go_on(tx: &mut TenantTx, node: Uuid, after: &str) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "UPDATE search.pending SET after = $3 WHERE tenant_id = $1 AND node_id = $2",
        tenant,
        node,
        after
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes folders off.
pub(crate) async fn done(tx: &mut TenantTx, nodes: &[Uuid]) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "DELETE FROM search.pending
         WHERE ctid = ANY (ARRAY(
             SELECT one.row FROM unnest($2::uuid[]) AS old(id)
             CROSS JOIN LATERAL (SELECT ctid AS row FROM search.pending
                                 WHERE tenant_id = $1 AND node_id = old.id LIMIT 1) one))",
        tenant,
        nodes
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
