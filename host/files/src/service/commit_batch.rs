//! The transaction of a commit: the uploads of several calls at once, a result per item.

use super::check_uploads::Checked;
use super::late::Late;
use super::verify_content::Verified;
use super::{Core, free_names, wire};
use crate::domain::access::NodeRole;
use crate::domain::lineage::Lineage;
use crate::domain::state::ObjectState;
use crate::error::Refusal;
use crate::failpoints;
use crate::store::commits::{self, ChangedFile, Locked, NewContent, NewFile};
use crate::store::conflicts::{self, NewConflict};
use crate::store::journal::{self, Change, ChangeKind};
use crate::store::uploads::StoredTarget;
use crate::store::{nodes, signed};
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{BlobId, ConflictId, NodeId, TenantId, UploadId, VersionId};
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::v1;
use std::collections::{HashMap, HashSet};
use time::OffsetDateTime;
use uuid::Uuid;

/// Commits the uploads of several calls in one transaction: a result per item.
#[tracing::instrument(name = "commit uploads", level = "debug", skip_all, fields(items = items.len()))]
pub(crate) async fn commit(core: &Core, tenant: TenantId, items: Vec<Checked>) -> Vec<Result<v1::Node>> {
    let count = items.len();
    match transact(core, tenant, items).await {
        Ok(results) => {
            core.relay.nudge();
            results
        }
        Err(error) => vec![Err(error); count],
    }
}

/// What the rules say about one item.
enum Verdict {
    Refused(Refusal),
    /// Committed before; the node it made.
    Done(NodeId),
    /// To be committed as this node.
    Now(NodeId),
}

/// Everything that a batch writes.
#[derive(Default)]
struct Writes {
    files: Vec<NewFile>,
    changed: HashMap<NodeId, ChangedFile>,
    contents: Vec<NewContent>,
    changes: Vec<Change>,
    conflicts: Vec<NewConflict>,
    /// Files whose name may be changed to a free one.
    blind: HashSet<NodeId>,
}

async fn transact(core: &Core, tenant: TenantId, items: Vec<Checked>) -> Result<Vec<Result<v1::Node>>> {
    let now = core.clock.now();
    let mut tx = core.begin(&Ctx::system("files").within(tenant)).await?;
    // With the files that conflicted copies are copies of, so that none of these goes before its conflict is written.
    let originals = items.iter().filter_map(|item| item.row.conflict);
    let originals = originals.map(|conflict| conflict.node.0);
    let targets = sorted(items.iter().map(|item| item.row.target.node().0).chain(originals));
    nodes::lock(&mut tx, &targets).await?;
    let accounts = sorted(items.iter().map(|item| item.actor.account.0));
    let mut lineage = nodes::lineage(&mut tx, &accounts, &targets).await?;
    let ids = sorted(items.iter().map(|item| item.row.id.0));
    let objects = sorted(items.iter().map(|item| item.row.object.0));
    let locked = commits::lock(&mut tx, &ids, &objects).await?;

    let mut late = Late::of(&mut tx, &items, &locked, &lineage).await?;
    let (mut verdicts, mut writes) = judge(&items, &locked, &mut lineage, &mut late)?;
    hide(&mut tx, &accounts, &items, &mut verdicts).await?;
    if !writes.files.is_empty() {
        free_names::choose(&mut tx, &mut writes.files, &writes.blind).await?;
        let made = commits::insert_files(&mut tx, &writes.files, now).await?;
        drop_taken(&mut verdicts, &mut writes, &made);
    }
    write(&mut tx, &writes, now).await?;
    let shown = sorted(verdicts.values().filter_map(|verdict| match verdict {
        Verdict::Done(node) | Verdict::Now(node) => Some(node.0),
        Verdict::Refused(_) => None,
    }));
    let views = nodes::views(&mut tx, &shown).await?;
    failpoints::hit(failpoints::COMMIT_IN_TX)?;
    tx.commit().await?;

    let views: HashMap<NodeId, _> = views.into_iter().map(|view| (view.id, view)).collect();
    let answer = |item: &Checked| match verdicts.get(&item.row.id) {
        Some(Verdict::Refused(refusal)) => Err(refusal.clone().into()),
        Some(Verdict::Done(node) | Verdict::Now(node)) => match views.get(node) {
            Some(view) => wire::node(view.clone()),
            None => Err(Refusal::NodeNotFound.into()),
        },
        None => Err(Error::internal("commit uploads", "an upload has no verdict")),
    };
    Ok(items.iter().map(answer).collect())
}

fn sorted(ids: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Applies the rules to each upload once, in the order of the items, under the locks.
fn judge(
    items: &[Checked],
    locked: &HashMap<UploadId, Locked>,
    lineage: &mut Lineage,
    late: &mut Late,
) -> Result<(HashMap<UploadId, Verdict>, Writes)> {
    let mut verdicts = HashMap::with_capacity(items.len());
    let mut writes = Writes::default();
    for item in items {
        if verdicts.contains_key(&item.row.id) {
            continue;
        }
        let verdict = match locked.get(&item.row.id) {
            None => Verdict::Refused(Refusal::UploadGone),
            Some(Locked {
                state: ObjectState::Committed,
                committed_node: Some(node),
                ..
            }) => Verdict::Done(*node),
            // It was committed, and its file has been deleted for good since.
            Some(Locked {
                committed_node: Some(_),
                ..
            }) => Verdict::Refused(Refusal::UploadGone),
            Some(locked) => match (locked.state.may_commit(), &item.content) {
                (Err(refusal), _) => Verdict::Refused(refusal),
                (Ok(()), None) => Verdict::Refused(Refusal::UploadGone),
                (Ok(()), Some(content)) => match admit(item, content, lineage, late, &mut writes)? {
                    Ok(node) => Verdict::Now(node),
                    Err(refusal) => Verdict::Refused(refusal),
                },
            },
        };
        verdicts.insert(item.row.id, verdict);
    }
    Ok((verdicts, writes))
}

/// Adds what one upload writes, if its target allows it.
fn admit(
    item: &Checked,
    content: &Verified,
    lineage: &mut Lineage,
    late: &mut Late,
    writes: &mut Writes,
) -> Result<std::result::Result<NodeId, Refusal>> {
    let version = VersionId::new();
    let size = signed(item.row.size)?;
    let account = item.actor.account;
    let (node, kind, revision, from) = match &item.row.target {
        StoredTarget::File { parent, name, key } => {
            match lineage.require_for(item.actor, *parent, NodeRole::Editor, Refusal::ParentNotFound) {
                Err(refusal) => return Ok(Err(refusal)),
                Ok(folder) if !folder.is_folder => return Ok(Err(Refusal::NotAFolder)),
                Ok(_) => {}
            }
            if let Err(refusal) = late.take(item, lineage)? {
                return Ok(Err(refusal));
            }
            let id = NodeId::new();
            if item.actor.is_blind() {
                writes.blind.insert(id);
            }
            writes.conflicts.extend(conflict(item, id, key, lineage));
            writes.files.push(NewFile {
                id,
                parent: *parent,
                name: name.clone(),
                name_key: key.clone(),
                version,
                size,
                account,
            });
            (id, ChangeKind::Created, 1, Some(*parent))
        }
        StoredTarget::Version { node, base } => {
            let facts = match lineage.require_for(item.actor, *node, NodeRole::Editor, Refusal::NodeNotFound)
            {
                Ok(facts) => facts,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let Some(stored) = facts.current_version else {
                return Ok(Err(Refusal::NotAFile));
            };
            // Earlier items of this batch may have changed the same file.
            let earlier = writes.changed.get(node);
            let current = earlier.map_or(stored, |file| file.version);
            if base.is_some_and(|base| base != current) {
                return Ok(Err(Refusal::VersionConflict(current)));
            }
            let revision = earlier.map_or(facts.revision, |file| file.revision) + 1;
            if let Err(refusal) = late.take(item, lineage)? {
                return Ok(Err(refusal));
            }
            let changed = ChangedFile {
                id: *node,
                version,
                size,
                revision,
                account,
            };
            writes.changed.insert(*node, changed);
            (*node, ChangeKind::Updated, revision, None)
        }
    };
    writes.contents.push(NewContent {
        upload: item.row.id,
        object: item.row.object,
        blob: BlobId::new(),
        version,
        node,
        length: size,
        sha256: content.sha256.clone(),
        sha256_verified: content.by_bytes,
        content_type: item.row.content_type.clone(),
        device: item.row.device.clone(),
        account,
    });
    writes.changes.push(Change {
        node,
        kind,
        version: Some(version),
        revision,
        actor: Some(account),
        from,
        inherited: None,
        traceparent: item.traceparent.clone(),
    });
    Ok(Ok(node))
}

/// The conflict that a new file is a side of. Where the other file is gone or not to be seen, it is a file like any other.
fn conflict(item: &Checked, copy: NodeId, key: &str, lineage: &mut Lineage) -> Option<NewConflict> {
    let (of, device) = (item.row.conflict?, item.row.device.clone()?);
    let seen = lineage.require_for(item.actor, of.node, NodeRole::Viewer, Refusal::NodeNotFound);
    seen.is_ok_and(|original| !original.is_folder)
        .then(|| NewConflict {
            id: ConflictId::new(),
            original: of.node,
            copy,
            copy_key: key.to_owned(),
            base: of.base,
            device,
            account: item.actor.account,
        })
}

/// Committing again answers the file as it is now: to whom may see it still. A visitor has seen nothing but its own file,
/// and is told of that while the link leads to it.
async fn hide(
    tx: &mut TenantTx,
    accounts: &[Uuid],
    items: &[Checked],
    verdicts: &mut HashMap<UploadId, Verdict>,
) -> Result<()> {
    let done = sorted(verdicts.values().filter_map(|verdict| match verdict {
        Verdict::Done(node) => Some(node.0),
        Verdict::Now(_) | Verdict::Refused(_) => None,
    }));
    if done.is_empty() {
        return Ok(());
    }
    let lineage = nodes::lineage(tx, accounts, &done).await?;
    for Checked { actor, row, .. } in items {
        let Some(Verdict::Done(node)) = verdicts.get(&row.id) else {
            continue;
        };
        let told = match actor.link {
            Some(link) => {
                lineage.within(*node, link.node)
                    && lineage.role(actor.account, link.node) == Some(NodeRole::Owner)
            }
            None => lineage.role(actor.account, *node).is_some(),
        };
        if !told {
            verdicts.insert(row.id, Verdict::Refused(Refusal::NodeNotFound));
        }
    }
    Ok(())
}

/// Takes files out whose names turned out to be taken.
fn drop_taken(verdicts: &mut HashMap<UploadId, Verdict>, writes: &mut Writes, made: &HashSet<NodeId>) {
    let lost: HashMap<NodeId, String> = writes
        .files
        .iter()
        .filter(|file| !made.contains(&file.id))
        .map(|file| (file.id, file.name.clone()))
        .collect();
    if lost.is_empty() {
        return;
    }
    for verdict in verdicts.values_mut() {
        if let Verdict::Now(node) = verdict
            && let Some(name) = lost.get(node)
        {
            *verdict = Verdict::Refused(Refusal::NameTaken(name.clone()));
        }
    }
    writes
        .contents
        .retain(|content| !lost.contains_key(&content.node));
    writes.changes.retain(|change| !lost.contains_key(&change.node));
    writes
        .conflicts
        .retain(|conflict| !lost.contains_key(&conflict.copy));
}

/// Versions, blobs, states, and last the journal, whose counter is the last lock.
async fn write(tx: &mut TenantTx, writes: &Writes, now: OffsetDateTime) -> Result<()> {
    if writes.contents.is_empty() {
        return Ok(());
    }
    // First what touches every tree of the batch: their rows of usage are locked in one order.
    commits::insert_contents(tx, &writes.contents, now).await?;
    if !writes.changed.is_empty() {
        let changed: Vec<ChangedFile> = writes.changed.values().cloned().collect();
        commits::update_files(tx, &changed, now).await?;
    }
    commits::mark_committed(tx, &writes.contents, now).await?;
    conflicts::insert(tx, &writes.conflicts, now).await?;
    journal::append(tx, &writes.changes, now).await
}
