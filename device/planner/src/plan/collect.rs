//! Which nodes there are, and whether each stays by what is known of it alone.

use crate::ids::{LocalId, NodeId};
use crate::operation::{Operation, Reason};
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
    let unbound = unbound_entries(merged);
    let unsynced_nodes = synced_nodes(merged);
    for node in unsynced_nodes {
        merged.add(Some(node), None, None, Fate::Keep);
    }
    for entry in unbound {
        if !merged.unsynced.contains(&entry.id) && !merged.found.contains(&entry.id) {
            merged.add(None, Some(entry), None, Fate::Keep);
        }
    }
}

/// The entries that nobody synced, and what is to be known of them beforehand. Both trees are in the order of ids, so that no
/// entry is looked up.
fn unbound_entries<'a>(merged: &mut Merged<'a>) -> Vec<&'a LocalNode> {
    let local = merged.local;
    let mut bound = merged.synced.locals().peekable();
    let mut unbound = Vec::new();
    for id in local.ids() {
        while bound.next_if(|bound| *bound < id).is_some() {}
        if bound.peek() == Some(&id) || id == local.root() {
            continue;
        }
        let Some(entry) = local.get(id) else { continue };
        unbound.push(entry);
        if entry.kind == LocalKind::Other || entry.ignored {
            merged.unsynced.extend(local.below(entry.id));
            if let Some(parent) = entry.parent {
                merged.unsynced_names.insert((parent, entry.name.key()));
            }
        } else if entry.kind == LocalKind::File {
            merged.strays.push(entry);
        }
    }
    merged
        .strays
        .sort_unstable_by_key(|entry| (entry.fingerprint.number(), entry.id));
    unbound
}

/// Adds what is synced, and gives the nodes that are not; both trees are in the order of ids.
fn synced_nodes<'a>(merged: &mut Merged<'a>) -> Vec<&'a RemoteNode> {
    let (remote, local, synced) = (merged.remote, merged.local, merged.synced);
    let mut nodes = remote.iter().peekable();
    let mut unsynced = Vec::new();
    let mut deleted_here = Vec::new();
    let is_unsynced =
        |merged: &Merged<'a>, node: &RemoteNode| node.id != remote.root() && is_reachable(merged, node);
    let mut entries = local.nearby();
    let mut folders = Folders::default();
    for synced in synced.iter() {
        while let Some(node) = nodes.next_if(|node| node.id < synced.node) {
            unsynced.extend(Some(node).filter(|node| is_unsynced(merged, node)));
        }
        let node = nodes.next_if(|node| node.id == synced.node);
        let node = node.filter(|node| is_reachable(merged, node));
        let entry = entries
            .get(synced.local)
            .filter(|entry| !merged.unsynced.contains(&entry.id));
        match (node, entry) {
            (None, None) => merged.operations.push(Operation::Forget { node: synced.node }),
            (Some(node), Some(entry)) => {
                if !is_settled_file(merged, &mut folders, synced, node, entry) {
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
    unsynced.extend(nodes.filter(|node| is_unsynced(merged, node)));
    unsynced
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
    let is_doubted = merged.remote.is_doubted(synced);
    if !is_excluded && !was_edited && is_replaced_by_unsynced(merged, synced) {
        merged.nodes[slot].fate = Fate::Wait;
        merged.problem(slot, Reason::NameOccupied);
    } else if !was_edited && may_have_moved(merged, synced) {
        merged.nodes[slot].fate = Fate::Wait;
    } else if !was_edited && let Some(local) = moved_to(merged, synced) {
        merged.nodes[slot].fate = Fate::Wait;
        merged.found.insert(local);
        merged.operations.push(Operation::Adopt {
            node: synced.node,
            local,
        });
    } else if is_excluded || was_edited || is_doubted || !may_go {
        merged.nodes[slot].fate = Fate::Keep;
        merged.forget(slot);
        if !is_excluded && !was_edited && !is_doubted {
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
        .strays_of(&known)
        .any(|entry| entry.content.is_none() && entry.fingerprint.may_be_same_inode(&known))
}

/// The file that turned out to be this one, moved and touched: it has its inode and its content.
fn moved_to(merged: &Merged<'_>, synced: &SyncedNode) -> Option<LocalId> {
    let (known, content) = (synced.fingerprint?, synced.kind.content()?);
    let is_it = |entry: &&LocalNode| {
        entry.content == Some(content.sha256)
            && entry.fingerprint.may_be_same_inode(&known)
            && !merged.found.contains(&entry.id)
    };
    merged.strays_of(&known).find(is_it).map(|entry| entry.id)
}

fn is_reachable(merged: &Merged<'_>, node: &RemoteNode) -> bool {
    !merged.orphans.contains(&node.id)
}

/// Whether this is a file that all three trees agree on. It takes no part.
fn is_settled_file(
    merged: &Merged<'_>,
    folders: &mut Folders,
    synced: &SyncedNode,
    node: &RemoteNode,
    entry: &LocalNode,
) -> bool {
    let Some(content) = synced.kind.content() else {
        return false;
    };
    node.kind == synced.kind
        && entry.content == Some(content.sha256)
        && node.name == synced.name
        && node.parent == Some(synced.parent)
        && entry.parent.is_some()
        && entry.parent == folders.entry_of(merged, synced.parent)
        && merged.is_called(&entry.name, &synced.name)
        && !merged.excluded.contains(&node.id)
}

/// The device's entry of the folder that was asked for last: what it holds was mostly made together, and is asked for together.
#[derive(Default)]
struct Folders {
    last: Option<(NodeId, Option<LocalId>)>,
}

impl Folders {
    /// The entry that the node of a folder is bound to.
    fn entry_of(&mut self, merged: &Merged<'_>, folder: NodeId) -> Option<LocalId> {
        if let Some((last, entry)) = self.last
            && last == folder
        {
            return entry;
        }
        let entry = match merged.synced.get(folder) {
            Some(synced) => Some(synced.local),
            None => (folder == merged.remote.root()).then(|| merged.local.root()),
        };
        self.last = Some((folder, entry));
        entry
    }
}
