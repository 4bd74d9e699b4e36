//! The space of trees. Triggers keep the counters, in the transaction that changes versions or moves nodes (migration 0070,
//! ADR 0114); here they are read and compared with the truth.

use bitvault_platform::Result;
use bitvault_platform::db::{TenantTx, WorkerTx};
use bitvault_platform::ids::{NodeId, TenantId};
use uuid::Uuid;

/// Files, bytes of their current versions, versions, bytes of all versions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Space {
    pub(crate) files: i64,
    pub(crate) current_bytes: i64,
    pub(crate) versions: i64,
    pub(crate) version_bytes: i64,
}

/// What a tree takes, the trash included; absent when nothing was ever put into it.
pub(crate) async fn tree(tx: &mut TenantTx, tree: NodeId) -> Result<Option<Space>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        Space,
        "SELECT files, current_bytes, versions, version_bytes FROM files.usage WHERE tenant_id = $1 AND tree_id = $2",
        tenant,
        tree.0
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// What of a tree is in the trash: counted anew each time, as much work as there are nodes in the tenant's trash.
pub(crate) async fn trash(tx: &mut TenantTx, tree: NodeId) -> Result<Space> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        Space,
        r#"WITH RECURSIVE up AS (
               SELECT id AS origin, id, parent_id, false AS trashed
               FROM files.nodes WHERE tenant_id = $1 AND trashed_at > '-infinity'
               UNION
               SELECT up.origin, n.id, n.parent_id, n.trashed_at IS NOT NULL
               FROM up CROSS JOIN LATERAL (SELECT id, parent_id, trashed_at FROM files.nodes
                                           WHERE tenant_id = $1 AND id = up.parent_id LIMIT 1) n
               WHERE up.parent_id <> $1 AND NOT up.trashed
           )
           SELECT coalesce(sum(s.files), 0)::bigint AS "files!",
                  coalesce(sum(s.current_bytes), 0)::bigint AS "current_bytes!",
                  coalesce(sum(s.versions), 0)::bigint AS "versions!",
                  coalesce(sum(s.version_bytes), 0)::bigint AS "version_bytes!"
           FROM up CROSS JOIN LATERAL files.subtree_usage($1, up.origin) s
           WHERE up.id = $2 AND NOT up.trashed"#,
        tenant,
        tree.0
    )
    .fetch_one(&mut **tx)
    .await?)
}

/// Forgets the counters of a tree that was removed.
pub(crate) async fn forget(tx: &mut TenantTx, tree: NodeId) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "DELETE FROM files.usage WHERE tenant_id = $1 AND tree_id = $2",
        tenant,
        tree.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Tenants after `after`, in the order of their ids.
pub(crate) async fn tenants(tx: &mut WorkerTx, after: Uuid, limit: i64) -> Result<Vec<TenantId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT tenant_id AS "tenant!: TenantId" FROM files.journal_heads
           WHERE tenant_id > $1 ORDER BY tenant_id LIMIT $2"#,
        after,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// A tree whose counter is not what counting finds.
#[derive(Debug, Clone)]
pub(crate) struct Drift {
    pub(crate) tree: NodeId,
    pub(crate) counted: i64,
    pub(crate) found: i64,
}

/// The trees of the tenant whose counters are wrong, with the bytes of all their versions: it reads everything.
pub(crate) async fn drifts(tx: &mut TenantTx) -> Result<Vec<Drift>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        Drift,
        r#"SELECT n.id AS "tree!: NodeId", coalesce(u.version_bytes, 0) AS "counted!", s.version_bytes AS "found!"
           FROM files.nodes n
           CROSS JOIN LATERAL files.subtree_usage($1, n.id) s
           LEFT JOIN LATERAL (SELECT * FROM files.usage WHERE tenant_id = $1 AND tree_id = n.id LIMIT 1) u ON true
           WHERE n.tenant_id = $1 AND n.parent_id = $1
             AND (coalesce(u.files, 0), coalesce(u.current_bytes, 0), coalesce(u.versions, 0),
                  coalesce(u.version_bytes, 0)) <> (s.files, s.current_bytes, s.versions, s.version_bytes)
           ORDER BY n.id"#,
        tenant
    )
    .fetch_all(&mut **tx)
    .await?)
}
