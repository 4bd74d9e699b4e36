//! Reading the trash of a tree, for the verbs that list and empty it.

use crate::domain::access::{Actor, NodeRole, node_id, root};
use crate::domain::lineage::Lineage;
use crate::domain::moment::Moment;
use crate::error::Refusal;
use crate::store::nodes;
use crate::store::trash::{self, Trashed};
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use std::collections::HashMap;
use uuid::Uuid;

/// Nodes that one page looks at, at most, in search of those that the caller may see.
const PAGE_SCAN: usize = 5000;

/// What is looked at: a folder, and the tree that it is in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    pub(super) folder: NodeId,
    tree: NodeId,
}

/// A node in the trash, and where it was.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) trashed: Trashed,
    /// The folders that it was in, from the topmost that the caller may see to the one that held it; empty when the caller
    /// may not see that.
    pub(super) origin: Vec<NodeId>,
}

/// One page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) items: Vec<Item>,
    /// Where to go on; absent at the end.
    pub(super) next: Option<Moment>,
}

/// What a caller that has at least `role` there means by `within`; its home when that is absent. The folder may be in the
/// trash itself.
pub(super) async fn scope(
    tx: &mut TenantTx,
    actor: Actor,
    within: Option<&str>,
    role: NodeRole,
) -> Result<Scope> {
    let folder = match within {
        Some(id) => node_id(id, actor)?,
        None => actor.home()?,
    };
    // A home is always there, even before it has a row.
    if actor.home() == Ok(folder) {
        return Ok(Scope { folder, tree: folder });
    }
    let lineage = nodes::lineage(tx, &[actor.account.0], &[folder.0]).await?;
    let node = lineage.permit(actor.account, folder, role, Refusal::NodeNotFound)?;
    if !node.is_folder {
        return Err(Refusal::NotAFolder.into());
    }
    let tree = lineage.tree(folder, root(actor.tenant));
    Ok(Scope {
        folder,
        tree: tree.ok_or(Refusal::NodeNotFound)?,
    })
}

/// What is in the trash there after `after`, the latest first: at most `limit` nodes on which the caller has `role`. What
/// was thrown away in a tree stays in its trash, also when the folder that held it is in another tree by now.
pub(super) async fn read(
    tx: &mut TenantTx,
    actor: Actor,
    scope: Scope,
    role: NodeRole,
    after: Moment,
    limit: usize,
) -> Result<Page> {
    let mut items = Vec::new();
    let (mut at, mut scanned, mut ended) = (after, 0, false);
    // One more than asked for tells whether there is a next page.
    while items.len() <= limit && scanned < PAGE_SCAN && !ended {
        let batch = if scanned == 0 {
            limit + 1
        } else {
            PAGE_SCAN - scanned
        };
        let rows = trash::list(tx, scope.tree, at, i64::try_from(batch).unwrap_or(i64::MAX)).await?;
        scanned += rows.len();
        ended = rows.len() < batch;
        at = rows.last().map_or(at, Trashed::place);
        let ids: Vec<Uuid> = rows.iter().map(|row| row.view.id.0).collect();
        let lineage = nodes::lineage(tx, &[actor.account.0], &ids).await?;
        let mut origins = HashMap::new();
        for trashed in rows {
            let id = trashed.view.id;
            let here = scope.folder == scope.tree || (id != scope.folder && lineage.within(id, scope.folder));
            if !here
                || lineage
                    .permit(actor.account, id, role, Refusal::NodeNotFound)
                    .is_err()
            {
                continue;
            }
            let origin = trashed.view.parent_id.map(|parent| {
                let known = origins.entry(parent);
                known.or_insert_with(|| origin(&lineage, actor, parent)).clone()
            });
            items.push(Item {
                trashed,
                origin: origin.unwrap_or_default(),
            });
        }
    }
    let more = items.len() > limit;
    items.truncate(limit);
    let next = match items.last() {
        Some(last) if more => Some(last.trashed.place()),
        _ if ended => None,
        _ => Some(at),
    };
    Ok(Page { items, next })
}

/// The way to a folder from the topmost one above it that the caller may see.
fn origin(lineage: &Lineage, actor: Actor, folder: NodeId) -> Vec<NodeId> {
    let home = NodeId(actor.account.0);
    let all = lineage.within(folder, home);
    let seen = lineage
        .up(folder)
        .take_while(|at| *at != root(actor.tenant) && (all || lineage.role(actor.account, *at).is_some()));
    let mut way: Vec<NodeId> = seen.collect();
    way.reverse();
    way
}
