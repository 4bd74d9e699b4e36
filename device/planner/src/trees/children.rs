//! Which folder holds what, for a tree whose nodes name their folders.

use std::collections::{BTreeMap, BTreeSet};

/// The ids that each folder holds.
///
/// Invariants: a folder that holds nothing is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Children<Id> {
    held: BTreeMap<Id, BTreeSet<Id>>,
}

impl<Id> Default for Children<Id> {
    fn default() -> Self {
        Self {
            held: BTreeMap::new(),
        }
    }
}

impl<Id: Copy + Ord> Children<Id> {
    pub(super) fn insert(&mut self, holder: Id, child: Id) {
        self.held.entry(holder).or_default().insert(child);
    }

    pub(super) fn remove(&mut self, holder: Id, child: Id) {
        if let Some(held) = self.held.get_mut(&holder) {
            held.remove(&child);
            if held.is_empty() {
                self.held.remove(&holder);
            }
        }
    }

    /// What the folder holds, in the order of ids.
    pub(super) fn of(&self, holder: Id) -> impl Iterator<Item = Id> {
        self.held.get(&holder).into_iter().flatten().copied()
    }

    /// All folders that hold something, in the order of ids.
    pub(super) fn holders(&self) -> impl Iterator<Item = Id> {
        self.held.keys().copied()
    }
}
