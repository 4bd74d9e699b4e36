//! The transaction of a commit: the uploads of several calls at once, a result per item.

use super::check_uploads::Checked;
use super::late::Late;
use super::verify_content::Verified;
use super::{Core, free_names, wire};
use crate::domain::access::{NodeRole, root};
use crate::domain::lineage::Lineage;
use crate::domain::state::ObjectState;
use crate::error::Refusal;
use crate::failpoints;
use crate::store::commits::{self, NewConflict, NewContent, NewPlace};
use crate::store::nodes::{self, NodeView};
use crate::store::sight::{self, LockedUpload, UploadLocks};
use crate::store::uploads::StoredTarget;
use crate::store::{signed, sorted};
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

/// What a batch writes, as far as it has been judged.
struct Writes {
    contents: Vec<NewContent>,
    /// Names that are taken, each with its folder: in the store, and by this batch.
    taken: HashSet<(NodeId, String)>,
    /// Files whose name may be changed to a free one.
    blind: HashSet<NodeId>,
}

async fn transact(core: &Core, tenant: TenantId, items: Vec<Checked>) -> Result<Vec<Result<v1::Node>>> {
    let now = core.clock.now();
    let mut tx = core.begin(&Ctx::system("files").within(tenant)).await?;
    let accounts = sorted(items.iter().map(|item| item.actor.account.0));
    let (locked, seen) = sight::lock_uploads(&mut tx, &accounts, &locks(&items)).await?;
    let mut lineage = seen.lineage;
    let mut late = Late::of(&mut tx, &items, &locked, &lineage).await?;
    let holders = seen.holders.into_iter();
    let mut writes = Writes {
        contents: Vec::with_capacity(items.len()),
        taken: holders.map(|(folder, key, _)| (folder, key)).collect(),
        blind: HashSet::new(),
    };
    let mut verdicts = judge(&items, &locked, &mut lineage, &mut late, &mut writes)?;
    let mut views = by_id(seen.views);
    views.extend(show(&mut tx, &accounts, &items, &mut verdicts).await?);
    free_names::choose(&mut tx, &mut writes.contents, &writes.blind).await?;
    for content in &writes.contents {
        made(&mut views, content, tenant, now);
    }
    commits::write(&mut tx, &writes.contents, now).await?;
    failpoints::hit(failpoints::COMMIT_IN_TX)?;
    tx.commit().await?;

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

/// What is locked and looked at before anything is judged.
fn locks(items: &[Checked]) -> UploadLocks {
    // With the files that conflicted copies are copies of, so that none of these goes before its conflict is written.
    let originals = items.iter().filter_map(|item| item.row.conflict);
    let originals = originals.map(|conflict| conflict.node.0);
    let mut names = Vec::with_capacity(items.len());
    let mut shown = false;
    for item in items {
        match &item.row.target {
            StoredTarget::File { parent, key, .. } => names.push((parent.0, key.clone())),
            StoredTarget::Version { .. } => shown = true,
        }
    }
    UploadLocks {
        targets: sorted(items.iter().map(|item| item.row.target.node().0).chain(originals)),
        objects: sorted(items.iter().map(|item| item.row.object.0)),
        uploads: sorted(items.iter().map(|item| item.row.id.0)),
        names,
        shown,
    }
}

fn by_id(views: Vec<NodeView>) -> HashMap<NodeId, NodeView> {
    views.into_iter().map(|view| (view.id, view)).collect()
}

/// Changes what is shown of a file to what is written of it.
fn made(views: &mut HashMap<NodeId, NodeView>, content: &NewContent, tenant: TenantId, now: OffsetDateTime) {
    if let Some(place) = &content.place {
        let view = NodeView {
            id: content.node,
            parent_id: Some(place.folder).filter(|folder| *folder != root(tenant)),
            is_folder: false,
            name: place.name.clone(),
            name_key: place.key.clone(),
            revision: content.revision,
            created_at: now,
            updated_at: now,
            version_id: None,
            content_type: None,
            size: None,
            sha256: None,
        };
        views.insert(content.node, view);
    }
    if let Some(view) = views.get_mut(&content.node) {
        view.revision = content.revision;
        view.updated_at = now;
        view.version_id = Some(content.version);
        view.content_type = Some(content.content_type.clone());
        view.size = Some(content.size);
        view.sha256 = Some(content.sha256.clone());
    }
}

/// Applies the rules to each upload once, in the order of the items, under the locks.
fn judge(
    items: &[Checked],
    locked: &HashMap<UploadId, LockedUpload>,
    lineage: &mut Lineage,
    late: &mut Late,
    writes: &mut Writes,
) -> Result<HashMap<UploadId, Verdict>> {
    let mut verdicts = HashMap::with_capacity(items.len());
    for item in items {
        if verdicts.contains_key(&item.row.id) {
            continue;
        }
        let verdict = match locked.get(&item.row.id) {
            None => Verdict::Refused(Refusal::UploadGone),
            Some(LockedUpload {
                state: ObjectState::Committed,
                committed_node: Some(node),
                ..
            }) => Verdict::Done(*node),
            // It was committed, and its file has been deleted for good since.
            Some(LockedUpload {
                committed_node: Some(_),
                ..
            }) => Verdict::Refused(Refusal::UploadGone),
            Some(locked) => match (locked.state.may_commit(), &item.content) {
                (Err(refusal), _) => Verdict::Refused(refusal),
                (Ok(()), None) => Verdict::Refused(Refusal::UploadGone),
                (Ok(()), Some(content)) => match admit(item, content, lineage, late, writes)? {
                    Ok(node) => Verdict::Now(node),
                    Err(refusal) => Verdict::Refused(refusal),
                },
            },
        };
        verdicts.insert(item.row.id, verdict);
    }
    Ok(verdicts)
}

/// Adds what one upload writes, if its target allows it.
fn admit(
    item: &Checked,
    content: &Verified,
    lineage: &mut Lineage,
    late: &mut Late,
    writes: &mut Writes,
) -> Result<std::result::Result<NodeId, Refusal>> {
    let account = item.actor.account;
    let (node, place, revision) = match &item.row.target {
        StoredTarget::File { parent, name, key } => {
            match lineage.require_for(item.actor, *parent, NodeRole::Editor, Refusal::ParentNotFound) {
                Err(refusal) => return Ok(Err(refusal)),
                Ok(folder) if !folder.is_folder => return Ok(Err(Refusal::NotAFolder)),
                Ok(_) => {}
            }
            let named = (*parent, key.clone());
            if !item.actor.is_blind() && writes.taken.contains(&named) {
                return Ok(Err(Refusal::NameTaken(name.clone())));
            }
            if let Err(refusal) = late.take(item, lineage)? {
                return Ok(Err(refusal));
            }
            let id = NodeId::new();
            if item.actor.is_blind() {
                writes.blind.insert(id);
            } else {
                writes.taken.insert(named);
            }
            let place = NewPlace {
                folder: *parent,
                name: name.clone(),
                key: key.clone(),
            };
            (id, Some(place), 1)
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
            let earlier = writes.contents.iter().rfind(|content| content.node == *node);
            let current = earlier.map_or(stored, |content| content.version);
            if base.is_some_and(|base| base != current) {
                return Ok(Err(Refusal::VersionConflict(current)));
            }
            let revision = earlier.map_or(facts.revision, |content| content.revision) + 1;
            if let Err(refusal) = late.take(item, lineage)? {
                return Ok(Err(refusal));
            }
            (*node, None, revision)
        }
    };
    writes.contents.push(NewContent {
        upload: item.row.id,
        object: item.row.object,
        blob: BlobId::new(),
        version: VersionId::new(),
        node,
        conflict: place.as_ref().and_then(|_| conflict(item, lineage)),
        place,
        revision,
        size: signed(item.row.size)?,
        sha256: content.sha256.clone(),
        sha256_verified: content.by_bytes,
        content_type: item.row.content_type.clone(),
        device: item.row.device.clone(),
        account,
        traceparent: item.traceparent.clone(),
    });
    Ok(Ok(node))
}

/// The conflict that a new file is a side of. Where the other file is gone or not to be seen, it is a file like any other.
fn conflict(item: &Checked, lineage: &mut Lineage) -> Option<NewConflict> {
    let of = item.row.conflict.filter(|_| item.row.device.is_some())?;
    let seen = lineage.require_for(item.actor, of.node, NodeRole::Viewer, Refusal::NodeNotFound);
    seen.is_ok_and(|original| !original.is_folder)
        .then(|| NewConflict {
            id: ConflictId::new(),
            original: of.node,
            base: of.base,
        })
}

/// Committing again answers the file as it is now: to whom may see it still. A visitor has seen nothing but its own file,
/// and is told of that while the link leads to it.
async fn show(
    tx: &mut TenantTx,
    accounts: &[Uuid],
    items: &[Checked],
    verdicts: &mut HashMap<UploadId, Verdict>,
) -> Result<HashMap<NodeId, NodeView>> {
    let done = sorted(verdicts.values().filter_map(|verdict| match verdict {
        Verdict::Done(node) => Some(node.0),
        Verdict::Now(_) | Verdict::Refused(_) => None,
    }));
    if done.is_empty() {
        return Ok(HashMap::new());
    }
    let (lineage, views) = nodes::lineage_and_views(tx, accounts, &done).await?;
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
    Ok(by_id(views))
}
