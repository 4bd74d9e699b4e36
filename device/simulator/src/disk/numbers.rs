//! Numbers of inodes, which some file systems use again at once.

use std::collections::BTreeSet;

use super::{Disk, Ino, ROOT};

impl Disk {
    /// The same content on another disk, as a copy makes it: nothing has the number that it had.
    #[must_use]
    pub(crate) fn copied(&self, number: u64) -> Self {
        let mut copy = self.clone();
        copy.nature.number = number;
        for (ino, inode) in &mut copy.inodes {
            inode.number = number * 1000 + ino.0;
            inode.changed += 1;
        }
        copy.sync_all();
        copy
    }

    /// The number that a new inode gets.
    pub(super) fn free_number(&self, ino: Ino) -> u64 {
        let first = self.nature.number * 1000;
        if !self.nature.reuses_numbers {
            return first + ino.0;
        }
        let mut live = vec![ROOT];
        let mut at = 0;
        while let Some(folder) = live.get(at).copied() {
            live.extend(
                self.folders
                    .get(&folder)
                    .into_iter()
                    .flat_map(|entries| entries.values().map(|entry| entry.1)),
            );
            at += 1;
        }
        let used: BTreeSet<u64> = live
            .iter()
            .filter_map(|ino| Some(self.inodes.get(ino)?.number))
            .collect();
        (first..).find(|number| !used.contains(number)).unwrap_or(first)
    }
}
