//! New folders, the one way for every verb: many in one transaction, a result per item. An item may go into a folder that an
//! earlier item makes.

use super::idempotent::Key;
use super::{Core, wire};
use crate::domain::access::{Actor, NodeRole};
use crate::domain::lineage::Lineage;
use crate::domain::name::Name;
use crate::error::Refusal;
use crate::store::journal::{self, Change, ChangeKind};
use crate::store::nodes::{self, NewFolder, NodeView};
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::v1;
use prost::Message;
use std::collections::HashMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// What a new folder goes into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parent {
    Node(NodeId),
    /// The folder that this item makes. Unless it stands before, there is none.
    Item(usize),
}

/// A folder that is asked for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) parent: Parent,
    pub(super) name: Name,
}

/// A result per item.
pub(super) type Results = Vec<Result<v1::Node, Refusal>>;

/// Makes the folders. `answer` makes the answer of the results; its refusal undoes all.
pub(super) async fn apply<M: Message + Default>(
    core: &Core,
    ctx: &Ctx,
    actor: Actor,
    items: &[Asked],
    key: Option<&Key>,
    answer: impl Fn(Results) -> Result<M>,
) -> Result<M> {
    if let Some(done) = transact(core, ctx, actor, items, key, &answer).await? {
        return Ok(done);
    }
    // Another request with the same key was faster: its answer is kept by now.
    let done = transact(core, ctx, actor, items, key, &answer).await?;
    done.ok_or_else(|| Error::internal("replay a request", "the kept answer is gone"))
}

/// `None` when another request with the key was faster.
async fn transact<M: Message + Default>(
    core: &Core,
    ctx: &Ctx,
    actor: Actor,
    items: &[Asked],
    key: Option<&Key>,
    answer: impl Fn(Results) -> Result<M>,
) -> Result<Option<M>> {
    let now = core.clock.now();
    let mut tx = core.begin(ctx).await?;
    let mut parents: Vec<Uuid> = items
        .iter()
        .filter_map(|item| match item.parent {
            Parent::Node(parent) => Some(parent.0),
            Parent::Item(_) => None,
        })
        .collect();
    parents.sort_unstable();
    parents.dedup();
    let mut changes = Vec::new();
    if let Ok(home) = actor.home()
        && parents.contains(&home.0)
    {
        changes = nodes::ensure_homes(&mut tx, &[home.0], now).await?;
    }
    nodes::lock(&mut tx, &parents).await?;
    // Under the lock: a repeat that came while the first request ran would find the names taken otherwise.
    if let Some(key) = key
        && let Some(kept) = key.replay(&mut tx, actor).await?
    {
        return Ok(Some(kept));
    }
    let lineage = nodes::lineage(&mut tx, &[actor.account.0], &parents).await?;
    let results = make(&mut tx, actor, items, lineage, now).await?;
    let made = results.iter().flatten();
    changes.extend(made.map(|(view, folder)| {
        Change::of(view.id, ChangeKind::Created, view.revision, actor.account).out_of(Some(*folder))
    }));
    let results = results.into_iter().map(|result| match result {
        Ok((view, _)) => wire::node(view).map(Ok),
        Err(refusal) => Ok(Err(refusal)),
    });
    let answer = answer(results.collect::<Result<_>>()?)?;
    if let Some(key) = key
        && !key.keep(&mut tx, actor, &answer, now).await?
    {
        return Ok(None);
    }
    journal::append(&mut tx, &changes, now).await?;
    tx.commit().await?;
    core.relay.nudge();
    Ok(Some(answer))
}

/// The folders that were made, each with what it is in. First all that go into folders that are there, then all that go into
/// those, and so on: as many statements as folders stand in each other.
async fn make(
    tx: &mut TenantTx,
    actor: Actor,
    items: &[Asked],
    mut lineage: Lineage,
    now: OffsetDateTime,
) -> Result<Vec<Result<(NodeView, NodeId), Refusal>>> {
    let mut results: Vec<Option<Result<(NodeView, NodeId), Refusal>>> = vec![None; items.len()];
    loop {
        let mut places = Vec::new();
        let mut level = Vec::new();
        for (at, item) in items.iter().enumerate() {
            if results[at].is_some() {
                continue;
            }
            match place(actor, at, item.parent, &mut lineage, &results) {
                Place::In(parent) => {
                    let id = NodeId::new();
                    places.push((at, id, parent));
                    level.push(NewFolder {
                        id,
                        parent,
                        name: item.name.clone(),
                    });
                }
                Place::Later => {}
                Place::Nowhere(refusal) => results[at] = Some(Err(refusal)),
            }
        }
        if level.is_empty() {
            break;
        }
        let made = nodes::insert_folders(tx, actor, &level, now).await?;
        let mut made: HashMap<NodeId, NodeView> = made.into_iter().map(|view| (view.id, view)).collect();
        for (at, id, parent) in places {
            let taken = || Refusal::NameTaken(items[at].name.text.clone());
            let view = made.remove(&id).ok_or_else(taken);
            results[at] = Some(view.map(|view| (view, parent)));
        }
    }
    // Every item waits for an earlier one only, so that none is left.
    Ok(results
        .into_iter()
        .map(|result| result.unwrap_or(Err(Refusal::ParentNotFound)))
        .collect())
}

enum Place {
    In(NodeId),
    /// Its folder is not made yet.
    Later,
    Nowhere(Refusal),
}

/// Where an item goes, by what became of those before it.
fn place(
    actor: Actor,
    at: usize,
    parent: Parent,
    lineage: &mut Lineage,
    results: &[Option<Result<(NodeView, NodeId), Refusal>>],
) -> Place {
    let parent = match parent {
        Parent::Node(parent) => parent,
        Parent::Item(above) if above >= at => return Place::Nowhere(Refusal::ParentNotFound),
        Parent::Item(above) => {
            return match &results[above] {
                None => Place::Later,
                Some(Ok((view, _))) => Place::In(view.id),
                Some(Err(_)) => Place::Nowhere(Refusal::ParentNotFound),
            };
        }
    };
    match lineage.require(actor.account, parent, NodeRole::Editor, Refusal::ParentNotFound) {
        Err(refusal) => Place::Nowhere(refusal),
        Ok(folder) if !folder.is_folder => Place::Nowhere(Refusal::NotAFolder),
        Ok(_) => Place::In(parent),
    }
}
