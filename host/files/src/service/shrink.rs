//! Removing what lies below nodes in the trash, in transactions of a bounded size, from the leaves up.

use super::Core;
use super::remove_nodes::{Budget, By, NODES_PER_STEP};
use crate::domain::access::NodeRole;
use crate::domain::lineage::Lineage;
use crate::error::Refusal;
use crate::failpoints;
use crate::store::journal::{self, Change, ChangeKind};
use crate::store::nodes;
use crate::store::removal::{self, Below};
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result};
use std::collections::{HashMap, HashSet};
use time::OffsetDateTime;
use uuid::Uuid;

/// Folders that one step looks below.
const FOLDERS_PER_STEP: usize = 100;
/// Steps in a row that may change nothing because others change the same trees.
const IDLE_STEPS: u32 = 100;

/// What a step has found.
enum Step {
    /// No more than one transaction removes is left below the nodes.
    Small,
    /// It removed so many nodes, and nothing is left below the folders that it looked at.
    Emptied(u64),
    /// It removed so many leaves; more is left below those folders.
    Thinned(u64),
    /// Nothing to remove before what is in these folders.
    Deeper(Vec<NodeId>),
    /// None of the nodes may be removed.
    Refused,
}

/// Removes what lies below `tops` until the rest fits into one transaction: then `true`. It ends before that when the
/// budget is spent.
pub(super) async fn shrink(
    core: &Core,
    ctx: &Ctx,
    by: By,
    tops: &[NodeId],
    budget: &mut Budget,
) -> Result<bool> {
    let tops = &outermost(core, ctx, tops).await?;
    // Folders that wait to be emptied, the deepest last: each was found below one before it, so the tree is walked once.
    let mut folders: Vec<NodeId> = Vec::new();
    let mut idle = 0;
    while !budget.is_spent() && idle < IDLE_STEPS {
        let from = folders.len().saturating_sub(FOLDERS_PER_STEP);
        let starts = if folders.is_empty() {
            tops.to_vec()
        } else {
            folders[from..].to_vec()
        };
        let removed = match step(core, ctx, by, tops, &starts, folders.is_empty()).await? {
            Step::Small => return Ok(true),
            Step::Refused => return Ok(false),
            Step::Deeper(found) => {
                folders.extend(found);
                continue;
            }
            Step::Emptied(removed) => {
                folders.truncate(from);
                removed
            }
            Step::Thinned(removed) => removed,
        };
        idle = if removed == 0 { idle + 1 } else { 0 };
        budget.removed += removed;
        failpoints::hit(failpoints::REMOVE_AFTER_STEP)?;
    }
    Ok(false)
}

/// Those that are in the trash by themselves and not below another one.
async fn outermost(core: &Core, ctx: &Ctx, tops: &[NodeId]) -> Result<Vec<NodeId>> {
    let mut tx = core.begin(ctx).await?;
    let ids: Vec<Uuid> = tops.iter().map(|id| id.0).collect();
    let lineage = nodes::lineage(&mut tx, &[], &ids).await?;
    tx.commit().await?;
    let all: HashSet<NodeId> = tops.iter().copied().collect();
    let trashed = tops
        .iter()
        .filter(|id| lineage.any(**id).is_some_and(|node| node.trashed));
    let outer = trashed.filter(|id| !lineage.up(**id).skip(1).any(|above| all.contains(&above)));
    Ok(outer.copied().collect())
}

/// One transaction. `whole`: the starts are the tops.
async fn step(
    core: &Core,
    ctx: &Ctx,
    by: By,
    tops: &[NodeId],
    starts: &[NodeId],
    whole: bool,
) -> Result<Step> {
    let now = core.clock.now();
    let mut tx = core.begin(ctx).await?;
    let raw = |ids: &[NodeId]| ids.iter().map(|id| id.0).collect::<Vec<Uuid>>();
    let limit = NODES_PER_STEP + starts.len();
    let found = removal::below(
        &mut tx,
        &raw(starts),
        i64::try_from(limit + 1).unwrap_or(i64::MAX),
    )
    .await?;
    let complete = found.len() <= limit;
    if whole && complete {
        return Ok(Step::Small);
    }
    let known: HashSet<NodeId> = starts.iter().chain(tops).copied().collect();
    let doomed: Vec<Below> = if complete {
        found
    } else {
        let (folders, leaves): (Vec<_>, Vec<_>) = found.into_iter().partition(|node| node.has_children);
        let deeper = folders
            .iter()
            .map(|node| node.id)
            .filter(|id| !known.contains(id));
        let deeper: Vec<NodeId> = deeper.collect();
        if leaves.len() < limit / 2 && !deeper.is_empty() {
            return Ok(Step::Deeper(deeper));
        }
        leaves
    };
    let mut doomed: Vec<Below> = doomed
        .into_iter()
        .filter(|node| !tops.contains(&node.id))
        .collect();
    let mut locks: Vec<Uuid> = doomed.iter().map(|node| node.id.0).chain(raw(tops)).collect();
    locks.sort_unstable();
    locks.dedup();
    let trashed_at = removal::lock(&mut tx, &locks).await?;
    let lineage = nodes::lineage(&mut tx, &by.accounts(), &locks).await?;
    let allowed: HashSet<NodeId> = tops
        .iter()
        .copied()
        .filter(|top| may_remove(by, &lineage, &trashed_at, *top))
        .collect();
    if allowed.is_empty() {
        return Ok(Step::Refused);
    }
    // What was restored to another place meanwhile is out of reach.
    doomed.retain(|node| lineage.up(node.id).any(|above| allowed.contains(&above)));
    let ids: Vec<Uuid> = doomed.iter().map(|node| node.id.0).collect();
    if ids.is_empty() || removal::have_other_children(&mut tx, &ids).await? {
        return Ok(Step::Thinned(0));
    }
    removal::remove(&mut tx, &ids, now).await?;
    let account = by.actor().map(|actor| actor.account);
    let changes: Vec<Change> = doomed
        .iter()
        .rev()
        .map(|node| Change::of(node.id, ChangeKind::Deleted, node.revision, account))
        .collect();
    journal::append(&mut tx, &changes, now).await?;
    tx.commit().await?;
    core.relay.nudge();
    let removed = changes.len() as u64;
    Ok(if complete {
        Step::Emptied(removed)
    } else {
        Step::Thinned(removed)
    })
}

/// Whether a node is in the trash, and may be removed from there.
fn may_remove(by: By, lineage: &Lineage, trashed_at: &HashMap<NodeId, OffsetDateTime>, top: NodeId) -> bool {
    let Some(at) = trashed_at.get(&top) else {
        return false;
    };
    match by {
        By::Age(before) => *at <= before,
        By::Account(actor) => {
            let account = actor.account;
            let missing = Refusal::NodeNotFound;
            let folder = lineage.any(top).and_then(|node| node.parent_id);
            lineage
                .permit(account, top, NodeRole::Owner, missing.clone())
                .is_ok()
                && folder
                    .is_some_and(|folder| lineage.permit(account, folder, NodeRole::Editor, missing).is_ok())
        }
    }
}
