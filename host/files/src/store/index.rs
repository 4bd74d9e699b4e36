//! What an index of nodes is made from, and where somebody may look.

use bitvault_platform::Result;
use bitvault_platform::db::{TenantTx, WorkerTx};
use bitvault_platform::ids::{AccountId, NodeId, TenantId};
use time::OffsetDateTime;
use uuid::Uuid;

/// How far a tenant's journal has come.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) tenant: TenantId,
    pub(crate) epoch: i64,
    pub(crate) seq: i64,
}

/// A tenant's journal behind some number.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) head: Head,
    /// Number and node of each change.
    pub(crate) changes: Vec<(i64, NodeId)>,
}

/// A node as it is indexed.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    pub(crate) id: NodeId,
    /// Absent on the top of a tree.
    pub(crate) parent_id: Option<NodeId>,
    pub(crate) is_folder: bool,
    pub(crate) name: String,
    pub(crate) name_key: String,
    pub(crate) revision: i64,
    pub(crate) updated_at: OffsetDateTime,
    pub(crate) created_by: Option<AccountId>,
    pub(crate) size: Option<i64>,
    pub(crate) content_type: Option<String>,
}

/// The heads of all tenants after one, by id.
pub(crate) async fn heads(tx: &mut WorkerTx, after: TenantId, limit: i64) -> Result<Vec<Head>> {
    Ok(sqlx::query_as!(
        Head,
        r#"SELECT tenant_id AS "tenant!: TenantId", epoch AS "epoch!", seq AS "seq!"
           FROM files.journal_heads WHERE tenant_id > $1 ORDER BY tenant_id LIMIT $2"#,
        after.0,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// The journal after a number, at most `limit` changes, with its head as it was at that moment.
pub(crate) async fn journal(tx: &mut TenantTx, after: i64, limit: i64) -> Result<Option<Read>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"SELECT h.epoch AS "epoch!", h.seq AS "head!", j.seq AS "seq?", j.node_id AS "node?: NodeId"
           FROM files.journal_heads h LEFT JOIN LATERAL (
               SELECT seq, node_id FROM files.journal WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
           ) j ON true
           WHERE h.tenant_id = $1 ORDER BY j.seq"#,
        tenant.0,
        after,
        limit
    )
    .fetch_all(&mut **tx)
    .await?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let head = Head {
        tenant,
        epoch: first.epoch,
        seq: first.head,
    };
    let changes = rows.into_iter().filter_map(|row| row.seq.zip(row.node)).collect();
    Ok(Some(Read { head, changes }))
}

/// Nodes, in the trash or not, in no order; those that don't exist are left out.
pub(crate) async fn described(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<Described>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        Described,
        r#"SELECT n.id AS "id!: NodeId", nullif(n.parent_id, $1) AS "parent_id?: NodeId",
                  n.kind = 'folder' AS "is_folder!", n.name AS "name!", n.name_key AS "name_key!",
                  n.revision AS "revision!", n.updated_at AS "updated_at!", n.created_by AS "created_by?: AccountId",
                  b.length AS "size?", v.content_type AS "content_type?"
           FROM unnest($2::uuid[]) AS wanted(id)
           CROSS JOIN LATERAL (SELECT * FROM files.nodes WHERE tenant_id = $1 AND id = wanted.id LIMIT 1) n
           LEFT JOIN LATERAL (SELECT * FROM files.versions
                              WHERE tenant_id = $1 AND id = n.current_version LIMIT 1) v ON true
           LEFT JOIN LATERAL (SELECT * FROM files.blobs
                              WHERE tenant_id = $1 AND id = v.blob_id LIMIT 1) b ON true"#,
        tenant,
        ids
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// The children of a folder that are not in the trash, by folded name, after `after`.
pub(crate) async fn below(
    tx: &mut TenantTx,
    folder: NodeId,
    after: &str,
    limit: i64,
) -> Result<Vec<Described>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        Described,
        r#"SELECT n.id AS "id!: NodeId", nullif(n.parent_id, $1) AS "parent_id?: NodeId",
                  n.kind = 'folder' AS "is_folder!", n.name AS "name!", n.name_key AS "name_key!",
                  n.revision AS "revision!", n.updated_at AS "updated_at!", n.created_by AS "created_by?: AccountId",
                  b.length AS "size?", v.content_type AS "content_type?"
           FROM (SELECT * FROM files.nodes
                 WHERE tenant_id = $1 AND parent_id = $2 AND name_key > $3 AND trashed_at IS NULL
                 ORDER BY name_key LIMIT $4) n
           LEFT JOIN LATERAL (SELECT * FROM files.versions
                              WHERE tenant_id = $1 AND id = n.current_version LIMIT 1) v ON true
           LEFT JOIN LATERAL (SELECT * FROM files.blobs
                              WHERE tenant_id = $1 AND id = v.blob_id LIMIT 1) b ON true
           ORDER BY n.name_key"#,
        tenant,
        folder.0,
        after,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Nodes on which an account was given a role, itself or through a group, at most `limit` of each.
pub(crate) async fn granted(tx: &mut TenantTx, account: AccountId, limit: i64) -> Result<Vec<NodeId>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_scalar!(
        r#"SELECT DISTINCT g.node_id AS "node!: NodeId"
           FROM (SELECT $2::uuid AS id UNION ALL SELECT m.group_id FROM (
                     SELECT group_id FROM files.group_members WHERE tenant_id = $1 AND account_id = $2 OFFSET 0) m
                ) subject
           CROSS JOIN LATERAL (SELECT node_id FROM files.grants
                               WHERE tenant_id = $1 AND subject_id = subject.id
                               ORDER BY granted_at DESC LIMIT $3) g"#,
        tenant,
        account.0,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}
