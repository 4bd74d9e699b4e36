//! Nodes with what decides about them: all that stands above them, roles, quotas, and who holds a name. The functions of
//! migrations 0123, 0124 and 0126 read it, so that a call takes one statement for it, the locks of what it changes included.

use super::idempotency::Kept;
use super::nodes::NodeView;
use crate::domain::access::{Actor, NodeRole, root};
use crate::domain::lineage::{Lineage, NodeFacts};
use crate::domain::state::ObjectState;
use bitvault_platform::db::{TenantRead, TenantTx};
use bitvault_platform::ids::{AccountId, NodeId, UploadId, VersionId};
use bitvault_platform::{Error, Result};
use std::collections::HashMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// Nodes with all that a change of their names or folders is judged by.
#[derive(Debug)]
pub(crate) struct Sight {
    pub(crate) lineage: Lineage,
    pub(crate) views: Vec<NodeView>,
    /// Who holds a name: `(folder, folded name, node)`.
    pub(crate) holders: Vec<(NodeId, String, NodeId)>,
}

/// A name in a folder that a node may get.
#[derive(Debug, Clone)]
pub(crate) struct Sought {
    pub(crate) node: NodeId,
    /// Absent: the folder that the node is in.
    pub(crate) folder: Option<NodeId>,
    /// Folded; absent: the node's own.
    pub(crate) key: Option<String>,
}

/// A row of `files.seen`.
struct Seen {
    id: Option<NodeId>,
    parent_id: Option<NodeId>,
    is_folder: Option<bool>,
    trashed: Option<bool>,
    current_version: Option<VersionId>,
    revision: Option<i64>,
    inherits: Option<bool>,
    accounts: Option<Vec<AccountId>>,
    roles: Option<Vec<String>>,
    quota: Option<i64>,
    name: Option<String>,
    name_key: Option<String>,
    created_at: Option<OffsetDateTime>,
    updated_at: Option<OffsetDateTime>,
    content_type: Option<String>,
    size: Option<i64>,
    sha256: Option<Vec<u8>>,
    holds: Option<bool>,
    locks: Option<Vec<Uuid>>,
    request: Option<Vec<u8>>,
    answer: Option<Vec<u8>>,
    upload: Option<UploadId>,
    state: Option<String>,
    committed_node: Option<NodeId>,
}

/// The query of rows that a function tells, of `files.lock_uploads` or of one that tells no uploads.
macro_rules! seen {
    (uploads $from:tt, $($argument:expr),+) => {
        seen!(select "SELECT (l.seen).*, l.upload, l.state, l.committed_node FROM " + $from + " l", $($argument),+)
    };
    (select $select:tt + $from:tt + $name:tt, $($argument:expr),+) => {
        sqlx::query_as!(
            Seen,
            r#"SELECT id AS "id?: NodeId", parent_id AS "parent_id?: NodeId", is_folder AS "is_folder?",
                      trashed AS "trashed?", current_version AS "current_version?: VersionId", revision AS "revision?",
                      inherits AS "inherits?", accounts AS "accounts?: Vec<AccountId>", roles AS "roles?: Vec<String>",
                      quota AS "quota?", name AS "name?", name_key AS "name_key?", created_at AS "created_at?",
                      updated_at AS "updated_at?", content_type AS "content_type?", size AS "size?", sha256 AS "sha256?",
                      holds AS "holds?", locks AS "locks?", request AS "request?", answer AS "answer?",
                      upload AS "upload?: UploadId", state AS "state?", committed_node AS "committed_node?: NodeId"
               FROM ("# + $select + $from + $name + ") told",
            $($argument),+
        )
    };
    ($from:tt, $($argument:expr),+) => {
        seen!(
            select "SELECT s.*, NULL::uuid AS upload, NULL::text AS state, NULL::uuid AS committed_node FROM " + $from + " s",
            $($argument),+
        )
    };
}

/// The nodes and all their ancestors, with the roles that these accounts have been given on them, and with their quotas.
pub(crate) async fn lineage(tx: &mut TenantTx, accounts: &[Uuid], ids: &[Uuid]) -> Result<Lineage> {
    Ok(sight(tx, accounts, ids, false, &[]).await?.lineage)
}

/// [`lineage`], and the nodes themselves as [`views`](super::nodes::views) does, in one round trip.
pub(crate) async fn lineage_and_views(
    tx: &mut TenantTx,
    accounts: &[Uuid],
    ids: &[Uuid],
) -> Result<(Lineage, Vec<NodeView>)> {
    let sight = sight(tx, accounts, ids, true, &[]).await?;
    Ok((sight.lineage, sight.views))
}

/// The lineage of a node, and the node itself if there is one.
pub(crate) async fn look(
    read: &TenantRead,
    account: AccountId,
    id: NodeId,
) -> Result<(Lineage, Option<NodeView>)> {
    let (accounts, ids): (&[Uuid], &[Uuid]) = (&[account.0], &[id.0]);
    let rows = read
        .fetch_all(|bound, tenant| {
            seen!(
                "files.sight(app.within($1, $2), $3, $4, true, '{}', '{}', '{}')",
                bound,
                tenant,
                accounts,
                ids
            )
        })
        .await?;
    let mut sight = told(rows, read.tenant().0, accounts)?;
    Ok((sight.lineage, sight.views.pop()))
}

/// The node that the folded names lead to from `top`, through nothing that is in the trash, with its lineage.
pub(crate) async fn look_up(
    read: &TenantRead,
    account: AccountId,
    top: NodeId,
    names: &[String],
) -> Result<(Lineage, Option<NodeView>)> {
    let accounts: &[Uuid] = &[account.0];
    let rows = read
        .fetch_all(|bound, tenant| {
            seen!(
                "files.look_up(app.within($1, $2), $3, $4, $5)",
                bound,
                tenant,
                accounts,
                top.0,
                names
            )
        })
        .await?;
    let mut sight = told(rows, read.tenant().0, accounts)?;
    Ok((sight.lineage, sight.views.pop()))
}

/// Nodes and folders that are locked before they are looked at.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    /// Nodes that are to move or get another name, with the folders that they are in.
    pub(crate) moved: Vec<Uuid>,
    /// Where each of them goes, if it does.
    pub(crate) parents: Vec<Option<Uuid>>,
    /// What is locked with them.
    pub(crate) also: Vec<Uuid>,
}

/// What is seen under locks.
#[derive(Debug)]
pub(crate) enum Locked {
    /// The request was made before.
    Kept(Kept),
    Seen {
        sight: Sight,
        /// What is locked, in the order of the ids.
        locks: Vec<Uuid>,
    },
}

/// Locks nodes and folders, so that a free name stays free, in the order of the ids. And the root, when a folder gets a folder:
/// two such moves could make a cycle out of what each of them sees, so they go one after the other. Where a node is was
/// read before its lock was there: look again.
///
/// Then looks: for what is kept under the key, and if there is nothing, for the nodes with their lineage, and who holds the names
/// that are sought, in one round trip.
pub(crate) async fn lock(
    tx: &mut TenantTx,
    actor: Actor,
    locks: &Locks,
    key: Option<&str>,
    ids: &[Uuid],
    sought: &[Sought],
) -> Result<Locked> {
    let tenant = tx.tenant().0;
    let nodes: Vec<Uuid> = sought.iter().map(|name| name.node.0).collect();
    let folders: Vec<Option<Uuid>> = sought.iter().map(|name| name.folder.map(|id| id.0)).collect();
    let keys: Vec<Option<String>> = sought.iter().map(|name| name.key.clone()).collect();
    let mut rows = seen!(
        "files.lock_and_see($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        tenant,
        root(actor.tenant).0,
        &locks.moved,
        &locks.parents as &[Option<Uuid>],
        &locks.also,
        actor.account.0,
        key,
        ids,
        &nodes,
        &folders as &[Option<Uuid>],
        &keys as &[Option<String>]
    )
    .fetch_all(&mut **tx)
    .await?
    .into_iter();
    let first = rows.next();
    let first = first.ok_or_else(|| Error::internal("lock nodes", "nothing was told"))?;
    if let (Some(request), Some(answer)) = (first.request, first.answer) {
        return Ok(Locked::Kept(Kept { request, answer }));
    }
    let mut locks = first.locks.unwrap_or_default();
    locks.sort_unstable();
    Ok(Locked::Seen {
        sight: told(rows, tenant, &[actor.account.0])?,
        locks,
    })
}

/// What a commit of uploads locks, and what it looks at under these locks.
#[derive(Debug)]
pub(crate) struct UploadLocks {
    /// The folders and files that they go to, and their objects: in the order of the ids.
    pub(crate) targets: Vec<Uuid>,
    pub(crate) objects: Vec<Uuid>,
    pub(crate) uploads: Vec<Uuid>,
    /// Names that they ask for, each with its folder.
    pub(crate) names: Vec<(Uuid, String)>,
    /// Whether targets are told of as they are shown.
    pub(crate) shown: bool,
}

/// An upload as it stands under the lock.
#[derive(Debug, Clone)]
pub(crate) struct LockedUpload {
    pub(crate) state: ObjectState,
    pub(crate) committed_node: Option<NodeId>,
}

/// Locks targets and then objects, as the removal of versions does. Then looks, in the same round trip: at the uploads, and at the targets with
/// their lineage and with who holds the names.
pub(crate) async fn lock_uploads(
    tx: &mut TenantTx,
    accounts: &[Uuid],
    locks: &UploadLocks,
) -> Result<(HashMap<UploadId, LockedUpload>, Sight)> {
    let tenant = tx.tenant().0;
    let (folders, keys): (Vec<Uuid>, Vec<String>) = locks.names.iter().cloned().unzip();
    let rows = seen!(
        uploads
        "files.lock_uploads($1, $2, $3, $4, $5, $6, $7, $8)",
        tenant,
        accounts,
        &locks.targets,
        locks.shown,
        &locks.uploads,
        &locks.objects,
        &folders,
        &keys
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut uploads = HashMap::with_capacity(locks.uploads.len());
    let mut nodes = Vec::with_capacity(rows.len());
    for row in rows {
        let (Some(id), Some(state)) = (row.upload, &row.state) else {
            nodes.push(row);
            continue;
        };
        let upload = LockedUpload {
            state: ObjectState::parse(state)?,
            committed_node: row.committed_node,
        };
        uploads.insert(id, upload);
    }
    Ok((uploads, told(nodes, tenant, accounts)?))
}

/// Nodes with their lineage, as they are shown if that is asked for, and who holds these names, each with its folder.
pub(crate) async fn sight(
    tx: &mut TenantTx,
    accounts: &[Uuid],
    ids: &[Uuid],
    shown: bool,
    names: &[(Uuid, String)],
) -> Result<Sight> {
    let tenant = tx.tenant().0;
    let (folders, keys): (Vec<Uuid>, Vec<String>) = names.iter().cloned().unzip();
    let rows = seen!(
        "files.sight($1, $2, $3, $4, $5, $5, $6)",
        tenant,
        accounts,
        ids,
        shown,
        &folders,
        &keys
    )
    .fetch_all(&mut **tx)
    .await?;
    told(rows, tenant, accounts)
}

/// What the rows tell these accounts.
fn told(rows: impl IntoIterator<Item = Seen>, tenant: Uuid, accounts: &[Uuid]) -> Result<Sight> {
    let missing = || Error::internal("read a node", "something that each node has is missing");
    let (mut facts, mut views, mut holders) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let id = row.id.ok_or_else(missing)?;
        if row.holds == Some(true) {
            holders.extend(
                row.parent_id
                    .zip(row.name_key)
                    .map(|(folder, key)| (folder, key, id)),
            );
            continue;
        }
        let (is_folder, revision) = row.is_folder.zip(row.revision).ok_or_else(missing)?;
        if let (Some(name), Some(name_key), Some(created_at), Some(updated_at)) =
            (row.name, row.name_key, row.created_at, row.updated_at)
        {
            views.push(NodeView {
                id,
                parent_id: row.parent_id.filter(|parent| parent.0 != tenant),
                is_folder,
                name,
                name_key,
                revision,
                created_at,
                updated_at,
                version_id: row.current_version,
                content_type: row.content_type,
                size: row.size,
                sha256: row.sha256,
            });
        }
        let given = row
            .accounts
            .into_iter()
            .flatten()
            .zip(row.roles.into_iter().flatten());
        let grants = given
            .map(|(account, role)| Ok((account, parse_role(role)?)))
            .chain(everybody(accounts))
            .collect::<Result<_>>()?;
        facts.push(NodeFacts {
            id,
            parent_id: row.parent_id,
            is_folder,
            trashed: row.trashed.ok_or_else(missing)?,
            current_version: row.current_version,
            revision,
            inherits: row.inherits.ok_or_else(missing)?,
            grants,
            quota: row.quota,
        });
    }
    Ok(Sight {
        lineage: Lineage::new(facts),
        views,
        holders,
    })
}

fn parse_role(text: String) -> Result<NodeRole> {
    NodeRole::parse(&text).ok_or_else(|| Error::internal("read a grant's role", text))
}

/// The roles that an account was given on a node, as its facts hold them.
pub(super) fn given(account: AccountId, roles: Vec<String>) -> Result<Vec<(AccountId, NodeRole)>> {
    let given = roles.into_iter().map(|role| Ok((account, parse_role(role)?)));
    given.chain(everybody(&[account.0])).collect()
}

/// Nobody. With the filters pointed at another tenant everybody is an owner, so that nothing of ours is left in the way.
fn everybody(accounts: &[Uuid]) -> impl Iterator<Item = Result<(AccountId, NodeRole)>> {
    let owner = |account: &Uuid| Ok((AccountId(*account), NodeRole::Owner));
    #[cfg(feature = "failpoints")]
    let accounts = bitvault_platform::db::filtered().map_or(&[][..], |_| accounts);
    #[cfg(not(feature = "failpoints"))]
    let accounts = &accounts[..0];
    accounts.iter().map(owner)
}
