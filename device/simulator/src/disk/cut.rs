//! What is durable, and what a power cut leaves.

use std::collections::BTreeSet;

use bitvault_device::fs::RelPath;
use bitvault_device::planner::LocalKind;
use bytes::Bytes;

use super::{Disk, Ino, ROOT, Step, put};
use crate::hub::Hub;

impl Disk {
    /// Makes durable the data of a file, or the names in a folder with all that was done before the last of them.
    pub(crate) fn fsync(&mut self, ino: Ino) {
        if let Some(inode) = self.inodes.get_mut(&ino) {
            inode.durable = Some(inode.bytes.clone());
        }
        if !self.folders.contains_key(&ino) {
            return;
        }
        let touches = |step: &Step| step.0.iter().any(|(folder, _, _)| *folder == ino);
        if let Some(last) = self.log.iter().rposition(touches) {
            self.keep(last + 1);
        }
    }

    /// Makes everything durable.
    pub(crate) fn sync_all(&mut self) {
        self.keep(self.log.len());
        for inode in self.inodes.values_mut() {
            inode.durable = Some(inode.bytes.clone());
        }
    }

    /// The power fails: of what is not durable some is left and some is not. Tells which files are torn that people see
    /// and nobody but the engine wrote.
    pub(crate) fn cut(&mut self, hub: &Hub) -> Vec<RelPath> {
        let kept = hub.below(self.log.len() + 1);
        self.keep(kept);
        self.log.clear();
        self.folders = self.durable.clone();
        let live = self.reachable();
        self.inodes.retain(|ino, _| live.contains(ino));
        self.folders.retain(|ino, _| live.contains(ino));
        let mut torn = BTreeSet::new();
        for (ino, inode) in &mut self.inodes {
            if inode.kind == LocalKind::Folder {
                self.folders.entry(*ino).or_default();
            }
            if inode.durable.as_ref() != Some(&inode.bytes) {
                let left = left(&inode.bytes, inode.durable.as_ref(), hub);
                if inode.is_download && left != inode.bytes {
                    torn.insert(*ino);
                }
                inode.bytes = left;
            }
            inode.durable = Some(inode.bytes.clone());
        }
        self.durable = self.folders.clone();
        let seen = self.seen().into_iter();
        seen.filter(|(_, ino, _)| torn.contains(ino))
            .map(|(path, _, _)| path)
            .collect()
    }

    /// All files below the root by path.
    pub(crate) fn files(&self) -> Vec<(RelPath, Ino, Bytes)> {
        let mut files = Vec::new();
        let mut open = vec![(RelPath::root(), ROOT)];
        while let Some((path, folder)) = open.pop() {
            for (name, ino) in self.entries(folder).unwrap_or_default() {
                let path = path.join(&name);
                match self.read(ino) {
                    Ok(bytes) => files.push((path, ino, bytes)),
                    Err(_) => open.push((path, ino)),
                }
            }
        }
        files.sort();
        files
    }

    fn keep(&mut self, steps: usize) {
        for step in self.log.drain(..steps) {
            for (folder, key, entry) in step.0 {
                put(&mut self.durable, folder, &key, entry.as_ref());
            }
        }
    }

    fn reachable(&self) -> BTreeSet<Ino> {
        let mut live = BTreeSet::new();
        let mut open = vec![ROOT];
        while let Some(ino) = open.pop() {
            if live.insert(ino) {
                let entries = self.folders.get(&ino).into_iter();
                open.extend(entries.flat_map(|entries| entries.values().map(|entry| entry.1)));
            }
        }
        live
    }
}

/// What real file systems leave of data that was not synced: all, nothing, a beginning, zeros, or what was there before.
fn left(bytes: &Bytes, durable: Option<&Bytes>, hub: &Hub) -> Bytes {
    match hub.below(5) {
        0 => bytes.clone(),
        1 => Bytes::new(),
        2 => bytes.slice(..hub.below(bytes.len() + 1)),
        3 => vec![0; bytes.len()].into(),
        _ => durable.cloned().unwrap_or_default(),
    }
}
