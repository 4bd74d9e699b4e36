//! A simulated disk: what a file system makes of calls, and what of that a power cut leaves.
//!
//! Owns inodes, names, times and numbers. Called by the engine's file system (`fs`) and by people (`person`).
//!
//! Invariants: each call is one step. What is in memory and what is durable are kept apart: changes of folders are a log of
//! which a power cut keeps some beginning, the data of each file by itself is durable only after an fsync.

mod cut;
mod numbers;
mod person;

use std::collections::BTreeMap;

use bitvault_device::fs::{Found, RelPath};
use bitvault_device::planner::{Fingerprint, LocalKind, Name};
use bytes::Bytes;

/// An inode; never used again, unlike its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ino(u64);

pub(crate) const ROOT: Ino = Ino(0);

/// What a disk is like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nature {
    /// The number of the file system; numbers of inodes begin with it.
    pub(crate) number: u64,
    /// Names that differ in case or composition only are one name.
    pub(crate) folds: bool,
    /// It tells when an inode was made.
    pub(crate) tells_birth: bool,
    /// A number is given to the next inode as soon as it is free.
    pub(crate) reuses_numbers: bool,
    /// The clock of its times moves on in steps of so many nanoseconds.
    pub(crate) tick: i64,
}

/// Why a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errno {
    /// There is nothing of that name.
    NoEntry,
    /// There is something of that name.
    Exists,
    /// Something on the way is no folder, or is one.
    WrongKind,
    /// The disk is full.
    NoSpace,
}

/// The content of a folder: by key, the name as it was given and the inode.
type Entries = BTreeMap<String, (String, Ino)>;

#[derive(Debug, Clone)]
struct Inode {
    number: u64,
    kind: LocalKind,
    bytes: Bytes,
    /// The data that a power cut can't take; none when nothing was ever synced.
    durable: Option<Bytes>,
    /// The engine wrote it, and nobody since.
    is_download: bool,
    born: i64,
    modified: i64,
    changed: i64,
}

/// What became of a name: the folder, the key, and the entry that is there now.
type Change = (Ino, String, Option<(String, Ino)>);

/// One step of the log: what became of these names, as one.
#[derive(Debug, Clone)]
struct Step(Vec<Change>);

/// A disk.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    nature: Nature,
    inodes: BTreeMap<Ino, Inode>,
    folders: BTreeMap<Ino, Entries>,
    durable: BTreeMap<Ino, Entries>,
    log: Vec<Step>,
    next: u64,
    /// What the machine's clock says, in nanoseconds since 1970.
    pub(crate) now: i64,
    /// Nothing more can be written.
    pub(crate) is_full: bool,
}

impl Disk {
    /// An empty disk.
    pub(crate) fn new(nature: Nature, now: i64) -> Self {
        let mut disk = Self {
            nature,
            inodes: BTreeMap::new(),
            folders: [(ROOT, Entries::new())].into(),
            durable: [(ROOT, Entries::new())].into(),
            log: Vec::new(),
            next: 0,
            now,
            is_full: false,
        };
        disk.add(LocalKind::Folder);
        disk
    }

    // --- looking

    /// The inode at a path.
    pub(crate) fn at(&self, path: &RelPath) -> Result<Ino, Errno> {
        let mut at = ROOT;
        for name in path.as_str().split('/').filter(|name| !name.is_empty()) {
            at = self.child(at, name)?;
        }
        Ok(at)
    }

    /// The folder that holds a path, and the name there.
    pub(crate) fn holder<'a>(&self, path: &'a RelPath) -> Result<(Ino, &'a str), Errno> {
        let (folder, name) = path.split().ok_or(Errno::WrongKind)?;
        let at = self.at(&folder)?;
        match self.folders.contains_key(&at) {
            true => Ok((at, name)),
            false => Err(Errno::WrongKind),
        }
    }

    /// What is called so in a folder.
    pub(crate) fn child(&self, folder: Ino, name: &str) -> Result<Ino, Errno> {
        let entries = self.folders.get(&folder).ok_or(Errno::WrongKind)?;
        let found = entries.get(&self.key(name)).ok_or(Errno::NoEntry)?;
        Ok(found.1)
    }

    /// What a folder holds, by name.
    pub(crate) fn entries(&self, folder: Ino) -> Result<Vec<(String, Ino)>, Errno> {
        let entries = self.folders.get(&folder).ok_or(Errno::WrongKind)?;
        let mut entries: Vec<_> = entries.values().cloned().collect();
        entries.sort();
        Ok(entries)
    }

    /// What the file system tells of an inode.
    pub(crate) fn stat(&self, ino: Ino) -> Result<Found, Errno> {
        let inode = self.inodes.get(&ino).ok_or(Errno::NoEntry)?;
        Ok(Found {
            kind: inode.kind,
            fingerprint: Fingerprint {
                device: self.nature.number,
                inode: inode.number,
                born: self.nature.tells_birth.then_some(inode.born),
                size: inode.bytes.len() as u64,
                modified: inode.modified,
                changed: inode.changed,
            },
        })
    }

    /// The content of a file.
    pub(crate) fn read(&self, ino: Ino) -> Result<Bytes, Errno> {
        let inode = self.inodes.get(&ino).ok_or(Errno::NoEntry)?;
        match inode.kind {
            LocalKind::File => Ok(inode.bytes.clone()),
            _ => Err(Errno::WrongKind),
        }
    }

    // --- changing

    /// Creates a file or folder under a name that is free.
    pub(crate) fn create(&mut self, folder: Ino, name: &str, kind: LocalKind) -> Result<Ino, Errno> {
        if self.is_full {
            return Err(Errno::NoSpace);
        }
        match self.child(folder, name) {
            Ok(_) => return Err(Errno::Exists),
            Err(Errno::NoEntry) => {}
            Err(error) => return Err(error),
        }
        let ino = self.add(kind);
        self.link(vec![(folder, name.to_owned(), Some(ino))]);
        Ok(ino)
    }

    /// Appends to a file.
    pub(crate) fn append(&mut self, ino: Ino, bytes: &[u8]) -> Result<(), Errno> {
        if self.is_full {
            return Err(Errno::NoSpace);
        }
        let now = self.tick();
        let inode = self.inodes.get_mut(&ino).ok_or(Errno::NoEntry)?;
        let mut all = inode.bytes.to_vec();
        all.extend_from_slice(bytes);
        inode.bytes = all.into();
        inode.is_download = false;
        (inode.modified, inode.changed) = (now, now);
        Ok(())
    }

    /// Makes a file empty.
    pub(crate) fn truncate(&mut self, ino: Ino) {
        let now = self.tick();
        if let Some(inode) = self.inodes.get_mut(&ino) {
            inode.bytes = Bytes::new();
            inode.is_download = false;
            (inode.modified, inode.changed) = (now, now);
        }
    }

    /// The engine wrote this file.
    pub(crate) fn is_download(&mut self, ino: Ino) {
        if let Some(inode) = self.inodes.get_mut(&ino) {
            inode.is_download = true;
        }
    }

    /// Sets the modification time, which moves the change time.
    pub(crate) fn set_modified(&mut self, ino: Ino, modified: i64) {
        let now = self.tick();
        if let Some(inode) = self.inodes.get_mut(&ino) {
            (inode.modified, inode.changed) = (modified, now);
        }
    }

    /// Renames where nothing may be overwritten.
    pub(crate) fn rename_free(&mut self, from: (Ino, &str), to: (Ino, &str)) -> Result<(), Errno> {
        let ino = self.child(from.0, from.1)?;
        match self.child(to.0, to.1) {
            // Its own name, spelled otherwise.
            Ok(there) if there == ino && (from.1 != to.1 || from.0 != to.0) => {}
            Ok(_) => return Err(Errno::Exists),
            Err(Errno::NoEntry) => {}
            Err(error) => return Err(error),
        }
        self.rename(from, to, ino)
    }

    /// Lets two names change places.
    pub(crate) fn exchange(&mut self, one: (Ino, &str), other: (Ino, &str)) -> Result<(), Errno> {
        let first = self.child(one.0, one.1)?;
        let second = self.child(other.0, other.1)?;
        let names = vec![
            (one.0, one.1.to_owned(), Some(second)),
            (other.0, other.1.to_owned(), Some(first)),
        ];
        self.link(names);
        self.touch(first);
        self.touch(second);
        Ok(())
    }

    /// Removes a name; of a folder, with all below it.
    pub(crate) fn unlink(&mut self, folder: Ino, name: &str) -> Result<(), Errno> {
        self.child(folder, name)?;
        self.link(vec![(folder, name.to_owned(), None)]);
        Ok(())
    }

    /// Renames over whatever is there.
    pub(crate) fn rename(&mut self, from: (Ino, &str), to: (Ino, &str), ino: Ino) -> Result<(), Errno> {
        if self.is_below(to.0, ino) {
            return Err(Errno::WrongKind);
        }
        self.link(vec![
            (from.0, from.1.to_owned(), None),
            (to.0, to.1.to_owned(), Some(ino)),
        ]);
        self.touch(ino);
        Ok(())
    }

    fn is_below(&self, at: Ino, top: Ino) -> bool {
        let entries = self.folders.get(&top).into_iter().flat_map(BTreeMap::values);
        at == top || entries.into_iter().any(|(_, child)| self.is_below(at, *child))
    }

    fn add(&mut self, kind: LocalKind) -> Ino {
        let ino = Ino(self.next);
        self.next += 1;
        let now = self.tick();
        let inode = Inode {
            number: self.free_number(ino),
            kind,
            bytes: Bytes::new(),
            durable: None,
            is_download: false,
            born: now,
            modified: now,
            changed: now,
        };
        self.inodes.insert(ino, inode);
        if kind == LocalKind::Folder {
            self.folders.entry(ino).or_default();
        }
        ino
    }

    /// Changes these names as one step.
    fn link(&mut self, names: Vec<(Ino, String, Option<Ino>)>) {
        let now = self.tick();
        let mut step = Vec::with_capacity(names.len());
        for (folder, name, ino) in names {
            let key = self.key(&name);
            let entry = ino.map(|ino| (name, ino));
            put(&mut self.folders, folder, &key, entry.as_ref());
            step.push((folder, key, entry));
            if let Some(inode) = self.inodes.get_mut(&folder) {
                (inode.modified, inode.changed) = (now, now);
            }
        }
        self.log.push(Step(step));
    }

    fn touch(&mut self, ino: Ino) {
        let now = self.tick();
        if let Some(inode) = self.inodes.get_mut(&ino) {
            inode.changed = now;
        }
    }

    fn tick(&self) -> i64 {
        self.now.div_euclid(self.nature.tick) * self.nature.tick
    }

    fn key(&self, name: &str) -> String {
        match self.nature.folds {
            true => Name::from(name).key(),
            false => name.to_owned(),
        }
    }
}

fn put(folders: &mut BTreeMap<Ino, Entries>, folder: Ino, key: &str, entry: Option<&(String, Ino)>) {
    let entries = folders.entry(folder).or_default();
    match entry {
        Some(entry) => drop(entries.insert(key.to_owned(), entry.clone())),
        None => drop(entries.remove(key)),
    }
}
