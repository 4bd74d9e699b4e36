//! A device: it pulls the journal, scans its disk, plans, and carries operations out as the engine does.

use std::collections::{BTreeMap, BTreeSet};

use bitvault_planner::{
    Date, DownloadTo, Fingerprint, Guard, LocalId, LocalKind, LocalNode, LocalTree, Name, NameRules,
    Operation, Place, Plan, Policy, RemoteKind, RemoteTree, RemoveWhy, Scan, ScanEntry, ScanParent,
    SyncedTree, Trees, UploadTo, Why, plan,
};

use crate::model::disk::{Entry, Habits};
use crate::model::server::Event;
use crate::model::{Disk, EntryId, Mistake, Payload, Refused, Server, sha256};

/// What befalls an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// It is carried out.
    None,
    /// It is not begun.
    Skipped,
    /// It is carried out, but the device dies before it knows.
    Lost,
}

#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) disk: Disk,
    pub(crate) trees: Trees,
    pub(crate) policy: Policy,
    pub(crate) trash: Vec<Payload>,
    /// Where the server was asked to have entries, and gave no answer.
    asked: BTreeMap<LocalId, Place>,
    cursor: usize,
    /// Who died looks at its disk first.
    pub(crate) has_died: bool,
    mistake: Option<Mistake>,
}

impl Device {
    /// The first device is like Linux, the second like Windows, the third like a Mac's old file system.
    pub(crate) fn new(number: usize, server: &Server, mistake: Option<Mistake>) -> Self {
        let habits = [
            Habits {
                tells_birth: true,
                ..Habits::default()
            },
            Habits {
                folds_case: true,
                ..Habits::default()
            },
            Habits {
                decomposes: true,
                folds_case: true,
                ..Habits::default()
            },
        ][number % 3];
        let policy = Policy {
            device: ["linux", "windows", "mac"][number % 3].to_owned(),
            today: Date {
                year: 2026,
                month: 3,
                day: 9,
            },
            names: if number % 3 == 1 {
                NameRules::windows()
            } else {
                NameRules::posix()
            },
            excluded: BTreeSet::new(),
            guard: Guard {
                few: usize::MAX,
                ..Guard::default()
            },
        };
        let disk = Disk::new(habits);
        Self {
            trees: fresh_trees(&disk, server),
            disk,
            policy,
            trash: Vec::new(),
            asked: BTreeMap::new(),
            cursor: 0,
            has_died: false,
            mistake,
        }
    }

    /// Loses the state database.
    pub(crate) fn lose_state(&mut self, server: &Server) {
        self.trees = fresh_trees(&self.disk, server);
        self.asked.clear();
        self.cursor = 0;
    }

    /// Takes in so many entries of the journal.
    pub(crate) fn pull(&mut self, server: &Server, events: usize) {
        let end = server.journal.len().min(self.cursor.saturating_add(events));
        for event in &server.journal[self.cursor..end] {
            match event.clone() {
                Event::Seen(node) => self.trees.remote.insert(node),
                Event::Gone(..) if self.makes(Mistake::MissesTombstone) => {}
                Event::Gone(node, tombstone) => drop(self.trees.bury(node, tombstone)),
            }
        }
        self.cursor = end;
        self.trees.arrived(&self.asked, &self.policy.names);
        if end == server.journal.len() {
            self.asked.clear();
        }
    }

    /// Looks at its disk, and again while that shows folders that should have been looked into.
    pub(crate) fn scan(&mut self) {
        while self.scan_once() {}
        self.has_died = false;
    }

    fn scan_once(&mut self) -> bool {
        let root = self.trees.local.root();
        let mut scan = Scan {
            listed: vec![root],
            entries: Vec::new(),
        };
        let mut folders = vec![(Disk::ROOT, ScanParent::Listed(root), Some(root))];
        while let Some((folder, parent, known)) = folders.pop() {
            for id in self.disk.children(folder) {
                let (Some(entry), Some(fingerprint)) = (self.disk.get(id), self.fingerprint(id)) else {
                    continue;
                };
                let known = self.known(known, &entry.name);
                let is_synced = known.is_some_and(|known| self.trees.synced.of_local(known).is_some());
                let listed = entry.kind == LocalKind::Folder && (!entry.ignored || is_synced);
                if listed {
                    folders.push((id, ScanParent::Entry(scan.entries.len()), known));
                }
                scan.entries.push(ScanEntry {
                    parent,
                    name: entry.name.clone(),
                    kind: entry.kind,
                    fingerprint,
                    content: None,
                    ignored: entry.ignored,
                    listed,
                });
            }
        }
        let observed = scan.observe(&mut self.trees.local, &self.trees.synced);
        self.trees.seen(true);
        !observed.unlisted.is_empty()
    }

    pub(crate) fn plan(&self) -> Plan {
        let Some(mistake) = self.mistake else {
            return plan_of(&self.trees, &self.policy);
        };
        let mut trees = self.trees.clone();
        mistake.distort(&mut trees);
        let mut plan = plan_of(&trees, &self.policy);
        for operation in &mut plan.operations {
            mistake.twist(operation, &self.trees);
        }
        plan
    }

    /// Carries one operation out, if what it asks for holds.
    pub(crate) fn carry_out(
        &mut self,
        operation: &Operation,
        server: &mut Server,
        mishap: Mishap,
    ) -> Result<(), Refused> {
        let is_known = match mishap {
            Mishap::Skipped => return Ok(()),
            Mishap::None => true,
            Mishap::Lost => {
                self.has_died = true;
                false
            }
        };
        if !is_known {
            self.asked.extend(self.trees.asked_by(operation));
        }
        match operation.clone() {
            Operation::Adopt { node, local } => self.trees.adopt(node, local),
            Operation::Forget { node } => self.trees.forget(node),
            Operation::Hash { local, expected } => {
                let entry = self.find(local, expected)?;
                let payload = self
                    .disk
                    .get(entry)
                    .and_then(|entry| entry.content)
                    .ok_or(Refused)?;
                self.trees.hashed(local, expected, sha256(payload));
            }
            Operation::CreateRemoteFolder { local, parent, name } => {
                let node = server.create(parent, &name, None)?;
                if is_known {
                    self.trees.created_remote(local, node);
                }
            }
            Operation::Upload {
                local,
                expected,
                sha256: hash,
                to,
            } => {
                let entry = self.find(local, expected)?;
                let payload = self
                    .disk
                    .get(entry)
                    .and_then(|entry| entry.content)
                    .ok_or(Refused)?;
                assert_eq!(sha256(payload), hash, "a file's hash is not that of its content");
                self.trees.sending(local, hash);
                let node = match to {
                    UploadTo::New { parent, name } => server.create(parent, &name, Some(payload))?,
                    UploadTo::Version { node, .. } if self.makes(Mistake::UploadsOverAnything) => {
                        let current = server.get(node).and_then(|node| node.kind.content());
                        server.upload(node, current.ok_or(Refused)?.version, payload)?
                    }
                    UploadTo::Version { node, base } => server.upload(node, base, payload)?,
                };
                if is_known {
                    self.trees.created_remote(local, node);
                }
            }
            Operation::MoveRemote {
                node,
                revision,
                parent,
                name,
                agreed,
                ..
            } => {
                let node = server.rename(node, revision, parent, &name)?;
                if is_known {
                    self.trees.moved_remote(node, agreed);
                }
            }
            Operation::DeleteRemote { node, mut covers, .. } => {
                if self.makes(Mistake::DeletesUnseen) {
                    let below = server.below(node).into_iter();
                    covers = below
                        .filter_map(|id| Some((id, server.get(id)?.revision)))
                        .collect();
                }
                server.trash(node, &covers)?;
            }
            Operation::CreateLocalFolder {
                node,
                at,
                parent,
                name,
            } => {
                let folder = self.locate(parent)?;
                self.trees.fetching(node, RemoteKind::Folder);
                let entry = self.disk.create(folder, &name, None)?;
                if is_known {
                    let (name, fingerprint) = self.told(entry);
                    self.trees.created_local(node, at, parent, name, fingerprint);
                }
            }
            Operation::Download { node, content, to } => {
                let payload = server
                    .payload(node)
                    .filter(|payload| sha256(*payload) == content.sha256)
                    .ok_or(Refused)?;
                self.trees.fetching(node, RemoteKind::File(content));
                match to {
                    DownloadTo::New { at, parent, name } => {
                        let folder = self.locate(parent)?;
                        let entry = self.disk.create(folder, &name, Some(payload))?;
                        if is_known {
                            let (name, fingerprint) = self.told(entry);
                            self.trees
                                .downloaded(node, content, at, parent, name, fingerprint);
                        }
                    }
                    DownloadTo::Replace { local, expected } => {
                        let entry = match self.makes(Mistake::ReplacesUnseen) {
                            true => self.locate(local)?,
                            false => self.find(local, expected)?,
                        };
                        self.disk.replace(entry, payload);
                        if is_known {
                            self.trees.replaced(node, content, local, self.told(entry).1);
                        }
                    }
                }
            }
            Operation::MoveLocal {
                local,
                expected,
                parent,
                name,
                why,
                agreed,
            } => {
                let entry = self.find(local, expected)?;
                let folder = self.locate(parent)?;
                if let (Why::Conflict, Some(synced)) = (why, self.trees.synced.of_local(local)) {
                    self.trees.forget(synced.node);
                }
                self.disk.rename(entry, folder, &name)?;
                if is_known {
                    let (name, fingerprint) = self.told(entry);
                    self.trees.moved_local(local, parent, name, fingerprint, agreed);
                }
            }
            Operation::RemoveLocal {
                local,
                covers,
                ignored,
                why,
            } => {
                let entry = self.locate(local)?;
                let mut expected = BTreeSet::new();
                for (local, fingerprint) in covers {
                    match self.find(local, fingerprint) {
                        Err(_) if self.makes(Mistake::RemovesUnseen) => {}
                        found => drop(expected.insert(found?)),
                    }
                }
                for local in ignored {
                    let entry = self.locate(local)?;
                    if self.disk.get(entry).is_some_and(Entry::is_unsynced) {
                        expected.extend(self.disk.below(entry));
                    }
                }
                if !self.makes(Mistake::RemovesUnseen)
                    && self
                        .disk
                        .below(entry)
                        .iter()
                        .any(|entry| !expected.contains(entry))
                {
                    return Err(Refused);
                }
                if why == RemoveWhy::Excluded && !self.makes(Mistake::RemovesBeforeNoting) {
                    self.trees.leaving(local);
                }
                self.trash.extend(self.disk.remove(entry));
                if is_known {
                    self.trees.removed_local(local);
                }
            }
        }
        Ok(())
    }

    /// What lies on the disk, by its path of names as the server has them: content, or `None` for a folder.
    pub(crate) fn view(&self) -> BTreeMap<Vec<Name>, Option<Payload>> {
        let mut view = BTreeMap::new();
        let mut folders = vec![(Disk::ROOT, Vec::new(), Some(self.trees.local.root()))];
        while let Some((folder, path, known)) = folders.pop() {
            for id in self.disk.children(folder) {
                let Some(entry) = self.disk.get(id) else { continue };
                let known = self.known(known, &entry.name);
                let is_synced = known.is_some_and(|known| self.trees.synced.of_local(known).is_some());
                if (entry.ignored && !is_synced) || entry.kind == LocalKind::Other {
                    continue;
                }
                let mut path: Vec<Name> = path.clone();
                path.push(self.policy.names.to_remote(&entry.name));
                view.insert(path.clone(), entry.content);
                folders.push((id, path, known));
            }
        }
        view
    }

    /// The entry of that name in the local tree.
    fn known(&self, folder: Option<LocalId>, name: &Name) -> Option<LocalId> {
        let mut held = self.trees.local.children(folder?);
        held.find(|entry| entry.name == *name).map(|entry| entry.id)
    }

    /// The entry of the disk that has the path which the local tree tells.
    fn locate(&self, local: LocalId) -> Result<EntryId, Refused> {
        let node = self.trees.local.get(local).ok_or(Refused)?;
        match node.parent {
            None => Ok(Disk::ROOT),
            Some(parent) => {
                let folder = self.locate(parent)?;
                self.disk.find(folder, &node.name).ok_or(Refused)
            }
        }
    }

    /// The same, if the file system tells of it what is expected.
    fn find(&self, local: LocalId, expected: Fingerprint) -> Result<EntryId, Refused> {
        let entry = self.locate(local)?;
        let is = self.fingerprint(entry).ok_or(Refused)?;
        let kind = self.disk.get(entry).map(|entry| entry.kind);
        if kind != self.trees.local.get(local).map(|node| node.kind) {
            return Err(Refused);
        }
        let holds = match kind {
            Some(LocalKind::Folder) => is.may_be_same_inode(&expected),
            _ => is == expected,
        };
        if holds { Ok(entry) } else { Err(Refused) }
    }

    fn makes(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    /// What the file system tells of an entry.
    fn fingerprint(&self, entry: EntryId) -> Option<Fingerprint> {
        let mut told = self.disk.fingerprint(entry)?;
        if self.makes(Mistake::IgnoresChangeTime) {
            told.changed = 0;
        }
        Some(told)
    }

    fn told(&self, entry: EntryId) -> (Name, Fingerprint) {
        let name = self.disk.get(entry).map(|entry| entry.name.clone());
        let fingerprint = self.fingerprint(entry);
        (
            name.expect("the entry was just made"),
            fingerprint.expect("the entry was just made"),
        )
    }
}

fn plan_of(
    Trees {
        remote,
        local,
        synced,
    }: &Trees,
    policy: &Policy,
) -> Plan {
    plan(remote, local, synced, policy)
}

fn fresh_trees(disk: &Disk, server: &Server) -> Trees {
    let root = server.get(Server::ROOT).expect("the root is live");
    let fingerprint = disk.fingerprint(Disk::ROOT).expect("the disk has a root");
    Trees {
        remote: RemoteTree::new(root),
        local: LocalTree::new(LocalNode {
            id: LocalId(0),
            parent: None,
            name: Name::from(""),
            kind: LocalKind::Folder,
            fingerprint,
            content: None,
            sent: None,
            ignored: false,
        }),
        synced: SyncedTree::new(),
    }
}
