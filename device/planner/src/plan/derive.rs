//! From the merged tree to operations.

use crate::ids::{LocalId, Sha256};
use crate::names::{Name, moving_aside};
use crate::operation::{DownloadTo, Operation, Place, Plan, Reason, RemoveWhy, Side, UploadTo, Why};
use crate::plan::merged::{Fate, Merged, Node, Slot};
use crate::plan::ready::{Blocker, Ready, Want};
use crate::plan::removals::{self, Removals};
use crate::plan::twins::{self, Names};
use crate::trees::{Content, LocalNode, RemoteNode};

/// What both sides lack of the merged tree and can have now.
pub(super) fn operations(mut merged: Merged<'_>, mut names: Names) -> Plan {
    let conflicts = conflicts(&merged, &mut names);
    let removals = Removals::find(&merged);
    let ready = Ready {
        merged: &merged,
        names: &names,
        removals: &removals,
    };
    let mut derived = Derived::default();
    for side in [Side::Remote, Side::Local] {
        for slot in ready.stepping_aside(side) {
            if ready.may_step_aside(side, slot) {
                derived.operations.extend(step_aside(&ready, side, slot));
            } else {
                derived.problems.push((slot, Reason::ReadOnly));
            }
        }
    }
    for slot in 1..merged.nodes.len() {
        for side in [Side::Remote, Side::Local] {
            derived.on_side(&ready, side, slot);
        }
        derived.content(&ready, slot);
    }
    derived.operations.extend(conflicts);
    merged.operations.append(&mut derived.operations);
    for (slot, reason) in derived.problems {
        merged.problem(slot, reason);
    }
    Plan {
        operations: merged.operations,
        pauses: removals.pauses,
        problems: merged.problems,
    }
}

/// Files that both sides edited differently: the device's becomes a conflicted copy, and the server's takes its place.
fn conflicts(merged: &Merged<'_>, names: &mut Names) -> Vec<Operation> {
    let mut operations = Vec::new();
    for slot in 1..merged.nodes.len() {
        let node = &merged.nodes[slot];
        let (Some(entry), Edited::BothSides) = (node.local, edited(node)) else {
            continue;
        };
        // Where it lies is settled first, so that the copy lies beside it. What can't be settled waits no longer.
        let is_placed = is_placed(merged, slot);
        if node.fate != Fate::Keep || node.forget || !is_placed {
            continue;
        }
        let Some(folder) = entry.parent.and_then(|parent| merged.by_local.get(&parent)) else {
            continue;
        };
        names.ensure(merged, *folder);
        let name = names.free_copy_name(merged, slot, *folder);
        operations.push(Operation::MoveLocal {
            local: entry.id,
            expected: entry.fingerprint,
            parent: merged.nodes[*folder].local.map_or(entry.id, |folder| folder.id),
            name: merged.policy.names.to_local(&name),
            why: Why::Conflict,
            agreed: None,
        });
    }
    operations
}

/// Whether both sides have the node where it should be, or as near to it as they will get.
fn is_placed(merged: &Merged<'_>, slot: Slot) -> bool {
    let node = &merged.nodes[slot];
    let is_leaving = node.excluded && !merged.is_misplaced_there(slot);
    node.stuck || is_leaving || twins::is_settled(merged, slot)
}

/// Which sides changed a file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edited {
    /// Both have the same.
    Same,
    Remote,
    Local,
    BothSides,
    /// It has to be read first.
    Unread,
    /// It is no file, or not on both sides.
    Not,
}

fn edited(node: &Node<'_>) -> Edited {
    let (Some(content), Some(entry)) = (node.remote.and_then(|node| node.kind.content()), node.local) else {
        return Edited::Not;
    };
    let Some(here) = entry.content else {
        return Edited::Unread;
    };
    let base = node.base();
    match (
        here == content.sha256,
        base == Some(content.sha256),
        base == Some(here),
    ) {
        (true, _, _) => Edited::Same,
        (false, true, _) => Edited::Local,
        (false, false, true) => Edited::Remote,
        (false, false, false) => Edited::BothSides,
    }
}

fn step_aside(ready: &Ready<'_, '_>, side: Side, slot: Slot) -> Option<Operation> {
    let merged = ready.merged;
    let node = &merged.nodes[slot];
    match side {
        Side::Remote => {
            let remote = node.remote?;
            Some(Operation::MoveRemote {
                node: remote.id,
                revision: remote.revision,
                parent: remote.parent?,
                name: free_aside_name(ready, side, slot, &remote.name, remote.id.0.as_u64_pair().1)?,
                why: Why::StepAside,
                agreed: None,
            })
        }
        Side::Local => {
            let entry = node.local?;
            let name = free_aside_name(ready, side, slot, &merged.local_name(entry), entry.id.0)?;
            Some(Operation::MoveLocal {
                local: entry.id,
                expected: entry.fingerprint,
                parent: entry.parent?,
                name,
                why: Why::StepAside,
                agreed: None,
            })
        }
    }
}

/// The first name to step aside under that nothing in the folder has: people may give such names as well.
fn free_aside_name(ready: &Ready<'_, '_>, side: Side, slot: Slot, name: &Name, tag: u64) -> Option<Name> {
    let folder = ready.merged.held_by(side, slot)?;
    (tag..)
        .map(|tag| moving_aside(name, &ready.merged.policy.device, tag))
        .find(|name| !ready.is_held(side, folder, &name.key()))
}

/// The operations and problems that were found.
#[derive(Debug, Default)]
struct Derived {
    operations: Vec<Operation>,
    problems: Vec<(Slot, Reason)>,
}

impl Derived {
    /// What the node lacks on the side.
    fn on_side(&mut self, ready: &Ready<'_, '_>, side: Side, slot: Slot) {
        let want = ready.want(side, slot);
        if want == Want::Nothing {
            return;
        }
        let blockers = ready.blockers(side, slot);
        if blockers.contains(&Blocker::Unsynced) {
            self.problems.push((slot, Reason::NameOccupied));
        }
        if !blockers.is_empty() {
            return;
        }
        match (want, side) {
            (Want::Removal, _) => self.remove(ready, side, slot),
            (_, Side::Remote) => self.place_remote(ready.merged, slot),
            (_, Side::Local) => self.operations.extend(place_local(ready.merged, slot)),
        }
    }

    fn remove(&mut self, ready: &Ready<'_, '_>, side: Side, slot: Slot) {
        let merged = ready.merged;
        // With the folder that goes as a whole, where there is one.
        if merged
            .held_by(side, slot)
            .is_some_and(|folder| ready.removals.goes(side, folder))
        {
            return;
        }
        let node = &merged.nodes[slot];
        self.operations.extend(match side {
            Side::Remote => node.remote.map(|node| Operation::DeleteRemote {
                node: node.id,
                revision: node.revision,
                covers: merged
                    .remote
                    .below(node.id)
                    .into_iter()
                    .filter_map(|id| Some((id, merged.remote.get(id)?.revision)))
                    .collect(),
            }),
            Side::Local => node.local.map(|entry| remove_local(merged, slot, entry)),
        });
    }

    fn place_remote(&mut self, merged: &Merged<'_>, slot: Slot) {
        let node = &merged.nodes[slot];
        let Some(folder) = merged.nodes[node.parent].remote else {
            return;
        };
        let name = node.name.clone();
        let why = if node.is_copy { Why::Twin } else { Why::Follow };
        self.operations.push(match (node.remote, node.local) {
            (Some(remote), _) => Operation::MoveRemote {
                node: remote.id,
                revision: remote.revision,
                parent: folder.id,
                name,
                why,
                agreed: node.place_here.as_deref().cloned(),
            },
            (None, Some(_)) if !folder.writable => {
                self.problems.push((slot, Reason::ReadOnly));
                return;
            }
            (None, Some(entry)) => match entry.content {
                Some(sha256) => Operation::Upload {
                    local: entry.id,
                    expected: entry.fingerprint,
                    sha256,
                    to: UploadTo::New {
                        parent: folder.id,
                        name,
                    },
                },
                None => Operation::CreateRemoteFolder {
                    local: entry.id,
                    parent: folder.id,
                    name,
                },
            },
            (None, None) => return,
        });
    }

    /// What is to be done about the content of a file.
    fn content(&mut self, ready: &Ready<'_, '_>, slot: Slot) {
        let merged = ready.merged;
        let node = &merged.nodes[slot];
        if !node.stays() || node.forget {
            return;
        }
        let Some(entry) = node.local else { return };
        if !node.is_folder() && entry.content.is_none() {
            self.operations.push(Operation::Hash {
                local: entry.id,
                expected: entry.fingerprint,
            });
            return;
        }
        let Some(remote) = node.remote else { return };
        if node.synced.is_none_or(|synced| synced.local != entry.id) {
            // What is one thing is bound first, so that a move made meanwhile is known for what it is.
            self.adopt(merged, slot, remote, entry);
            return;
        }
        let is_leaving = ready.want(Side::Local, slot) == Want::Removal;
        match (edited(node), entry.content, remote.kind.content()) {
            (Edited::Local, Some(sha256), Some(base)) if remote.writable => {
                self.operations.push(upload(entry, sha256, remote, base));
            }
            (Edited::Local, ..) => self.problems.push((slot, Reason::ReadOnly)),
            (Edited::Remote, _, Some(content)) if !is_leaving => {
                self.operations.push(Operation::Download {
                    node: remote.id,
                    content,
                    to: DownloadTo::Replace {
                        local: entry.id,
                        expected: entry.fingerprint,
                    },
                });
            }
            (Edited::Same | Edited::Not, ..) if !is_leaving => self.adopt(merged, slot, remote, entry),
            _ => {}
        }
    }

    fn adopt(&mut self, merged: &Merged<'_>, slot: Slot, remote: &RemoteNode, entry: &LocalNode) {
        let node = &merged.nodes[slot];
        let is_agreed = node.synced.is_some_and(|synced| {
            synced.local == entry.id
                && Some(synced.parent) == remote.parent
                && synced.name == remote.name
                && synced.kind == remote.kind
        });
        if !is_agreed && is_placed(merged, slot) {
            self.operations.push(Operation::Adopt {
                node: remote.id,
                local: entry.id,
            });
        }
    }
}

fn upload(entry: &LocalNode, sha256: Sha256, remote: &RemoteNode, base: Content) -> Operation {
    Operation::Upload {
        local: entry.id,
        expected: entry.fingerprint,
        sha256,
        to: UploadTo::Version {
            node: remote.id,
            base: base.version,
        },
    }
}

fn place_local(merged: &Merged<'_>, slot: Slot) -> Option<Operation> {
    let node = &merged.nodes[slot];
    let folder = merged.nodes[node.parent].local?;
    let name = merged.policy.names.to_local(&node.name);
    if let Some(entry) = node.local {
        let why = match (node.is_copy, node.remote) {
            (true, Some(_)) => Why::Twin,
            (true, None) => Why::Conflict,
            (false, _) => Why::Follow,
        };
        return Some(Operation::MoveLocal {
            local: entry.id,
            expected: entry.fingerprint,
            parent: folder.id,
            name,
            why,
            agreed: node.place_there.as_deref().cloned(),
        });
    }
    let remote = node.remote?;
    let at = Place {
        parent: remote.parent?,
        name: remote.name.clone(),
    };
    Some(match remote.kind.content() {
        Some(content) => Operation::Download {
            node: remote.id,
            content,
            to: DownloadTo::New {
                at,
                parent: folder.id,
                name,
            },
        },
        None => Operation::CreateLocalFolder {
            node: remote.id,
            at,
            parent: folder.id,
            name,
        },
    })
}

fn remove_local(merged: &Merged<'_>, slot: Slot, entry: &LocalNode) -> Operation {
    let mut covers = Vec::new();
    let mut ignored: Vec<LocalId> = Vec::new();
    for id in merged.local.below(entry.id) {
        let Some(below) = merged.local.get(id) else {
            continue;
        };
        if merged.unsynced.contains(&id) {
            ignored.push(id);
        } else {
            covers.push((id, below.fingerprint));
        }
    }
    let why = if removals::leaves(merged, slot) {
        RemoveWhy::Excluded
    } else {
        RemoveWhy::Gone
    };
    Operation::RemoveLocal {
        local: entry.id,
        covers,
        ignored,
        why,
    }
}
