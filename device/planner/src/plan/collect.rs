//! Which nodes there are, and whether each stays by what is known of it alone.

use crate::operation::Reason;
use crate::plan::merged::{Fate, Merged, ROOT, Slot};
use crate::trees::{LocalKind, LocalNode, RemoteNode, SyncedNode};

/// Fills the merged tree.
pub(super) fn collect(merged: &mut Merged<'_>) {
    let (remote, local) = (merged.remote, merged.local);
    let root = merged.add(
        remote.get(remote.root()),
        local.get(local.root()),
        None,
        Fate::Keep,
    );
    debug_assert_eq!(root, ROOT);
    for id in &merged.policy.excluded {
        if *id != remote.root() && remote.get(*id).is_some() {
            merged.excluded.extend(remote.below(*id));
        }
    }
    for entry in local.iter() {
        let is_bound = merged.synced.of_local(entry.id).is_some();
        if is_bound {
            continue;
        }
        if entry.kind == LocalKind::Other || entry.ignored {
            merged.unsynced.extend(local.below(entry.id));
            if let Some(parent) = entry.parent {
                merged.unsynced_names.insert((parent, entry.name.key()));
            }
        } else if entry.kind == LocalKind::File && entry.content.is_none() {
            let inode = (entry.fingerprint.device, entry.fingerprint.inode);
            merged.unread.entry(inode).or_default().push(entry.fingerprint);
        }
    }
    synced_nodes(merged);
    for node in remote.iter() {
        if node.id != remote.root() && merged.synced.get(node.id).is_none() && is_reachable(merged, node) {
            merged.add(Some(node), None, None, Fate::Keep);
        }
    }
    for entry in local.iter() {
        let is_bound = merged.synced.of_local(entry.id).is_some();
        if entry.id != local.root() && !is_bound && !merged.unsynced.contains(&entry.id) {
            merged.add(None, Some(entry), None, Fate::Keep);
        }
    }
}

fn synced_nodes(merged: &mut Merged<'_>) {
    let (remote, local, synced) = (merged.remote, merged.local, merged.synced);
    let mut deleted_here = Vec::new();
    for synced in synced.iter() {
        let node = remote.get(synced.node).filter(|node| is_reachable(merged, node));
        let entry = local
            .get(synced.local)
            .filter(|entry| !merged.unsynced.contains(&entry.id));
        match (node, entry) {
            (None, None) => merged
                .operations
                .push(crate::Operation::Forget { node: synced.node }),
            (Some(node), Some(entry)) => {
                if !is_settled_file(merged, synced, node, entry) {
                    merged.add(Some(node), Some(entry), Some(synced), Fate::Keep);
                }
            }
            (Some(node), None) => {
                deleted_here.push(merged.add(Some(node), None, Some(synced), Fate::DeleteRemote));
            }
            (None, Some(entry)) => gone_there(merged, synced, entry),
        }
    }
    // Only now are all folders known that decide on these.
    for slot in deleted_here {
        gone_here(merged, slot);
    }
}

/// The server no longer shows a node that the device has.
fn gone_there<'a>(merged: &mut Merged<'a>, synced: &'a SyncedNode, entry: &'a LocalNode) {
    let slot = merged.add(None, Some(entry), Some(synced), Fate::DeleteLocal);
    let content = synced.kind.content().map(|content| content.sha256);
    if merged.remote.tombstone(synced.node).is_none() {
        merged.nodes[slot].fate = Fate::Wait;
        merged.problem(slot, Reason::Unexplained);
    } else if content.is_some() && entry.content.is_none() {
        merged.nodes[slot].fate = Fate::Wait;
    } else if content != entry.content && merged.nodes[slot].base() != entry.content {
        // Edited against deleted: the edit wins, as a new file.
        merged.nodes[slot].fate = Fate::Keep;
        merged.forget(slot);
    }
}

/// The device no longer has an entry that the server shows.
fn gone_here(merged: &mut Merged<'_>, slot: Slot) {
    let node = &merged.nodes[slot];
    let (Some(remote), Some(synced)) = (node.remote, node.synced) else {
        return;
    };
    let content = |kind: crate::RemoteKind| kind.content().map(|content| content.sha256);
    let is_excluded = merged.excluded.contains(&remote.id);
    let was_edited = content(remote.kind) != content(synced.kind);
    let parent = remote.parent.and_then(|parent| merged.remote.get(parent));
    let may_go = parent.is_some_and(|parent| parent.writable);
    if !is_excluded && !was_edited && is_replaced_by_unsynced(merged, synced) {
        merged.nodes[slot].fate = Fate::Wait;
        merged.problem(slot, Reason::NameOccupied);
    } else if !is_excluded && !was_edited && may_have_moved(merged, synced) {
        merged.nodes[slot].fate = Fate::Wait;
    } else if is_excluded || was_edited || !may_go {
        merged.nodes[slot].fate = Fate::Keep;
        merged.forget(slot);
        if !is_excluded && !was_edited {
            merged.problem(slot, Reason::ReadOnly);
        }
    }
}

/// Whether something that is never synced, such as a symbolic link, took the place of the entry: that is no deletion.
fn is_replaced_by_unsynced(merged: &Merged<'_>, synced: &SyncedNode) -> bool {
    let folder = if synced.parent == merged.remote.root() {
        Some(merged.local.root())
    } else {
        merged.synced.get(synced.parent).map(|parent| parent.local)
    };
    let key = merged.policy.names.to_local(&synced.name).key();
    folder.is_some_and(|folder| merged.unsynced_names.contains(&(folder, key)))
}

/// Whether a file that was not read yet may be this one, moved and edited: its hash will tell the scan.
fn may_have_moved(merged: &Merged<'_>, synced: &SyncedNode) -> bool {
    let Some(known) = synced.fingerprint else {
        return false;
    };
    merged
        .unread
        .get(&(known.device, known.inode))
        .is_some_and(|entries| entries.iter().any(|entry| entry.may_be_same_inode(&known)))
}

fn is_reachable(merged: &Merged<'_>, node: &RemoteNode) -> bool {
    !merged.orphans.contains(&node.id)
}

/// Whether this is a file that all three trees agree on. It takes no part.
fn is_settled_file(merged: &Merged<'_>, synced: &SyncedNode, node: &RemoteNode, entry: &LocalNode) -> bool {
    let Some(content) = synced.kind.content() else {
        return false;
    };
    let holds_it = |folder: crate::LocalId| match merged.synced.of_local(folder) {
        Some(parent) => parent.node == synced.parent,
        None => folder == merged.local.root() && synced.parent == merged.remote.root(),
    };
    node.kind == synced.kind
        && entry.content == Some(content.sha256)
        && node.name == synced.name
        && node.parent == Some(synced.parent)
        && entry.parent.is_some_and(holds_it)
        && merged.is_called(&entry.name, &synced.name)
        && !merged.excluded.contains(&node.id)
}
