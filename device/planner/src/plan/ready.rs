//! What can be done now, what waits for what, and who steps aside when all wait for each other.
//!
//! A node waits on a side for the folder that it goes to, for whoever still has the name there, and for what it would be
//! moved into while that still lies inside of it. Without names in the way some order always exists: folders first, from
//! the root of the merged tree down. So each cycle of waiting goes through a taken name, and its holder steps aside.

use std::collections::{BTreeMap, BTreeSet};

use crate::operation::Side;
use crate::plan::merged::{Fate, Merged, ROOT, Slot};
use crate::plan::removals::{self, Removals};
use crate::plan::twins::Names;
use crate::trees::RemoteNode;

/// What a node lacks on a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// Nothing, or nothing that may be done.
    Nothing,
    /// To be there, or in another place.
    Place,
    /// To be removed.
    Removal,
}

/// Something that a node waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocker {
    /// The slot has to come, go or move first.
    Order(Slot),
    /// The slot has the name that is wanted.
    Name(Slot),
    /// An entry that is never synced has the name.
    Unsynced,
    /// Something that this plan doesn't move.
    Other,
}

/// The merged tree with all that is needed to see what stands in a node's way.
#[derive(Debug)]
pub(super) struct Ready<'m, 'a> {
    pub(super) merged: &'m Merged<'a>,
    pub(super) names: &'m Names,
    pub(super) removals: &'m Removals,
}

impl Ready<'_, '_> {
    /// What the node lacks on the side.
    pub(super) fn want(&self, side: Side, slot: Slot) -> Want {
        let merged = self.merged;
        let node = &merged.nodes[slot];
        if slot == ROOT || node.forget || node.stuck || node.fate == Fate::Absorbed {
            return Want::Nothing;
        }
        if removals::is_to_go(merged, side, slot) {
            return Want::Removal;
        }
        if node.fate != Fate::Keep {
            return Want::Nothing;
        }
        let is_wanted = match (side, node.remote, node.local) {
            (Side::Remote, Some(_), _) => merged.is_misplaced_there(slot),
            // Created under its last name only: it must have that on the device before.
            (Side::Remote, None, Some(entry)) => {
                !merged.is_misplaced_here(slot) && (node.is_folder() || entry.content.is_some())
            }
            (Side::Local, Some(_), Some(_)) => !node.excluded && merged.is_misplaced_here(slot),
            (Side::Local, None, Some(_)) => merged.is_misplaced_here(slot),
            (Side::Local, Some(_), None) => !node.excluded,
            (_, None, None) => false,
        };
        if is_wanted { Want::Place } else { Want::Nothing }
    }

    /// What the node waits for on the side; nothing when it can have what it wants now.
    pub(super) fn blockers(&self, side: Side, slot: Slot) -> Vec<Blocker> {
        match self.want(side, slot) {
            Want::Nothing => Vec::new(),
            Want::Place => self.blockers_of_place(side, slot),
            Want::Removal if self.removals.goes(side, slot) => Vec::new(),
            Want::Removal => removals::children(self.merged, side, slot)
                .into_iter()
                .flatten()
                .filter(|child| !self.removals.goes(side, *child))
                .map(|child| {
                    if child == ROOT {
                        Blocker::Other
                    } else {
                        Blocker::Order(child)
                    }
                })
                .chain([Blocker::Other])
                .collect(),
        }
    }

    fn blockers_of_place(&self, side: Side, slot: Slot) -> Vec<Blocker> {
        let merged = self.merged;
        let folder = merged.nodes[slot].parent;
        if !merged.has(side, folder) {
            return vec![Blocker::Order(folder)];
        }
        let mut blockers = Vec::new();
        if merged.has(side, slot) {
            blockers.extend(self.inside_itself(side, slot, folder));
        }
        blockers.extend(self.holder(side, slot, folder));
        blockers
    }

    /// The first folder on the way up from the target that has to move, when the target still lies inside of the node.
    fn inside_itself(&self, side: Side, slot: Slot, folder: Slot) -> Option<Blocker> {
        let mut first = None;
        let mut at = folder;
        while at != slot {
            if first.is_none() && self.want(side, at) != Want::Nothing {
                first = Some(at);
            }
            if at == ROOT {
                return None;
            }
            at = self.merged.held_by(side, at)?;
        }
        Some(first.map_or(Blocker::Other, Blocker::Order))
    }

    /// Who has the name that the node should get.
    fn holder(&self, side: Side, slot: Slot, folder: Slot) -> Option<Blocker> {
        let merged = self.merged;
        let node = &merged.nodes[slot];
        let holder = match side {
            Side::Remote => {
                let own = node.remote.map(|node| node.id);
                let other = self.names.remote_other(folder, &node.name.key(), own)?;
                merged.by_node.get(&other)
            }
            Side::Local => {
                let own = node.local.map(|entry| entry.id);
                let key = merged.policy.names.to_local(&node.name).key();
                let other = self.names.local_other(folder, &key, own)?;
                if merged.unsynced.contains(&other) {
                    return Some(Blocker::Unsynced);
                }
                merged.by_local.get(&other)
            }
        };
        Some(holder.map_or(Blocker::Other, |holder| Blocker::Name(*holder)))
    }

    /// Who has to step aside on the side, so that of each cycle of waiting one can go on.
    pub(super) fn stepping_aside(&self, side: Side) -> BTreeSet<Slot> {
        let mut aside = BTreeSet::new();
        let mut done = vec![false; self.merged.nodes.len()];
        for start in 1..self.merged.nodes.len() {
            if !done[start] {
                self.walk(side, start, &mut done, &mut aside);
            }
        }
        aside
    }

    /// Walks from what waits to what it waits for, depth first, without recursion: a chain of renames may be long.
    fn walk(&self, side: Side, start: Slot, done: &mut [bool], aside: &mut BTreeSet<Slot>) {
        let mut path: Vec<(Slot, Vec<Blocker>, usize)> = vec![(start, self.blockers(side, start), 0)];
        let mut on_path = BTreeMap::from([(start, 0)]);
        while let Some((slot, blockers, next)) = path.last_mut() {
            let Some(blocker) = blockers.get(*next).copied() else {
                done[*slot] = true;
                on_path.remove(slot);
                path.pop();
                continue;
            };
            *next += 1;
            let (Blocker::Order(to) | Blocker::Name(to)) = blocker else {
                continue;
            };
            if let Some(from) = on_path.get(&to).copied() {
                // Each step of the path waits for the next one, and the last one for the first.
                let waits = || {
                    path[from..]
                        .iter()
                        .filter_map(|(_, blockers, next)| blockers.get(next - 1))
                };
                let holders = || {
                    waits().filter_map(|blocker| match blocker {
                        Blocker::Name(holder) => Some(*holder),
                        _ => None,
                    })
                };
                let movable = holders().find(|holder| self.may_step_aside(side, *holder));
                aside.extend(movable.or_else(|| holders().next()));
            } else if !done[to] {
                on_path.insert(to, path.len());
                path.push((to, self.blockers(side, to), 0));
            }
        }
    }

    /// Whether anything in the folder has a name of this key on the side. The folder must be one in which something is to
    /// change.
    pub(super) fn is_held(&self, side: Side, folder: Slot, key: &str) -> bool {
        match side {
            Side::Remote => {
                let hides = |folder: &RemoteNode| self.merged.remote.is_hidden(folder.id, key);
                self.names.remote_other(folder, key, None).is_some()
                    || self.merged.nodes[folder].remote.is_some_and(hides)
            }
            Side::Local => self.names.local_other(folder, key, None).is_some(),
        }
    }

    /// Whether the holder of a name may be renamed.
    pub(super) fn may_step_aside(&self, side: Side, slot: Slot) -> bool {
        let node = &self.merged.nodes[slot];
        match side {
            Side::Remote => node.remote.is_some_and(|node| node.writable),
            Side::Local => node.local.is_some(),
        }
    }
}
