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
use crate::trees::{Fingerprint, LocalKind, LocalNode, LocalTree, RemoteKind, SyncedTree};

impl Scan {
    /// Known folders outside of this scan that should be listed in the same scan, because something found here may have
    /// moved out of them. Without them it counts as new, and what it was as unchanged, until they are listed.
    pub fn worth_listing(&self, local: &LocalTree) -> Vec<LocalId> {
        let scope = self.scope(local);
        let inside: HashSet<Inode> = scope
            .iter()
            .filter_map(|id| local.get(*id))
            .map(|node| inode(&node.fingerprint))
            .collect();
        let strange: HashSet<Inode> = self
            .entries
            .iter()
            .map(|entry| inode(&entry.fingerprint))
            .filter(|inode| !inside.contains(inode))
            .collect();
        if strange.is_empty() {
            return Vec::new();
        }
        let folders: BTreeSet<LocalId> = local
            .iter()
            .filter(|node| strange.contains(&inode(&node.fingerprint)) && !scope.contains(&node.id))
            .filter_map(|node| node.parent)
            .collect();
        folders.into_iter().collect()
    }

    /// Tells which of the known entries each found one is, and brings the local tree up to date.
    ///
    /// `synced` keeps ids from being given out again, and lets an entry that was gone for a moment be known again.
    pub fn observe(&self, local: &mut LocalTree, synced: &SyncedTree) -> Observed {
        for known in synced.iter() {
            local.reserve(known.local);
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
        let gone = self.gone(local, synced, &scope, &found);
        let mut observed = Observed::default();
        for (node, entry) in found.into_iter().zip(&self.entries) {
            let known = local.get(node.id);
            if known != Some(&node) {
                let has_moved =
                    known.is_none_or(|known| (known.parent, &known.name) != (node.parent, &node.name));
                if has_moved && node.ignored && !entry.listed && synced.of_local(node.id).is_some() {
                    observed.unlisted.push(node.id);
                }
                observed.changed.push(node.id);
                local.insert(node);
            }
        }
        for id in gone {
            if local.get(id).is_some() {
                observed.gone.extend(local.below(id));
                local.remove(id);
            }
        }
        observed
    }

    /// The known entries below what was listed.
    fn scope(&self, local: &LocalTree) -> BTreeSet<LocalId> {
        let mut scope = BTreeSet::new();
        for folder in &self.listed {
            scope.extend(local.below(*folder).into_iter().filter(|id| id != folder));
        }
        scope
    }

    /// Known entries that were not found although what held them was listed, is gone itself, or is ignored now and not looked
    /// into any more. `found` has an entry for each of the scan.
    fn gone(
        &self,
        local: &LocalTree,
        synced: &SyncedTree,
        scope: &BTreeSet<LocalId>,
        found: &[LocalNode],
    ) -> Vec<LocalId> {
        let is_left_out = |node: &LocalNode| node.ignored && synced.of_local(node.id).is_none();
        let listed: HashMap<LocalId, bool> = found
            .iter()
            .zip(&self.entries)
            .map(|(node, entry)| (node.id, entry.listed || is_left_out(node)))
            .chain(self.listed.iter().map(|folder| (*folder, true)))
            .collect();
        let is_gone = |id: &LocalId| {
            let mut holders = std::iter::successors(Some(*id), |id| local.get(*id)?.parent).skip(1);
            !listed.contains_key(id) && holders.find_map(|holder| listed.get(&holder)) == Some(&true)
        };
        scope.iter().copied().filter(is_gone).collect()
    }
}

/// Number of the file system, number of the inode.
type Inode = (u64, u64);

fn inode(fingerprint: &Fingerprint) -> Inode {
    (fingerprint.device, fingerprint.inode)
}

/// Synced entries that the last scan did not find, as they were.
fn returning(local: &LocalTree, synced: &SyncedTree) -> Vec<LocalNode> {
    let gone = synced.iter().filter(|known| local.get(known.local).is_none());
    gone.filter_map(|known| {
        Some(LocalNode {
            id: known.local,
            parent: synced
                .get(known.parent)
                .map(|parent| parent.local)
                .or(Some(local.root())),
            name: known.name.clone(),
            kind: match known.kind {
                RemoteKind::Folder => LocalKind::Folder,
                RemoteKind::File(_) => LocalKind::File,
            },
            fingerprint: known.fingerprint?,
            content: known.kind.content().map(|content| content.sha256),
            sent: None,
            ignored: false,
        })
    })
    .collect()
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
    taken: HashSet<LocalId>,
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
            known,
            children,
            found: vec![None; scan.entries.len()],
            taken: HashSet::new(),
        }
    }

    /// Finds known entries by their inodes: first those that are where they were, so that of two hard links each stays
    /// itself, then those that moved.
    fn by_inode(&mut self, in_place: bool) {
        let mut by_inode: HashMap<Inode, Vec<&LocalNode>> = HashMap::new();
        for known in &self.known {
            if !self.taken.contains(&known.id) {
                by_inode.entry(inode(&known.fingerprint)).or_default().push(known);
            }
        }
        for (at, entry) in self.scan.entries.iter().enumerate() {
            if self.found[at].is_some() {
                continue;
            }
            let candidates = by_inode.get(&inode(&entry.fingerprint));
            let same = candidates.into_iter().flatten().find(|known| {
                known.kind == entry.kind
                    && !self.taken.contains(&known.id)
                    && known.fingerprint.may_be_same_inode(&entry.fingerprint)
                    && match in_place {
                        true => self.is_in_place(entry, known),
                        false => self.is_same_elsewhere(at, entry, known),
                    }
            });
            if let Some(same) = same {
                self.taken.insert(same.id);
                self.found[at] = Some(same);
            }
        }
    }

    fn is_in_place(&self, entry: &ScanEntry, known: &LocalNode) -> bool {
        let parent = known.parent.and_then(|parent| self.local.get(parent));
        let is_parent = match entry.parent {
            ScanParent::Listed(folder) => known.parent == Some(folder),
            ScanParent::Entry(at) => parent.is_some_and(|parent| {
                inode(&parent.fingerprint) == inode(&self.scan.entries[at].fingerprint)
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
            .map(|child| (inode(&child.fingerprint), &child.name))
            .collect();
        let holds = self.children.get(&at).map_or(&[][..], Vec::as_slice);
        if held.is_empty() {
            return holds.is_empty();
        }
        holds
            .iter()
            .map(|child| &self.scan.entries[*child])
            .any(|child| held.contains(&(inode(&child.fingerprint), &child.name)))
    }

    /// Gives every entry that is not found yet the known one of its place, or a new id; folders come before what they hold.
    fn by_place(self) -> Vec<LocalNode> {
        let mut places: HashMap<(LocalId, &Name, LocalKind), &LocalNode> = HashMap::new();
        for known in self.known.iter().filter(|known| !self.taken.contains(&known.id)) {
            if let Some(parent) = known.parent {
                places.entry((parent, &known.name, known.kind)).or_insert(known);
            }
        }
        let mut next = self.local.next_id();
        let mut nodes: Vec<LocalNode> = Vec::with_capacity(self.scan.entries.len());
        for (at, entry) in self.scan.entries.iter().enumerate() {
            let parent = match entry.parent {
                ScanParent::Listed(folder) => folder,
                ScanParent::Entry(at) => nodes[at].id,
            };
            let known = self.found[at].or_else(|| places.remove(&(parent, &entry.name, entry.kind)));
            let is_unchanged = known.is_some_and(|known| known.fingerprint == entry.fingerprint);
            let known_content = known.filter(|_| is_unchanged).and_then(|known| known.content);
            let id = known.map_or(next, |known| known.id);
            if known.is_none() {
                next = LocalId(next.0 + 1);
            }
            nodes.push(LocalNode {
                id,
                parent: Some(parent),
                name: entry.name.clone(),
                kind: entry.kind,
                fingerprint: entry.fingerprint,
                content: entry.content.or(known_content),
                sent: known.and_then(|known| known.sent),
                ignored: entry.ignored,
            });
        }
        nodes
    }
}
