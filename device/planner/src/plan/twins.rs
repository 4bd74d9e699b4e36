//! What each node should be called, where several would have one name.
//!
//! Who already has the name on the server keeps it. Of the others, what is synced goes before what is not, and then the
//! order of names decides; who loses becomes a conflicted copy, beside the winner and with all it holds.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use crate::ids::{LocalId, NodeId};
use crate::names::{Name, conflicted_copy};
use crate::plan::merged::{Fate, Merged, Slot};

/// The names that folders really hold, on both sides, by their keys. Only folders in which something is to change are in it.
#[derive(Debug, Default)]
pub(super) struct Names {
    remote: HashMap<Slot, Keys<NodeId>>,
    local: HashMap<Slot, Keys<LocalId>>,
    /// The names that this plan gives, by folder and key.
    given: HashSet<(Slot, String)>,
}

/// Who has a name; on a device that tells case apart it may be two, and two are enough to know whether another one has it.
type Keys<Id> = HashMap<String, (Id, Option<Id>)>;

fn keys<Id: Copy + Eq + Hash>(held: impl Iterator<Item = (String, Id)>) -> Keys<Id> {
    let mut keys = Keys::new();
    for (key, id) in held {
        match keys.entry(key) {
            Entry::Vacant(entry) => drop(entry.insert((id, None))),
            Entry::Occupied(mut entry) => entry.get_mut().1 = Some(id),
        }
    }
    keys
}

fn other<Id: Copy + Eq>(keys: Option<&Keys<Id>>, key: &str, own: Option<Id>) -> Option<Id> {
    let (one, two) = keys?.get(key)?;
    if Some(*one) == own { *two } else { Some(*one) }
}

impl Names {
    /// Takes in what the folder holds.
    pub(super) fn ensure(&mut self, merged: &Merged<'_>, folder: Slot) {
        if let (Some(node), Entry::Vacant(entry)) = (merged.nodes[folder].remote, self.remote.entry(folder)) {
            let children = merged.remote.children(node.id);
            entry.insert(keys(children.map(|child| (child.name.key(), child.id))));
        }
        if let (Some(node), Entry::Vacant(entry)) = (merged.nodes[folder].local, self.local.entry(folder)) {
            let children = merged.local.children(node.id);
            entry.insert(keys(children.map(|child| (child.name.key(), child.id))));
        }
    }

    /// Another node that has the name on the server.
    pub(super) fn remote_other(&self, folder: Slot, key: &str, own: Option<NodeId>) -> Option<NodeId> {
        other(self.remote.get(&folder), key, own)
    }

    /// Another entry that has the name on the device.
    pub(super) fn local_other(&self, folder: Slot, key: &str, own: Option<LocalId>) -> Option<LocalId> {
        other(self.local.get(&folder), key, own)
    }

    /// The first name of a conflicted copy that nothing in the folder has or is to have.
    pub(super) fn free_copy_name(&mut self, merged: &Merged<'_>, slot: Slot, folder: Slot) -> Name {
        let node = &merged.nodes[slot];
        let own = node.local.map(|entry| entry.id);
        let there = merged.nodes[folder].remote.map(|folder| folder.id);
        let mut number = 1;
        loop {
            let name = conflicted_copy(
                &node.name,
                node.is_folder(),
                &merged.policy.device,
                merged.policy.today,
                number,
            );
            let key = name.key();
            let key_here = merged.policy.names.to_local(&name).key();
            let is_free = self.remote_other(folder, &key, None).is_none()
                && self.local_other(folder, &key_here, own).is_none()
                && !there.is_some_and(|there| merged.remote.is_hidden(there, &key));
            if is_free && self.given.insert((folder, key)) {
                return name;
            }
            number += 1;
        }
    }
}

/// Lets no two nodes of a folder have one name.
pub(super) fn settle(merged: &mut Merged<'_>) -> Names {
    let mut names = Names::default();
    let mut members: Vec<Slot> = Vec::new();
    for slot in 1..merged.nodes.len() {
        let node = &merged.nodes[slot];
        let is_unread = node.remote.is_none()
            && !node.is_folder()
            && node.local.is_some_and(|entry| entry.content.is_none());
        if node.fate != Fate::Keep || is_settled(merged, slot) {
            continue;
        }
        names.ensure(merged, node.parent);
        if node.local.is_some() && !node.forget && !is_unread {
            members.push(slot);
        }
    }
    members.sort_by(|one, other| rank(merged, *one).cmp(&rank(merged, *other)));
    let mut losers = Vec::new();
    for slot in members {
        let key = (merged.nodes[slot].parent, merged.nodes[slot].name.key());
        if is_taken(merged, &names, slot, &key.1) || !names.given.insert(key) {
            losers.push(slot);
        }
    }
    for slot in losers {
        merged.nodes[slot].name = names.free_copy_name(merged, slot, merged.nodes[slot].parent);
        merged.nodes[slot].is_copy = true;
    }
    names
}

/// Whether both sides have the node where it should be.
pub(super) fn is_settled(merged: &Merged<'_>, slot: Slot) -> bool {
    let node = &merged.nodes[slot];
    node.remote.is_some()
        && node.local.is_some()
        && !merged.is_misplaced_there(slot)
        && !merged.is_misplaced_here(slot)
}

fn rank<'m>(merged: &'m Merged<'_>, slot: Slot) -> (bool, bool, &'m Name, Slot) {
    let node = &merged.nodes[slot];
    let has_it = node.remote.is_some() && !merged.is_misplaced_there(slot);
    (!has_it, node.remote.is_none(), &node.name, slot)
}

/// Whether somebody else has the name on the server and keeps it.
fn is_taken(merged: &Merged<'_>, names: &Names, slot: Slot, key: &str) -> bool {
    let node = &merged.nodes[slot];
    if node.remote.is_some() && !merged.is_misplaced_there(slot) {
        return false;
    }
    let folder = merged.nodes[node.parent].remote.map(|folder| folder.id);
    if folder.is_some_and(|folder| merged.remote.is_hidden(folder, key)) {
        return true;
    }
    let own = node.remote.map(|node| node.id);
    let Some(other) = names.remote_other(node.parent, key, own) else {
        return false;
    };
    // What has no slot is a file that all agree on: it stays. Of what waits nobody knows yet: then this waits as well.
    merged.by_node.get(&other).is_none_or(|slot| {
        let other = &merged.nodes[*slot];
        other.fate == Fate::Keep && other.parent == node.parent && other.name.key() == key
    })
}
