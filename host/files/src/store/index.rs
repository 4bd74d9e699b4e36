//! What an index of nodes is made from, and where somebody may look.

use super::nodes::NodeView;
use super::sight;
use crate::domain::lineage::{Lineage, NodeFacts};
use bitvault_platform::Result;
use bitvault_platform::db::{TenantRead, TenantTx, WorkerTx};
use bitvault_platform::ids::{AccountId, NodeId, TenantId, VersionId};
use sqlx::types::Json;
use std::collections::{BTreeMap, HashMap, HashSet};
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
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) fields: Option<Json<BTreeMap<String, String>>>,
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
                  b.length AS "size?", v.content_type AS "content_type?", m.tags AS "tags?",
                  m.fields AS "fields?: Json<BTreeMap<String, String>>"
           FROM unnest($2::uuid[]) AS wanted(id)
           CROSS JOIN LATERAL (SELECT * FROM files.nodes WHERE tenant_id = $1 AND id = wanted.id LIMIT 1) n
           LEFT JOIN LATERAL (SELECT * FROM files.versions
                              WHERE tenant_id = $1 AND id = n.current_version LIMIT 1) v ON true
           LEFT JOIN LATERAL (SELECT * FROM files.blobs
                              WHERE tenant_id = $1 AND id = v.blob_id LIMIT 1) b ON true
           LEFT JOIN LATERAL (SELECT * FROM files.metadata
                              WHERE tenant_id = $1 AND node_id = n.id LIMIT 1) m ON true"#,
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
                  b.length AS "size?", v.content_type AS "content_type?", m.tags AS "tags?",
                  m.fields AS "fields?: Json<BTreeMap<String, String>>"
           FROM (SELECT * FROM files.nodes
                 WHERE tenant_id = $1 AND parent_id = $2 AND name_key > $3 AND trashed_at IS NULL
                 ORDER BY name_key LIMIT $4) n
           LEFT JOIN LATERAL (SELECT * FROM files.versions
                              WHERE tenant_id = $1 AND id = n.current_version LIMIT 1) v ON true
           LEFT JOIN LATERAL (SELECT * FROM files.blobs
                              WHERE tenant_id = $1 AND id = v.blob_id LIMIT 1) b ON true
           LEFT JOIN LATERAL (SELECT * FROM files.metadata
                              WHERE tenant_id = $1 AND node_id = n.id LIMIT 1) m ON true
           ORDER BY n.name_key"#,
        tenant,
        folder.0,
        after,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// What decides whether an account sees nodes, and what it is shown of them.
#[derive(Debug)]
pub(crate) struct Sight {
    /// With the account's roles.
    pub(crate) lineage: Lineage,
    /// Nodes on which the account was given a role, itself or through a group, if that was asked for.
    pub(crate) granted: Vec<NodeId>,
    /// Names of the nodes and of all folders above them.
    pub(crate) names: HashMap<NodeId, String>,
    /// Those that were wanted whole.
    pub(crate) views: HashMap<NodeId, NodeView>,
}

/// The nodes, some of them `whole`, those on which a role was given (of the account and of each of its groups at most `granted`,
/// the newest grants), and all that stands above them, in one look.
pub(crate) async fn sight(
    read: &TenantRead,
    account: AccountId,
    ids: &[Uuid],
    whole: &[Uuid],
    granted: i64,
) -> Result<Sight> {
    let tenant = read.tenant().0;
    let rows = read
        .fetch_all(|bound, tenant| {
            sqlx::query!(
                r#"SELECT id AS "id!: NodeId", parent_id AS "parent_id?: NodeId", is_folder AS "is_folder!",
                          trashed AS "trashed!", revision AS "revision!", inherits AS "inherits!", name AS "name!",
                          name_key AS "name_key!", created_at AS "created_at!", updated_at AS "updated_at!",
                          roles AS "roles?: Vec<String>", is_granted AS "granted!", version_id AS "version_id?: VersionId",
                          content_type AS "content_type?", size AS "size?", sha256 AS "sha256?"
                   FROM files.visible(app.within($1, $2), $3, $4, $5, $6)"#,
                bound,
                tenant,
                account.0,
                ids,
                whole,
                granted
            )
        })
        .await?;
    let granted = rows.iter().filter(|row| row.granted).map(|row| row.id);
    let granted = granted.collect();
    let (mut facts, mut names) = (Vec::with_capacity(rows.len()), HashMap::with_capacity(rows.len()));
    let wanted: HashSet<Uuid> = whole.iter().copied().collect();
    let mut views = HashMap::with_capacity(wanted.len());
    for row in rows {
        facts.push(NodeFacts {
            id: row.id,
            parent_id: row.parent_id,
            is_folder: row.is_folder,
            trashed: row.trashed,
            current_version: None,
            revision: row.revision,
            inherits: row.inherits,
            grants: sight::given(account, row.roles.unwrap_or_default())?,
            quota: None,
        });
        names.insert(row.id, row.name.clone());
        if wanted.contains(&row.id.0) {
            let view = NodeView {
                id: row.id,
                // The tenant's root is not shown.
                parent_id: row.parent_id.filter(|parent| parent.0 != tenant),
                is_folder: row.is_folder,
                name: row.name,
                name_key: row.name_key,
                revision: row.revision,
                created_at: row.created_at,
                updated_at: row.updated_at,
                version_id: row.version_id,
                content_type: row.content_type,
                size: row.size,
                sha256: row.sha256,
            };
            views.insert(row.id, view);
        }
    }
    let lineage = Lineage::new(facts);
    Ok(Sight {
        lineage,
        granted,
        names,
        views,
    })
}
