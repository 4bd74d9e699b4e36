//! Deleting nodes, the one way for every verb and job that does: to the trash, or from there for good. Many nodes in one
//! transaction, in their order, a result per item.
//!
//! What lies below a node in the trash may be more than one transaction should touch: then [`shrink`] removes it first, in
//! steps from the leaves up, and the transaction here removes what is left with the node itself. Whoever is killed in
//! between leaves a smaller tree in the trash.

use super::idempotent::Key;
use super::remove_batch::Batch;
use super::{Core, shrink};
use crate::domain::access::{Actor, NodeRole, node_id};
use crate::domain::covers::Covers;
use crate::error::Refusal;
use crate::store::journal;
use crate::store::removal::Below;
use crate::store::{nodes, removal};
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;
use prost::Message;
use std::collections::HashMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// Nodes that one transaction removes for good, beside those that were named.
pub(super) const NODES_PER_STEP: usize = 1000;
/// Nodes that one call removes for good.
const NODES_PER_CALL: u64 = 50_000;
/// Nodes that the deletions of a call may cover, the folders themselves included.
pub(super) const COVERED_NODES: usize = 200_000;
/// One more than that shows that there are more.
const LIVE_LIMIT: i64 = 200_001;
/// How often what is below the nodes may change while we wait for the locks.
const ATTEMPTS: u32 = 20;

/// How many nodes a call has removed for good, and how many it may.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) removed: u64,
    most: u64,
}

impl Budget {
    /// Of one call.
    pub(crate) fn of_call() -> Self {
        Self {
            removed: 0,
            most: NODES_PER_CALL,
        }
    }

    /// Of a job, which nobody waits for.
    pub(crate) fn unlimited() -> Self {
        Self {
            removed: 0,
            most: u64::MAX,
        }
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.removed >= self.most
    }
}

/// Who deletes, and by what right.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    /// A caller, by its roles.
    Account(Actor),
    /// The purge: what went to the trash at this time or before.
    Age(OffsetDateTime),
}

impl By {
    pub(super) fn actor(self) -> Option<Actor> {
        match self {
            Self::Account(actor) => Some(actor),
            Self::Age(_) => None,
        }
    }

    pub(super) fn accounts(self) -> Vec<Uuid> {
        self.actor().map(|actor| actor.account.0).into_iter().collect()
    }
}

/// A node to delete.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) node: NodeId,
    pub(crate) permanent: bool,
    pub(crate) revision: Option<i64>,
    /// To the trash only: what has to be there, and nothing else.
    pub(crate) covers: Option<Covers>,
}

impl Item {
    /// What a caller asks for.
    pub(super) fn new(asked: &v1::NodeDelete, actor: Actor) -> Result<Self> {
        if asked.permanent && asked.covers.is_some() {
            return Err(Refusal::CoversInvalid.into());
        }
        Ok(Self {
            node: node_id(&asked.id, actor)?,
            permanent: asked.permanent,
            revision: asked.revision,
            covers: asked.covers.as_deref().map(Covers::new).transpose()?,
        })
    }

    /// To remove a node in the trash for good.
    pub(crate) fn for_good(node: NodeId) -> Self {
        Self {
            node,
            permanent: true,
            revision: None,
            covers: None,
        }
    }
}

/// A result per item.
pub(crate) type Results = Vec<Result<(), Refusal>>;

enum Outcome<M> {
    Done(M),
    /// Something came between that makes another try worth it.
    Changed,
    /// There is more below these nodes than one transaction removes.
    TooMuch(Vec<NodeId>),
}

/// Deletes the items. Those that the budget doesn't suffice for are refused. `answer` makes the answer of the results; its refusal undoes all.
pub(crate) async fn delete<M: Message + Default>(
    core: &Core,
    ctx: &Ctx,
    by: By,
    items: &[Item],
    key: Option<&Key>,
    budget: &mut Budget,
    answer: impl Fn(Results) -> Result<M>,
) -> Result<M> {
    let (mut small, mut shrunk) = (true, false);
    for _ in 0..ATTEMPTS {
        match transact(core, ctx, by, items, key, small, budget, &answer).await? {
            Outcome::Done(answer) => return Ok(answer),
            Outcome::Changed => {}
            // Still too much after that: some of it isn't in the trash before this very call puts it there.
            Outcome::TooMuch(tops) => {
                small = !shrunk && shrink::shrink(core, ctx, by, &tops, budget).await?;
                shrunk = true;
            }
        }
    }
    Err(Refusal::Busy.into())
}

#[allow(clippy::too_many_arguments, reason = "one caller, above")]
async fn transact<M: Message + Default>(
    core: &Core,
    ctx: &Ctx,
    by: By,
    items: &[Item],
    key: Option<&Key>,
    small: bool,
    budget: &mut Budget,
    answer: impl Fn(Results) -> Result<M>,
) -> Result<Outcome<M>> {
    let now = core.clock.now();
    let mut tx = core.begin(ctx).await?;
    let ids: Vec<Uuid> = items.iter().map(|item| item.node.0).collect();
    let tops = tops(&mut tx, by, items).await?;
    let limit = NODES_PER_STEP + tops.len();
    let mut doomed = look(&mut tx, &tops, limit).await?;
    let fits = doomed.len() <= limit;
    if !fits && small {
        return Ok(Outcome::TooMuch(tops.into_iter().map(NodeId).collect()));
    }
    let mut trees = trees(&mut tx, by, items).await?;
    let mut locks = ids.clone();
    locks.extend(trees.live.values().flatten().map(|(id, _)| id.0));
    if fits {
        locks.extend(doomed.iter().map(|node| node.id.0));
    }
    locks.sort_unstable();
    locks.dedup();
    let trashed_at = if tops.is_empty() {
        nodes::lock(&mut tx, &locks).await?;
        HashMap::new()
    } else {
        removal::lock(&mut tx, &locks).await?
    };
    if fits && !tops.is_empty() {
        // Under the locks nothing comes or goes any more.
        doomed = look(&mut tx, &tops, limit).await?;
        if doomed.iter().any(|node| locks.binary_search(&node.id.0).is_err()) {
            return Ok(Outcome::Changed);
        }
    }
    for (top, nodes) in &mut trees.live {
        // Under the locks nothing comes or goes any more, and nothing is changed.
        *nodes = removal::live(&mut tx, *top, LIVE_LIMIT).await?;
        if nodes.iter().any(|(id, _)| locks.binary_search(&id.0).is_err()) {
            return Ok(Outcome::Changed);
        }
    }
    if let (Some(key), Some(actor)) = (key, by.actor())
        && let Some(kept) = key.replay(&mut tx, actor).await?
    {
        return Ok(Outcome::Done(kept));
    }

    let lineage = nodes::lineage(&mut tx, &by.accounts(), &ids).await?;
    let below = fits.then_some(doomed.as_slice());
    let mut batch = Batch::new(by, lineage, trashed_at, &tops, below, trees);
    let results: Results = items.iter().map(|item| batch.judge(item)).collect();
    if batch.unforeseen {
        return Ok(Outcome::Changed);
    }
    let answer = answer(results)?;
    batch.write(&mut tx, now).await?;
    if let (Some(key), Some(actor)) = (key, by.actor())
        && !key.keep(&mut tx, actor, &answer, now).await?
    {
        return Ok(Outcome::Changed);
    }
    if !batch.changes.is_empty() {
        journal::append(&mut tx, &batch.changes, now).await?;
    }
    tx.commit().await?;
    core.relay.nudge();
    budget.removed += batch.removed.len() as u64;
    Ok(Outcome::Done(answer))
}

/// What there is, the trash left out, where items go to the trash as they cover it.
#[derive(Debug, Default)]
pub(super) struct Trees {
    /// By the node that goes: itself and what is below it, each with its revision.
    pub(super) live: HashMap<NodeId, Vec<(NodeId, i64)>>,
    /// There was more than one call may look at: the rest was not looked at.
    pub(super) full: bool,
}

/// The trees that, as things stand, may go to the trash, if any item covers its own. Those of the other items are among them,
/// since what went with one of them is no longer there for the next. Nobody makes us look below others.
async fn trees(tx: &mut TenantTx, by: By, items: &[Item]) -> Result<Trees> {
    let mut trees = Trees::default();
    let Some(last) = items.iter().rposition(|item| item.covers.is_some()) else {
        return Ok(trees);
    };
    let Some(actor) = by.actor() else {
        return Ok(trees);
    };
    let items: Vec<&Item> = items[..=last].iter().filter(|item| !item.permanent).collect();
    let ids: Vec<Uuid> = items.iter().map(|item| item.node.0).collect();
    let lineage = nodes::lineage(tx, &[actor.account.0], &ids).await?;
    let mut left = COVERED_NODES;
    for item in items {
        let may = lineage.role(actor.account, item.node) >= Some(NodeRole::Editor);
        if !may || trees.live.contains_key(&item.node) {
            continue;
        }
        let nodes = removal::live(tx, item.node, LIVE_LIMIT).await?;
        let Some(rest) = left.checked_sub(nodes.len()) else {
            trees.full = true;
            break;
        };
        left = rest;
        trees.live.insert(item.node, nodes);
    }
    Ok(trees)
}

/// The nodes that are to go for good and, as things stand, may: sorted. Nobody makes us look below others.
async fn tops(tx: &mut TenantTx, by: By, items: &[Item]) -> Result<Vec<Uuid>> {
    let mut ids: Vec<Uuid> = items
        .iter()
        .filter(|item| item.permanent)
        .map(|item| item.node.0)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    if let (By::Account(actor), false) = (by, ids.is_empty()) {
        let lineage = nodes::lineage(tx, &[actor.account.0], &ids).await?;
        ids.retain(|id| lineage.role(actor.account, NodeId(*id)) == Some(NodeRole::Owner));
    }
    Ok(ids)
}

/// The trees of these nodes; more than `limit` nodes when there is more.
async fn look(tx: &mut TenantTx, tops: &[Uuid], limit: usize) -> Result<Vec<Below>> {
    if tops.is_empty() {
        return Ok(Vec::new());
    }
    removal::below(tx, tops, i64::try_from(limit + 1).unwrap_or(i64::MAX)).await
}
