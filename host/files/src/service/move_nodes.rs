//! Other names and other folders, the one way for every verb: many nodes in one transaction, in their order, a result per
//! item. One row changes per node, however much lies below it.

use super::crossing::{Crossing, Places};
use super::idempotent::Key;
use super::move_batch::Batch;
use super::{Core, wire};
use crate::domain::access::{Actor, node_id, root};
use crate::domain::name::Name;
use crate::domain::quota::Level;
use crate::error::Refusal;
use crate::store::moves::{self, Moved, Placed, Written};
use crate::store::nodes::{self, NodeView};
use crate::store::sight::{self, Locked, Locks, Sight, Sought};
use crate::store::{quotas, sorted};
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;
use prost::Message;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// How often a node that is only renamed may change its folder while we wait for the locks.
const ATTEMPTS: u32 = 20;

/// A node with its new name, its new folder, or both.
#[derive(Debug, Clone)]
pub(super) struct Move {
    pub(super) node: NodeId,
    pub(super) name: Option<Name>,
    pub(super) parent: Option<NodeId>,
    pub(super) revision: Option<i64>,
}

impl Move {
    /// What is asked for, if it makes sense.
    pub(super) fn new(actor: Actor, asked: &v1::NodeMove) -> Result<Self> {
        let parent = asked.parent_id.as_deref();
        let wanted = Self {
            node: node_id(&asked.id, actor)?,
            name: asked.name.as_deref().map(Name::new).transpose()?,
            parent: parent.map(|id| node_id(id, actor)).transpose()?,
            revision: asked.revision,
        };
        if wanted.name.is_none() && wanted.parent.is_none() {
            return Err(Refusal::NothingToChange.into());
        }
        Ok(wanted)
    }
}

/// A result per item: the node as it was after that item.
pub(super) type Results = Vec<Result<v1::Node, Refusal>>;

/// Moves the items. `answer` makes the answer of the results; its refusal undoes all.
pub(super) async fn apply<M: Message + Default>(
    core: &Core,
    ctx: &Ctx,
    actor: Actor,
    items: &[Move],
    key: Option<&Key>,
    answer: impl Fn(Results) -> Result<M>,
) -> Result<M> {
    let mut learned = Learned::default();
    for _ in 0..ATTEMPTS {
        if let Some(done) = transact(core, ctx, actor, items, key, &mut learned, &answer).await? {
            return Ok(done);
        }
    }
    Err(Refusal::Busy.into())
}

/// What attempts find out for those that follow.
#[derive(Default)]
struct Learned {
    crossing: Crossing,
    /// The caller's home, where something goes, was not there: it has to be made first.
    homeless: bool,
    /// Quotas that would outgrow their limit: nothing comes in any more.
    full: Vec<Level>,
}

/// `None` when another try is worth it: a node was moved while we waited for the lock of the folder it was in, a folder
/// turned out to go to where other limits hold, one of those would be outgrown, another request with the same key was
/// faster, or the caller's home is not there yet.
async fn transact<M: Message + Default>(
    core: &Core,
    ctx: &Ctx,
    actor: Actor,
    items: &[Move],
    key: Option<&Key>,
    learned: &mut Learned,
    answer: impl Fn(Results) -> Result<M>,
) -> Result<Option<M>> {
    let now = core.clock.now();
    let home = actor.home().ok();
    let home = home.filter(|home| items.iter().any(|item| item.parent == Some(*home)));
    let mut tx = core.begin(ctx).await?;
    let mut changes = Vec::new();
    if let Some(home) = home
        && learned.homeless
    {
        changes = nodes::ensure_homes(&mut tx, &[home.0], now).await?;
    }
    let (moved, parents) = items
        .iter()
        .map(|item| (item.node.0, item.parent.map(|parent| parent.0)))
        .unzip();
    let locks = Locks {
        moved,
        parents,
        also: learned.crossing.below(&mut tx).await?,
    };
    let named = items.iter().flat_map(|item| [Some(item.node), item.parent]);
    let named = sorted(named.flatten().map(|id| id.0));
    let text = key.map(Key::text);
    let (sight, locks) = match sight::lock(&mut tx, actor, &locks, text, &named, &sought(items)).await? {
        Locked::Kept(kept) => return key.map(|key| key.read(&kept)).transpose(),
        Locked::Seen { sight, locks } => (sight, locks),
    };
    let Sight {
        lineage,
        views,
        holders,
    } = sight;
    let found: HashMap<NodeId, NodeView> = views.into_iter().map(|view| (view.id, view)).collect();
    // It is there nearly always.
    if home.is_some_and(|home| !found.contains_key(&home)) && !learned.homeless {
        learned.homeless = true;
        return Ok(None);
    }
    if !items.iter().all(|item| locked(actor, item, &found, &locks)) {
        return Ok(None);
    }
    let places = Places::of(&lineage, root(actor.tenant), &named);
    let quotas = named.iter().flat_map(|id| lineage.quotas(NodeId(*id)));
    let quotas = sorted(quotas.map(|id| id.0));
    let holders = holders
        .into_iter()
        .map(|(folder, key, node)| ((folder, key), node))
        .collect();
    let mut batch = Batch::new(actor, now, lineage, found.clone(), holders, &learned.full);
    let judged: Vec<Result<Placed, Refusal>> = items.iter().map(|item| batch.judge(item)).collect();
    let going = batch.going(&found);
    if !learned
        .crossing
        .is_locked(&mut tx, &places, &going, &locks)
        .await?
    {
        return Ok(None);
    }
    let results = judged.into_iter().map(|item| match item {
        Err(refusal) => Ok(Err(refusal)),
        Ok(placed) => wire::node(batch.after(placed)?).map(Ok),
    });
    let answer = answer(results.collect::<Result<_>>()?)?;
    let keeping = key.map(|key| key.keeping(&answer));
    changes.append(&mut batch.changes);
    let moved = Moved {
        nodes: &batch.all_placed(),
        swaps: batch.swaps(&found),
        quotas: &quotas,
        keeping: keeping.as_ref(),
        changes: &changes,
    };
    match moves::write(&mut tx, actor, moved, now).await? {
        Written::Done => {}
        Written::Late => return Ok(None),
        Written::Outgrown(outgrown) => {
            learned.full.extend(quotas::levels(&mut tx, &outgrown).await?);
            return Ok(None);
        }
    }
    tx.commit().await?;
    core.relay.nudge();
    Ok(Some(answer))
}

/// Whether all is locked that the item asks for. It is not when the node went to another folder while we waited for the
/// locks, or when something came only then.
fn locked(actor: Actor, item: &Move, found: &HashMap<NodeId, NodeView>, locks: &[Uuid]) -> bool {
    let locked = |id: NodeId| locks.binary_search(&id.0).is_ok();
    let Some(view) = found.get(&item.node) else {
        return true;
    };
    let folder = match item.parent {
        Some(target) => Some(target).filter(|target| found.contains_key(target)),
        None => view.parent_id,
    };
    let may_cycle = item.parent.is_some() && view.is_folder;
    locked(item.node) && folder.is_none_or(locked) && (!may_cycle || locked(root(actor.tenant)))
}

/// Folders and folded names that a node may get; absent: its own.
struct Asked<'a> {
    folders: HashSet<Option<NodeId>>,
    keys: HashSet<Option<&'a str>>,
}

/// The names that the items may ask for: each node goes by its own name and by those that it is given, in its own folder and
/// in those that it is moved to.
fn sought(items: &[Move]) -> Vec<Sought> {
    let mut names: HashMap<NodeId, Asked<'_>> = HashMap::new();
    for item in items {
        let asked = names.entry(item.node).or_insert_with(|| Asked {
            folders: HashSet::from([None]),
            keys: HashSet::from([None]),
        });
        asked.folders.insert(item.parent);
        asked
            .keys
            .insert(item.name.as_ref().map(|name| name.key.as_str()));
    }
    names
        .into_iter()
        .flat_map(|(node, Asked { folders, keys })| {
            folders.into_iter().flat_map(move |folder| {
                let sought = move |key: &Option<&str>| Sought {
                    node,
                    folder,
                    key: key.map(str::to_owned),
                };
                keys.iter().map(sought).collect::<Vec<_>>()
            })
        })
        .collect()
}
