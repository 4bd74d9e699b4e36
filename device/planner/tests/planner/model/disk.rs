//! A disk: a tree of entries with inodes that are used again.

use std::collections::BTreeMap;

use bitvault_planner::{Fingerprint, LocalKind, Name};
use unicode_normalization::UnicodeNormalization as _;

use crate::model::{Payload, Refused, size};

/// An entry of the disk. The model's own; nothing outside of it can see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EntryId(u64);

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) parent: Option<EntryId>,
    pub(crate) name: Name,
    pub(crate) kind: LocalKind,
    pub(crate) content: Option<Payload>,
    pub(crate) ignored: bool,
    inode: u64,
    born: i64,
    modified: i64,
    changed: i64,
}

impl Entry {
    /// Whether it is of a kind that is never synced, or an ignore rule names it.
    pub(crate) fn is_unsynced(&self) -> bool {
        self.ignored || self.kind == LocalKind::Other
    }
}

/// What file systems differ in.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Habits {
    pub(crate) folds_case: bool,
    pub(crate) decomposes: bool,
    pub(crate) tells_birth: bool,
}

#[derive(Debug)]
pub(crate) struct Disk {
    entries: BTreeMap<EntryId, Entry>,
    habits: Habits,
    free_inodes: Vec<u64>,
    next: u64,
    clock: i64,
}

impl Disk {
    pub(crate) const ROOT: EntryId = EntryId(0);

    pub(crate) fn new(habits: Habits) -> Self {
        let mut disk = Self {
            entries: BTreeMap::new(),
            habits,
            free_inodes: Vec::new(),
            next: 1,
            clock: 0,
        };
        let root = disk.fresh(None, Name::from(""), LocalKind::Folder, None);
        disk.entries.insert(Self::ROOT, root);
        disk
    }

    pub(crate) fn get(&self, id: EntryId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    /// All entries but the root.
    pub(crate) fn all(&self) -> Vec<EntryId> {
        self.entries
            .keys()
            .copied()
            .filter(|id| *id != Self::ROOT)
            .collect()
    }

    pub(crate) fn folders(&self) -> Vec<EntryId> {
        let folders = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.kind == LocalKind::Folder);
        folders.map(|(id, _)| *id).collect()
    }

    pub(crate) fn children(&self, folder: EntryId) -> Vec<EntryId> {
        let held = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.parent == Some(folder));
        held.map(|(id, _)| *id).collect()
    }

    pub(crate) fn below(&self, id: EntryId) -> Vec<EntryId> {
        let mut found = vec![id];
        let mut next = 0;
        while let Some(folder) = found.get(next).copied() {
            found.extend(self.children(folder));
            next += 1;
        }
        found
    }

    pub(crate) fn payloads(&self, id: EntryId) -> Vec<Payload> {
        let below = self.below(id).into_iter();
        below.filter_map(|id| self.entries[&id].content).collect()
    }

    pub(crate) fn fingerprint(&self, id: EntryId) -> Option<Fingerprint> {
        let entry = self.entries.get(&id)?;
        Some(Fingerprint {
            device: 7,
            inode: entry.inode,
            born: self.habits.tells_birth.then_some(entry.born),
            size: entry.content.map_or(0, size),
            modified: entry.modified,
            changed: entry.changed,
        })
    }

    /// The entry of that name, as the file system looks names up.
    pub(crate) fn find(&self, folder: EntryId, name: &Name) -> Option<EntryId> {
        self.children(folder).into_iter().find(|id| {
            let held = &self.entries[id].name;
            match (self.habits.folds_case, self.habits.decomposes) {
                (true, _) => held.key() == name.key(),
                (_, true) => held.is_same(name),
                _ => held == name,
            }
        })
    }

    pub(crate) fn create(
        &mut self,
        folder: EntryId,
        name: &Name,
        content: Option<Payload>,
    ) -> Result<EntryId, Refused> {
        let kind = match content {
            Some(_) => LocalKind::File,
            None => LocalKind::Folder,
        };
        self.create_as(folder, name, kind, content)
    }

    pub(crate) fn create_as(
        &mut self,
        folder: EntryId,
        name: &Name,
        kind: LocalKind,
        content: Option<Payload>,
    ) -> Result<EntryId, Refused> {
        let is_folder = self
            .get(folder)
            .is_some_and(|folder| folder.kind == LocalKind::Folder);
        if !is_folder || self.find(folder, name).is_some() {
            return Err(Refused);
        }
        let id = EntryId(self.next);
        self.next += 1;
        let entry = self.fresh(Some(folder), name.clone(), kind, content);
        self.entries.insert(id, entry);
        Ok(id)
    }

    /// Overwrites a file where it lies.
    pub(crate) fn write(&mut self, id: EntryId, payload: Payload, keeps_modified: bool) {
        let clock = self.tick();
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.content = Some(payload);
            entry.changed = clock;
            if !keeps_modified {
                entry.modified = clock;
            }
        }
    }

    /// Puts a new file in the place of one, as editors and downloads do: another inode under the same name.
    pub(crate) fn replace(&mut self, id: EntryId, payload: Payload) {
        let Some(old) = self.entries.get(&id).cloned() else {
            return;
        };
        let new = self.fresh(old.parent, old.name, old.kind, Some(payload));
        self.free_inodes.push(old.inode);
        self.entries.insert(
            id,
            Entry {
                ignored: old.ignored,
                ..new
            },
        );
    }

    /// Renames, never over something else.
    pub(crate) fn rename(&mut self, id: EntryId, folder: EntryId, name: &Name) -> Result<(), Refused> {
        let is_folder = self
            .get(folder)
            .is_some_and(|folder| folder.kind == LocalKind::Folder);
        let is_taken = self.find(folder, name).is_some_and(|other| other != id);
        if !is_folder || is_taken || self.below(id).contains(&folder) || id == Self::ROOT {
            return Err(Refused);
        }
        let name = self.held(name.clone());
        let clock = self.tick();
        let entry = self.entries.get_mut(&id).ok_or(Refused)?;
        entry.parent = Some(folder);
        entry.name = name;
        entry.changed = clock;
        Ok(())
    }

    /// Removes an entry and all below it; gives the contents that are lost with it.
    pub(crate) fn remove(&mut self, id: EntryId) -> Vec<Payload> {
        let payloads = self.payloads(id);
        for id in self.below(id) {
            if let Some(gone) = self.entries.remove(&id) {
                self.free_inodes.push(gone.inode);
            }
        }
        payloads
    }

    pub(crate) fn ignore(&mut self, id: EntryId) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.ignored = true;
        }
    }

    fn fresh(
        &mut self,
        parent: Option<EntryId>,
        name: Name,
        kind: LocalKind,
        content: Option<Payload>,
    ) -> Entry {
        let clock = self.tick();
        let inode = self.free_inodes.pop().unwrap_or(clock as u64 + 1000);
        Entry {
            parent,
            name: self.held(name),
            kind,
            content,
            ignored: false,
            inode,
            born: clock,
            modified: clock,
            changed: clock,
        }
    }

    fn held(&self, name: Name) -> Name {
        match self.habits.decomposes {
            true => Name::from(name.as_str().nfd().collect::<String>()),
            false => name,
        }
    }

    fn tick(&mut self) -> i64 {
        self.clock += 1;
        self.clock
    }
}
