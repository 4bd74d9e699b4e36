//! The trash: putting nodes there, listing them, and taking them out again.

use super::nodes::NodeView;
use crate::domain::access::Actor;
use crate::domain::moment::Moment;
use crate::domain::name::Name;
use bitvault_platform::Result;
use bitvault_platform::db::{TenantTx, WorkerTx};
use bitvault_platform::ids::{AccountId, NodeId, TenantId};
use std::collections::HashMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// Moves nodes to the trash, each with the tree that it was in.
pub(crate) async fn trash(
    tx: &mut TenantTx,
    actor: Actor,
    nodes: &[(NodeId, NodeId)],
    now: OffsetDateTime,
) -> Result<()> {
    let tenant = tx.tenant().0;
    let (ids, trees): (Vec<Uuid>, Vec<Uuid>) = nodes.iter().map(|(id, tree)| (id.0, tree.0)).unzip();
    sqlx::query!(
        "UPDATE files.nodes n
         SET trashed_at = $4, trashed_by = $5, trashed_tree = gone.tree, updated_at = $4, updated_by = $5,
             revision = n.revision + 1
         FROM (SELECT n.ctid, wanted.tree
               FROM unnest($2::uuid[], $3::uuid[]) AS wanted(id, tree)
               CROSS JOIN LATERAL (SELECT ctid FROM files.nodes WHERE tenant_id = $1 AND id = wanted.id LIMIT 1) n) gone
         WHERE n.ctid = gone.ctid",
        tenant,
        &ids,
        &trees,
        now,
        actor.account.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A node that went to the trash by itself.
#[derive(Debug, Clone)]
pub(crate) struct Trashed {
    pub(crate) view: NodeView,
    pub(crate) at: OffsetDateTime,
    pub(crate) by: Option<AccountId>,
}

impl Trashed {
    /// Where it stands in the listing.
    pub(crate) fn place(&self) -> Moment {
        Moment {
            at: self.at,
            id: self.view.id,
        }
    }
}

/// What went to the trash of a tree, the latest first, after `after`, at most `limit`.
pub(crate) async fn list(tx: &mut TenantTx, tree: NodeId, after: Moment, limit: i64) -> Result<Vec<Trashed>> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query!(
        r#"SELECT n.id AS "id!: NodeId", nullif(n.parent_id, $1) AS "parent_id?: NodeId", n.kind = 'folder' AS "is_folder!",
                  n.name AS "name!", n.name_key AS "name_key!", n.revision AS "revision!",
                  n.created_at AS "created_at!", n.updated_at AS "updated_at!",
                  n.trashed_at AS "trashed_at!", n.trashed_by AS "trashed_by?: AccountId",
                  v.id AS "version_id?: bitvault_platform::ids::VersionId", v.content_type AS "content_type?",
                  b.length AS "size?", b.sha256 AS "sha256?"
           FROM (SELECT * FROM files.nodes
                 WHERE tenant_id = $1 AND coalesce(trashed_tree, trashed_by) = $2 AND trashed_at IS NOT NULL
                   AND (trashed_at, id) < ($3, $4)
                 ORDER BY trashed_at DESC, id DESC LIMIT $5) n
           LEFT JOIN LATERAL (SELECT * FROM files.versions
                              WHERE tenant_id = $1 AND id = n.current_version LIMIT 1) v ON true
           LEFT JOIN LATERAL (SELECT * FROM files.blobs
                              WHERE tenant_id = $1 AND id = v.blob_id LIMIT 1) b ON true
           ORDER BY n.trashed_at DESC, n.id DESC"#,
        tenant,
        tree.0,
        after.at,
        after.id.0,
        limit
    )
    .fetch_all(&mut **tx)
    .await?;
    let trashed = rows.into_iter().map(|row| Trashed {
        view: NodeView {
            id: row.id,
            parent_id: row.parent_id,
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
        },
        at: row.trashed_at,
        by: row.trashed_by,
    });
    Ok(trashed.collect())
}

/// The names of nodes.
pub(crate) async fn names(tx: &mut TenantTx, ids: &[Uuid]) -> Result<HashMap<NodeId, String>> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query!(
        r#"SELECT n.id AS "id!: NodeId", n.name AS "name!"
           FROM unnest($2::uuid[]) AS wanted(id)
           CROSS JOIN LATERAL (SELECT id, name FROM files.nodes WHERE tenant_id = $1 AND id = wanted.id LIMIT 1) n"#,
        tenant,
        ids
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// Takes a node out of the trash into a folder. Who calls holds the locks of both and has seen that the name is free.
pub(crate) async fn restore(
    tx: &mut TenantTx,
    actor: Actor,
    id: NodeId,
    parent: NodeId,
    name: &Name,
    now: OffsetDateTime,
) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "UPDATE files.nodes
         SET parent_id = $3, name = $4, name_key = $5, trashed_at = NULL, trashed_by = NULL, trashed_tree = NULL,
             updated_at = $6, updated_by = $7, revision = revision + 1
         WHERE tenant_id = $1 AND id = $2",
        tenant,
        id.0,
        parent.0,
        name.text,
        name.key,
        now,
        actor.account.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A tenant with something in the trash.
#[derive(Debug, Clone)]
pub(crate) struct Oldest {
    pub(crate) tenant: TenantId,
    /// When the node went there that is there longest.
    pub(crate) at: OffsetDateTime,
}

/// The first tenant after `after`, by id, that has anything in the trash.
pub(crate) async fn next_tenant(tx: &mut WorkerTx, after: TenantId) -> Result<Option<Oldest>> {
    Ok(sqlx::query_as!(
        Oldest,
        r#"SELECT tenant_id AS "tenant!: TenantId", trashed_at AS "at!"
           FROM files.nodes WHERE trashed_at IS NOT NULL AND tenant_id > $1 ORDER BY tenant_id, trashed_at LIMIT 1"#,
        after.0
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// What went to a tenant's trash at `before` or earlier, the oldest first; after `after`, at most `limit`.
pub(crate) async fn due(
    tx: &mut WorkerTx,
    tenant: TenantId,
    before: OffsetDateTime,
    after: Moment,
    limit: i64,
) -> Result<Vec<Moment>> {
    Ok(sqlx::query_as!(
        Moment,
        r#"SELECT trashed_at AS "at!", id AS "id!: NodeId"
           FROM files.nodes
           WHERE trashed_at IS NOT NULL AND tenant_id = $1 AND trashed_at <= $2 AND (trashed_at, id) > ($3, $4)
           ORDER BY trashed_at, id LIMIT $5"#,
        tenant.0,
        before,
        after.at,
        after.id.0,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}
