//! What an older release put right below a tenant's root, where it kept everybody's files.

use bitvault_platform::Result;
use bitvault_platform::db::WorkerTx;
use bitvault_platform::ids::{AccountId, NodeId, TenantId};

/// A node that is in no home, and whose it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Astray {
    pub(crate) tenant: TenantId,
    pub(crate) node: NodeId,
    pub(crate) account: AccountId,
}

/// Nodes of all tenants that are in no home and no space, after `after` in the order of their ids. Names that begin with a
/// slash are nobody's: of homes, and of copies that are being made.
pub(crate) async fn list(tx: &mut WorkerTx, after: NodeId, limit: i64) -> Result<Vec<Astray>> {
    Ok(sqlx::query_as!(
        Astray,
        r#"SELECT n.tenant_id AS "tenant!: TenantId", n.id AS "node!: NodeId", n.created_by AS "account!: AccountId"
           FROM files.nodes n
           WHERE n.parent_id = n.tenant_id AND NOT starts_with(n.name_key, '/') AND n.id > $1
             AND n.created_by IS NOT NULL
             AND NOT EXISTS (SELECT FROM files.spaces s
                             WHERE s.tenant_id = n.tenant_id AND s.node_id = n.id OFFSET 0)
           ORDER BY n.id LIMIT $2"#,
        after.0,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}
