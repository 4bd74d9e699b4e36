//! Reading nodes, locking them, and making folders. What decides about them is read in [`sight`](super::sight).
//!
//! A name in a folder is looked for as the first that is not before it: only the index of names leads to that in order. Asked
//! by equality, each index that begins with the folder looks as good to a planner that takes the folder for small, as it
//! does before there are statistics, and then the whole folder is read for one name.

pub(crate) use super::sight::{lineage, lineage_and_views};

use super::moves;
use crate::domain::access::{Actor, root};
use crate::domain::extent::Extent;
use crate::domain::moment::Moment;
use crate::domain::name::Name;
use crate::domain::sort::Keys;
use crate::store::journal::{Change, ChangeKind};
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{AccountId, NodeId, VersionId};
use time::OffsetDateTime;
use uuid::Uuid;

/// A node with its current version, as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct NodeView {
    pub(crate) id: NodeId,
    /// Absent on the top of a tree.
    pub(crate) parent_id: Option<NodeId>,
    pub(crate) is_folder: bool,
    pub(crate) name: String,
    pub(crate) name_key: String,
    pub(crate) revision: i64,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
    pub(crate) version_id: Option<VersionId>,
    pub(crate) content_type: Option<String>,
    pub(crate) size: Option<i64>,
    pub(crate) sha256: Option<Vec<u8>>,
}

impl NodeView {
    /// Its name as it is.
    pub(crate) fn own_name(&self) -> Name {
        Name {
            text: self.name.clone(),
            key: self.name_key.clone(),
        }
    }

    /// What folders are listed by.
    pub(crate) fn keys(&self) -> Keys<'_> {
        let at = |at| Moment { at, id: self.id };
        Keys {
            name: &self.name_key,
            updated: at(self.updated_at),
            created: at(self.created_at),
            extent: Extent {
                size: self.size.unwrap_or(0),
                id: self.id,
            },
        }
    }
}

/// Makes the tenant's root and the head of its journal, if they aren't there.
pub(crate) async fn ensure_root(tx: &mut TenantTx, now: OffsetDateTime) -> Result<()> {
    // Without a home nothing is taken in.
    ensure_homes(tx, &[], now).await.map(|_| ())
}

/// Makes the homes of these accounts, with what stands above them, if they aren't there. A home that is new gets the limit
/// that homes of the tenant begin with: nothing is below it yet, so it is counted. It takes in what
/// its account had put right below the tenant's root, where an older release kept everybody's files. Those moves are
/// answered, for the caller to write them into the journal with its own changes: that comes last.
#[must_use = "what was taken in belongs into the journal"]
pub(crate) async fn ensure_homes(
    tx: &mut TenantTx,
    accounts: &[Uuid],
    now: OffsetDateTime,
) -> Result<Vec<Change>> {
    let tenant = tx.tenant();
    let made = sqlx::query_scalar!(
        r#"WITH head AS (
               INSERT INTO files.journal_heads (tenant_id) VALUES ($1) ON CONFLICT DO NOTHING
           ), root AS (
               INSERT INTO files.nodes (tenant_id, id, kind, name, name_key, created_at, updated_at)
               VALUES ($1, $2, 'folder', '', '', $3, $3) ON CONFLICT DO NOTHING
           ), made AS (
               INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, created_at, created_by,
                                        updated_at, updated_by)
               SELECT $1, account, $2, 'folder', '', '/' || account, $3, account, $3, account
               FROM unnest($4::uuid[]) AS wanted(account)
               ON CONFLICT DO NOTHING RETURNING id
           ), limited AS (
               INSERT INTO files.quotas (tenant_id, node_id, max_bytes, counted, set_at, set_by)
               SELECT $1, made.id, first.max_bytes, true, $3, first.set_by
               FROM made CROSS JOIN LATERAL (SELECT max_bytes, set_by FROM files.home_quotas
                                             WHERE tenant_id = $1 LIMIT 1) first
           )
           SELECT id AS "id!: NodeId" FROM made"#,
        tenant.0,
        root(tenant).0,
        now,
        accounts
    )
    .fetch_all(&mut **tx)
    .await?;
    let made: Vec<Uuid> = made.into_iter().map(|id| id.0).collect();
    if made.is_empty() {
        return Ok(Vec::new());
    }
    // Names that begin with a slash are nobody's: of homes, and of copies that are being made.
    let found = sqlx::query_scalar!(
        r#"SELECT below.id AS "id!"
           FROM unnest(ARRAY[$2::uuid]) AS top(id)
           CROSS JOIN LATERAL (SELECT id, created_by, name_key FROM files.nodes
                               WHERE tenant_id = $1 AND parent_id = top.id OFFSET 0) below
           WHERE below.created_by = ANY($3) AND NOT starts_with(below.name_key, '/')
             AND NOT EXISTS (SELECT FROM files.spaces WHERE tenant_id = $1 AND node_id = below.id OFFSET 0)"#,
        tenant.0,
        root(tenant).0,
        &made
    )
    .fetch_all(&mut **tx)
    .await?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    // They go to another tree, with all below them (service::crossing). Nobody has a role there yet: only jobs wait.
    let below = moves::subtrees(tx, &found).await?;
    lock(tx, &below).await?;
    let taken_in = sqlx::query!(
        r#"UPDATE files.nodes n SET parent_id = n.created_by, revision = revision + 1
           FROM (SELECT n.ctid
                 FROM unnest($2::uuid[]) AS wanted(id)
                 CROSS JOIN LATERAL (SELECT ctid FROM files.nodes WHERE tenant_id = $1 AND id = wanted.id LIMIT 1) n) taken
           WHERE n.ctid = taken.ctid AND n.parent_id = $3
           RETURNING n.id AS "id!: NodeId", n.revision, n.created_by AS "account?: AccountId""#,
        tenant.0,
        &found,
        root(tenant).0
    )
    .fetch_all(&mut **tx)
    .await?;
    let moves = taken_in.into_iter().map(|node| {
        let change = Change::of(node.id, ChangeKind::Moved, node.revision, node.account);
        change.out_of(Some(root(tenant))).inherited(true)
    });
    Ok(moves.collect())
}

/// Locks nodes against change, in the order given: by id. Who adds children to a folder locks that folder, so that a
/// name that is free stays free.
pub(crate) async fn lock(tx: &mut TenantTx, ids: &[Uuid]) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "SELECT n.id FROM unnest($2::uuid[]) AS wanted(id)
         CROSS JOIN LATERAL (SELECT id FROM files.nodes WHERE tenant_id = $1 AND id = wanted.id
                             LIMIT 1 FOR NO KEY UPDATE) n",
        tenant,
        ids
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(())
}

/// Nodes as they are shown, in no order; those that don't exist are left out.
pub(crate) async fn views(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<NodeView>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        NodeView,
        r#"SELECT n.id AS "id!: NodeId", nullif(n.parent_id, $1) AS "parent_id?: NodeId", n.kind = 'folder' AS "is_folder!",
                  n.name AS "name!", n.name_key AS "name_key!", n.revision AS "revision!",
                  n.created_at AS "created_at!", n.updated_at AS "updated_at!",
                  v.id AS "version_id?: VersionId", v.content_type AS "content_type?",
                  b.length AS "size?", b.sha256 AS "sha256?"
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

/// Which of the names are taken, as `(folder, folded name)`.
pub(crate) async fn taken(
    tx: &mut TenantTx,
    parents: &[Uuid],
    keys: &[String],
) -> Result<Vec<(NodeId, String)>> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query!(
        r#"SELECT n.parent_id AS "parent_id!: NodeId", n.name_key AS "name_key!"
           FROM unnest($2::uuid[], $3::text[]) AS wanted(parent_id, name_key)
           CROSS JOIN LATERAL (
               SELECT parent_id, name_key FROM files.nodes
               WHERE tenant_id = $1 AND parent_id = wanted.parent_id
                 AND name_key >= wanted.name_key COLLATE "C" AND trashed_at IS NULL
               ORDER BY name_key LIMIT 1) n
           WHERE n.name_key = wanted.name_key COLLATE "C""#,
        tenant,
        parents,
        keys
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.parent_id, row.name_key))
        .collect())
}

/// A folder to be made.
#[derive(Debug, Clone)]
pub(crate) struct NewFolder {
    pub(crate) id: NodeId,
    /// Is there already.
    pub(crate) parent: NodeId,
    pub(crate) name: Name,
}

/// Makes folders; answers those whose names were free, in any order. Of two that ask for one name the first gets it.
pub(crate) async fn insert_folders(
    tx: &mut TenantTx,
    actor: Actor,
    folders: &[NewFolder],
    now: OffsetDateTime,
) -> Result<Vec<NodeView>> {
    let tenant = tx.tenant();
    let ids: Vec<Uuid> = folders.iter().map(|folder| folder.id.0).collect();
    let parents: Vec<Uuid> = folders.iter().map(|folder| folder.parent.0).collect();
    let names: Vec<String> = folders.iter().map(|folder| folder.name.text.clone()).collect();
    let keys: Vec<String> = folders.iter().map(|folder| folder.name.key.clone()).collect();
    let made = sqlx::query!(
        r#"INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, created_at, created_by,
                                    updated_at, updated_by)
           SELECT $1, f.id, f.parent_id, 'folder', f.name, f.name_key, $6, $7, $6, $7
           FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[])
                WITH ORDINALITY AS f(id, parent_id, name, name_key, n)
           ORDER BY f.n
           ON CONFLICT (tenant_id, parent_id, name_key) WHERE trashed_at IS NULL DO NOTHING
           RETURNING id AS "id!: NodeId", parent_id AS "parent_id!: NodeId", name, name_key, revision"#,
        tenant.0,
        &ids,
        &parents,
        &names,
        &keys,
        now,
        actor.account.0
    )
    .fetch_all(&mut **tx)
    .await?;
    let views = made.into_iter().map(|row| NodeView {
        id: row.id,
        parent_id: Some(row.parent_id).filter(|parent| *parent != root(tenant)),
        is_folder: true,
        name: row.name,
        name_key: row.name_key,
        revision: row.revision,
        created_at: now,
        updated_at: now,
        version_id: None,
        content_type: None,
        size: None,
        sha256: None,
    });
    Ok(views.collect())
}
