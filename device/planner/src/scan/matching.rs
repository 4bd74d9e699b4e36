//! Which known entry each scanned one is.
//!
//! An entry is a known one when it has its inode and something else says so: its place, its content, or the time when the
//! inode was made; inodes are used again for other files. Failing that it is the known entry of its place, with another
//! inode: that is how editors save. A file that was moved and edited between two scans, on a file system that does not tell
//! when an inode was made, counts as another file until it was read.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::ids::LocalId;
use crate::names::Name;
use crate::scan::{Observed, Scan, ScanEntry, ScanParent};
use crate::trees::{LocalKind, LocalNode, LocalTree, SyncedNode, SyncedTree};

impl Scan {
    /// Known folders outside of this scan that should be listed in the same scan, because something found here may have
    /// moved out of them. Without them it counts as new, and what it was as unchanged, until they are listed.
    pub fn worth_listing(&self, local: &LocalTree) -> Vec<LocalId> {
        let scope = self.scope(local);
        let inside = scope.iter().filter_map(|id| local.get(*id));
        let inside = ByInode::of(inside.map(|node| (node.fingerprint.number(), ())));
        let strange: HashSet<Inode> = self
            .entries
            .iter()
            .map(|entry| entry.fingerprint.number())
            .filter(|inode| inside.get(*inode).next().is_none())
            .collect();
        if strange.is_empty() {
            return Vec::new();
        }
        let folders: BTreeSet<LocalId> = local
            .iter()
            .filter(|node| {
                strange.contains(&node.fingerprint.number()) && scope.binary_search(&node.id).is_err()
            })
            .filter_map(|node| node.parent)
            .collect();
        folders.into_iter().collect()
    }

    /// Tells which of the known entries each found one is, and brings the local tree up to date.
    ///
    /// `synced` keeps ids from being given out again, and lets an entry that was gone for a moment be known again.
    pub fn observe(&self, local: &mut LocalTree, synced: &SyncedTree) -> Observed {
        if let Some(last) = synced.locals().next_back() {
            local.reserve(last);
        }
        let scope = self.scope(local);
        let found = {
            let returning = returning(local, synced);
            let known = scope.iter().filter_map(|id| local.get(*id)).chain(&returning);
            let mut matching = Matching::new(self, local, known.collect());
            matching.by_inode(true);
            matching.by_inode(false);
            matching.by_place()
        };
        let gone = self.gone(local, synced, &scope, &found.ids);
        let mut observed = Observed::default();
        for (at, node) in found.changed {
            let has_moved = local
                .get(node.id)
                .is_none_or(|known| (known.parent, &known.name) != (node.parent, &node.name));
            let is_listed = self.entries[at].listed;
            if has_moved && node.ignored && !is_listed && synced.of_local(node.id).is_some() {
                observed.unlisted.push(node.id);
            }
            observed.changed.push(node.id);
            local.insert(node);
        }
        for id in gone {
            if local.get(id).is_some() {
                observed.gone.extend(local.below(id));
                local.remove(id);
            }
        }
        observed
    }

    /// The known entries below what was listed, in the order of ids.
    fn scope(&self, local: &LocalTree) -> Vec<LocalId> {
        let mut scope = Vec::new();
        for folder in &self.listed {
            scope.extend(local.below(*folder).into_iter().filter(|id| id != folder));
        }
        scope.sort_unstable();
        scope.dedup();
        scope
    }

    /// Known entries that were not found although what held them was listed, is gone itself, or is ignored now and not looked
    /// into any more. `found` has an id for each entry of the scan.
    fn gone(
        &self,
        local: &LocalTree,
        synced: &SyncedTree,
        scope: &[LocalId],
        found: &[LocalId],
    ) -> Vec<LocalId> {
        let is_left_out = |id: LocalId, entry: &ScanEntry| entry.ignored && synced.of_local(id).is_none();
        let mut here: Vec<LocalId> = found.iter().chain(&self.listed).copied().collect();
        here.sort_unstable();
        let mut here = here.into_iter().peekable();
        let is_missing = |id: &LocalId| {
            while here.next_if(|here| here < id).is_some() {}
            here.peek() != Some(id)
        };
        let missing: Vec<LocalId> = scope.iter().copied().filter(is_missing).collect();
        if missing.is_empty() {
            return missing;
        }
        let listed: HashMap<LocalId, bool> = found
            .iter()
            .zip(&self.entries)
            .map(|(id, entry)| (*id, entry.listed || is_left_out(*id, entry)))
            .chain(self.listed.iter().map(|folder| (*folder, true)))
            .collect();
        let is_gone = |id: &LocalId| {
            let mut holders = std::iter::successors(Some(*id), |id| local.get(*id)?.parent).skip(1);
            holders.find_map(|holder| listed.get(&holder)) == Some(&true)
        };
        missing.into_iter().filter(is_gone).collect()
    }
}

/// Number of the file system, number of the inode.
type Inode = (u64, u64);

/// Something by inodes, each inode's in the order in which it was given.
struct ByInode<T>(Vec<(Inode, T)>);

impl<T: Copy> ByInode<T> {
    fn of(all: impl Iterator<Item = (Inode, T)>) -> Self {
        let mut sorted: Vec<_> = all.collect();
        sorted.sort_by_key(|(inode, _)| *inode);
        Self(sorted)
    }

    fn get(&self, wanted: Inode) -> impl Iterator<Item = T> {
        let from = self.0.partition_point(|(inode, _)| *inode < wanted);
        let rest = self.0[from..].iter();
        rest.take_while(move |(inode, _)| *inode == wanted)
            .map(|(_, it)| *it)
    }
}

/// Synced entries that the last scan did not find, as they were, in the order of the server's ids.
fn returning(local: &LocalTree, synced: &SyncedTree) -> Vec<LocalNode> {
    // Both are in the order of ids, so that no entry is looked up.
    let mut there = local.ids().peekable();
    let mut gone: Vec<&SyncedNode> = synced
        .locals()
        .filter(|id| {
            while there.next_if(|there| there < id).is_some() {}
            there.peek() != Some(id)
        })
        .filter_map(|id| synced.of_local(id))
        .collect();
    gone.sort_unstable_by_key(|known| known.node);
    let as_it_was = |known: &SyncedNode| {
        Some(LocalNode {
            id: known.local,
            parent: synced
                .get(known.parent)
                .map(|parent| parent.local)
                .or(Some(local.root())),
            name: known.name.clone(),
            kind: known.kind.local(),
            fingerprint: known.fingerprint?,
            content: known.kind.content().map(|content| content.sha256),
            sent: None,
            ignored: false,
        })
    };
    gone.into_iter().filter_map(as_it_was).collect()
}

/// What the entries of a scan are.
struct Matched {
    /// One for each entry.
    ids: Vec<LocalId>,
    /// Entries that are not as they were known, by their place in the scan. Of hundreds of thousands it is often none.
    changed: Vec<(usize, LocalNode)>,
}

/// A matching while it is made.
struct Matching<'a> {
    scan: &'a Scan,
    local: &'a LocalTree,
    known: Vec<&'a LocalNode>,
    /// The entries that each entry holds.
    children: HashMap<usize, Vec<usize>>,
    /// What each entry is.
    found: Vec<Option<&'a LocalNode>>,
    /// Which of the known ones were found.
    taken: Vec<bool>,
}

impl<'a> Matching<'a> {
    fn new(scan: &'a Scan, local: &'a LocalTree, known: Vec<&'a LocalNode>) -> Self {
        let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, entry) in scan.entries.iter().enumerate() {
            if let ScanParent::Entry(folder) = entry.parent {
                children.entry(folder).or_default().push(at);
            }
        }
        Self {
            scan,
            local,
            children,
            found: vec![None; scan.entries.len()],
            taken: vec![false; known.len()],
            known,
        }
    }

    /// Finds known entries by their inodes: first those that are where they were, so that of two hard links each stays
    /// itself, then those that moved.
    fn by_inode(&mut self, in_place: bool) {
        let free = (0..self.known.len()).filter(|at| !self.taken[*at]);
        let by_inode = ByInode::of(free.map(|at| (self.known[at].fingerprint.number(), at)));
        for (at, entry) in self.scan.entries.iter().enumerate() {
            if self.found[at].is_some() {
                continue;
            }
            let same = by_inode.get(entry.fingerprint.number()).find(|candidate| {
                let known = self.known[*candidate];
                known.kind == entry.kind
                    && !self.taken[*candidate]
                    && known.fingerprint.may_be_same_inode(&entry.fingerprint)
                    && match in_place {
                        true => self.is_in_place(entry, known),
                        false => self.is_same_elsewhere(at, entry, known),
                    }
            });
            if let Some(same) = same {
                self.taken[same] = true;
                self.found[at] = Some(self.known[same]);
            }
        }
    }

    fn is_in_place(&self, entry: &ScanEntry, known: &LocalNode) -> bool {
        let parent = known.parent.and_then(|parent| self.local.get(parent));
        let is_parent = match entry.parent {
            ScanParent::Listed(folder) => known.parent == Some(folder),
            ScanParent::Entry(at) => parent.is_some_and(|parent| {
                parent.fingerprint.number() == self.scan.entries[at].fingerprint.number()
            }),
        };
        is_parent && entry.name == known.name
    }

    /// Whether more than the inode's number says that a moved entry is the known one.
    fn is_same_elsewhere(&self, at: usize, entry: &ScanEntry, known: &LocalNode) -> bool {
        let (now, then) = (&entry.fingerprint, &known.fingerprint);
        if now.is_same_inode(then) {
            return true;
        }
        match entry.kind {
            LocalKind::File => {
                let has_its_content = entry.content.is_some() && entry.content == known.content;
                has_its_content || (now.size, now.modified) == (then.size, then.modified)
            }
            LocalKind::Folder => self.shares_a_child(at, known),
            LocalKind::Other => false,
        }
    }

    /// Whether the scanned folder holds something that the known one held, or neither holds anything.
    fn shares_a_child(&self, at: usize, known: &LocalNode) -> bool {
        let held: HashSet<(Inode, &Name)> = self
            .local
            .children(known.id)
            .map(|child| (child.fingerprint.number(), &child.name))
            .collect();
        let holds = self.children.get(&at).map_or(&[][..], Vec::as_slice);
        if held.is_empty() {
            return holds.is_empty();
        }
        holds
            .iter()
            .map(|child| &self.scan.entries[*child])
            .any(|child| held.contains(&(child.fingerprint.number(), &child.name)))
    }

    /// Gives every entry that is not found yet the known one of its place, or a new id; folders come before what they hold.
    fn by_place(self) -> Matched {
        let mut places: HashMap<(LocalId, &Name, LocalKind), &LocalNode> = HashMap::new();
        let free = self.known.iter().zip(&self.taken).filter(|(_, taken)| !**taken);
        for (known, _) in free {
            if let Some(parent) = known.parent {
                places.entry((parent, &known.name, known.kind)).or_insert(known);
            }
        }
        let mut next = self.local.next_id();
        let mut ids: Vec<LocalId> = Vec::with_capacity(self.scan.entries.len());
        let mut changed = Vec::new();
        for (at, entry) in self.scan.entries.iter().enumerate() {
            let parent = match entry.parent {
                ScanParent::Listed(folder) => folder,
                ScanParent::Entry(at) => ids[at],
            };
            let known = self.found[at].or_else(|| places.remove(&(parent, &entry.name, entry.kind)));
            let is_unchanged = known.is_some_and(|known| known.fingerprint == entry.fingerprint);
            let known_content = known.filter(|_| is_unchanged).and_then(|known| known.content);
            let id = known.map_or(next, |known| known.id);
            if known.is_none() {
                next = LocalId(next.0 + 1);
            }
            ids.push(id);
            let node = LocalNode {
                id,
                parent: Some(parent),
                name: entry.name.clone(),
                kind: entry.kind,
                fingerprint: entry.fingerprint,
                content: entry.content.or(known_content),
                sent: known.and_then(|known| known.sent),
                ignored: entry.ignored,
            };
            if self.local.get(id) != Some(&node) {
                changed.push((at, node));
            }
        }
        Matched { ids, changed }
    }
}
