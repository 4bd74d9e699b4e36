//! Where each node should lie.
//!
//! Folder and name are merged each by itself: what one side changed is taken over, and where both changed it differently
//! the server's counts. A move on the device that would make a cycle with moves on the server is taken back.

use std::collections::HashMap;

use crate::ids::NodeId;
use crate::names::{Name, check_for_server, original_of_moving};
use crate::operation::{Place, Reason};
use crate::plan::merged::{Fate, Merged, Node, ROOT, Slot};
use crate::trees::{LocalKind, LocalNode, RemoteNode, SyncedNode};

/// Gives every node its place, and makes one of unsynced nodes that are the same on both sides.
pub(super) fn place(merged: &mut Merged<'_>) {
    let mut unsynced = HashMap::new();
    let mut entries = Vec::new();
    for slot in 1..merged.nodes.len() {
        match (merged.nodes[slot].remote, merged.nodes[slot].local) {
            (Some(node), None) => {
                merged.nodes[slot].parent = remote_parent(merged, node);
                // What selective sync names is not taken for something of that name that is new here. What lies below it is:
                // it may not have left yet.
                if merged.nodes[slot].fate == Fate::Keep && !merged.policy.excluded.contains(&node.id) {
                    let key = merged.policy.names.to_local(&node.name).key();
                    unsynced.insert((merged.nodes[slot].parent, key), slot);
                }
            }
            (None, Some(_)) => entries.push(slot),
            _ => {}
        }
    }
    pair(merged, &entries, &unsynced);
    for slot in 1..merged.nodes.len() {
        let node = &merged.nodes[slot];
        if let (Some(remote), Some(entry), Some(synced)) = (node.remote, node.local, node.synced)
            && synced.local == entry.id
        {
            merge(merged, slot, remote, entry, synced);
        }
    }
    break_cycles(merged);
}

fn remote_parent(merged: &Merged<'_>, node: &RemoteNode) -> Slot {
    node.parent
        .and_then(|parent| merged.by_node.get(&parent).copied())
        .unwrap_or(ROOT)
}

/// The slot of the folder that holds an entry; `None` when it is one that is never synced.
fn local_parent(merged: &Merged<'_>, entry: &LocalNode) -> Option<Slot> {
    entry
        .parent
        .and_then(|parent| merged.by_local.get(&parent).copied())
}

/// Gives entries that only the device has their place, folders first, and finds those that the server has as well.
fn pair(merged: &mut Merged<'_>, entries: &[Slot], unsynced: &HashMap<(Slot, String), Slot>) {
    let mut done = vec![false; merged.nodes.len()];
    for slot in entries {
        // From the entry up to the first folder that is done, and back down.
        let mut chain = vec![*slot];
        while let Some(parent) = chain
            .last()
            .and_then(|slot| merged.nodes[*slot].local)
            .and_then(|entry| local_parent(merged, entry))
            && merged.nodes[parent].remote.is_none()
            && !done[parent]
        {
            chain.push(parent);
        }
        for slot in chain.into_iter().rev() {
            if !std::mem::replace(&mut done[slot], true) {
                pair_one(merged, slot, unsynced);
            }
        }
    }
}

fn pair_one(merged: &mut Merged<'_>, slot: Slot, unsynced: &HashMap<(Slot, String), Slot>) {
    let Some(entry) = merged.nodes[slot].local else {
        return;
    };
    let Some(parent) = local_parent(merged, entry) else {
        merged.nodes[slot].fate = Fate::Wait;
        return;
    };
    let name = merged.local_name(entry);
    merged.nodes[slot].parent = parent;
    merged.nodes[slot].name = merged.policy.names.to_remote(&name);
    if !merged.nodes[slot].stays() {
        return;
    }
    let twin = unsynced.get(&(parent, name.key())).copied();
    if let Some(twin) = twin
        && merged.nodes[twin].local.is_none()
        && is_same(entry, &merged.nodes[twin])
    {
        merged.nodes[twin].forget |= merged.nodes[slot].forget;
        merged.nodes[twin].local = Some(entry);
        merged.nodes[slot].fate = Fate::Absorbed;
        merged.by_local.insert(entry.id, twin);
    } else if let Err(trouble) = check_for_server(&merged.nodes[slot].name) {
        merged.nodes[slot].fate = Fate::Wait;
        merged.nodes[slot].stuck = true;
        merged.problem(slot, Reason::NameInvalid(trouble));
    }
}

/// Whether an entry and a node of one name that never were synced are one thing: two folders, two files of one content,
/// or a file that this device itself sent or fetched.
fn is_same(entry: &LocalNode, other: &Node<'_>) -> bool {
    let Some(node) = other.remote else { return false };
    match (entry.kind, node.kind.content()) {
        (LocalKind::Folder, None) => true,
        (LocalKind::File, Some(content)) => {
            let is_own =
                entry.sent == Some(content.sha256) || other.fetched.as_deref() == entry.content.as_ref();
            entry.content.is_some() && (is_own || entry.content == Some(content.sha256))
        }
        _ => false,
    }
}

fn merge(merged: &mut Merged<'_>, slot: Slot, remote: &RemoteNode, entry: &LocalNode, synced: &SyncedNode) {
    let there = remote_parent(merged, remote);
    let Some(here) = local_parent(merged, entry) else {
        merged.nodes[slot].fate = Fate::Wait;
        merged.nodes[slot].stuck = true;
        return;
    };
    let agreed = merged.by_node.get(&synced.parent).copied();
    let parent_changed_there = remote.parent != Some(synced.parent);
    let parent_changed_here = Some(here) != agreed;

    let name_there = remote_name(merged, remote, synced);
    let name_here = merged.local_name(entry);
    let name_changed_there = !name_there.is_same(&synced.name);
    let name_changed_here = !merged.is_called(&name_here, &synced.name)
        && !merged.policy.names.may_stand_for(&name_here, &synced.name);

    let place_there = remote.parent.map(|parent| Place {
        parent,
        name: name_there.clone(),
    });
    let place_here = merged.nodes[here].remote.map(|folder| Place {
        parent: folder.id,
        name: match name_changed_here {
            true => merged.policy.names.to_remote(&name_here),
            false => synced.name.clone(),
        },
    });
    merged.nodes[slot].place_there = place_there.map(Box::new);
    merged.nodes[slot].place_here = place_here.map(Box::new);
    let mut parent = there;
    let mut name = name_there;
    let mut refused = false;
    if parent_changed_here && !parent_changed_there && here != there {
        if may_move(merged, remote, here) {
            parent = here;
            merged.nodes[slot].moved_here = true;
        } else {
            refused = true;
        }
    }
    if name_changed_here && !name_changed_there {
        let wanted = merged.policy.names.to_remote(&name_here);
        if let Err(trouble) = check_for_server(&wanted) {
            merged.nodes[slot].stuck = true;
            merged.problem(slot, Reason::NameInvalid(trouble));
        } else if remote.writable {
            name = wanted;
        } else {
            refused = true;
        }
    }
    if refused {
        merged.problem(slot, Reason::ReadOnly);
    }
    merged.nodes[slot].parent = parent;
    merged.nodes[slot].name = name;
}

/// The node's name on the server, or the one that it had before this device let it step aside, unless it has to stay so.
fn remote_name(merged: &Merged<'_>, remote: &RemoteNode, synced: &SyncedNode) -> Name {
    if remote.name == synced.name || !remote.writable {
        return remote.name.clone();
    }
    original_of_moving(&remote.name, &merged.policy.device).unwrap_or_else(|| remote.name.clone())
}

/// Whether the server lets this device take the node out of its folder and put it into the other one.
fn may_move(merged: &Merged<'_>, remote: &RemoteNode, folder: Slot) -> bool {
    let is_writable = |id: NodeId| merged.remote.get(id).is_some_and(|node| node.writable);
    remote.parent.is_some_and(is_writable) && may_create_in(merged, folder)
}

/// Whether the folder may be written to or, when the server doesn't have it yet, can be created there.
fn may_create_in(merged: &Merged<'_>, mut folder: Slot) -> bool {
    loop {
        let node = &merged.nodes[folder];
        match (node.remote, node.local) {
            (Some(remote), _) => return remote.writable,
            // Unsynced folders are below each other on the device, so that this ends.
            (None, Some(entry)) if !node.stuck => match local_parent(merged, entry) {
                Some(parent) => folder = parent,
                None => return false,
            },
            _ => return false,
        }
    }
}

/// The server's tree has no cycle, and neither has the device's; so each cycle goes through a move of the device.
fn break_cycles(merged: &mut Merged<'_>) {
    let moved: Vec<Slot> = (1..merged.nodes.len())
        .filter(|slot| merged.nodes[*slot].moved_here)
        .collect();
    let mut has_changed = true;
    while has_changed {
        has_changed = false;
        for slot in &moved {
            if merged.nodes[*slot].moved_here && is_below_itself(merged, *slot) {
                let Some(remote) = merged.nodes[*slot].remote else {
                    continue;
                };
                merged.nodes[*slot].parent = remote_parent(merged, remote);
                merged.nodes[*slot].moved_here = false;
                has_changed = true;
            }
        }
    }
}

fn is_below_itself(merged: &Merged<'_>, slot: Slot) -> bool {
    let mut at = merged.nodes[slot].parent;
    // A cycle that does not hold this node would never end.
    for _ in 0..merged.nodes.len() {
        if at == slot {
            return true;
        }
        if at == ROOT {
            return false;
        }
        at = merged.nodes[at].parent;
    }
    false
}
