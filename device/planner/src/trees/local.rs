//! What a scan last saw in the device's folder.

use std::collections::BTreeMap;
use std::collections::btree_map::Range;

use crate::ids::{LocalId, Sha256};
use crate::names::Name;
use crate::trees::children::Children;

/// What the file system tells of an entry without reading it.
///
/// Equal fingerprints mean an untouched file: the change time moves even when an edit keeps size and modification time.
/// It moves with a rename as well, so that a renamed file is read once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// The file system's number.
    pub device: u64,
    /// The inode's number on it, which file systems use again for other files.
    pub inode: u64,
    /// When the inode was made, in nanoseconds since 1970, where the file system tells. Tells one user of an inode's
    /// number from the next.
    pub born: Option<i64>,
    /// Length in bytes; 0 for what is no file.
    pub size: u64,
    /// Modification time in nanoseconds since 1970, saturating. Anything goes: 0, before 1970, in the future.
    pub modified: i64,
    /// Change time in nanoseconds since 1970, saturating.
    pub changed: i64,
}

impl Fingerprint {
    /// The file system's number and the inode's.
    pub(crate) fn number(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// Whether both have the same inode's number and nothing says that it was given to another file between them.
    pub fn may_be_same_inode(&self, other: &Self) -> bool {
        let born_apart = matches!((self.born, other.born), (Some(one), Some(two)) if one != two);
        self.number() == other.number() && !born_apart
    }

    /// Whether both are known to be one inode, whatever was done to it between them.
    pub fn is_same_inode(&self, other: &Self) -> bool {
        self.may_be_same_inode(other) && self.born.is_some() && other.born.is_some()
    }
}

/// What an entry of the device's folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LocalKind {
    /// Holds other entries.
    Folder,
    /// Holds bytes.
    File,
    /// A symbolic link, socket, device or what else is never synced; it only occupies its name.
    Other,
}

/// An entry of the device's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalNode {
    /// Which entry.
    pub id: LocalId,
    /// The folder that holds it; `None` for the root and for nothing else.
    pub parent: Option<LocalId>,
    /// Its name as the file system has it; not looked at on the root.
    pub name: Name,
    /// What it is.
    pub kind: LocalKind,
    /// What the file system tells of it.
    pub fingerprint: Fingerprint,
    /// The hash of its content; `None` for what is no file, and for a file that changed and was not read since. The
    /// planner then asks for the hash and takes the file for changed until it has it.
    pub content: Option<Sha256>,
    /// The content that this device last began to send to the server. When the server then shows just this content, it
    /// is our own and no one else's edit, even when the answer was lost and the file has been edited again.
    pub sent: Option<Sha256>,
    /// Whether the device's ignore rules name it. That counts until it is synced, as in git; and an ignored folder that
    /// is not synced is not looked into.
    pub ignored: bool,
}

/// The tree of what a scan last saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalTree {
    root: LocalId,
    next: u64,
    nodes: BTreeMap<LocalId, Box<LocalNode>>,
    children: Children<LocalId>,
}

impl LocalTree {
    /// A tree of nothing but the folder that is synced.
    pub fn new(root: LocalNode) -> Self {
        let id = root.id;
        let mut tree = Self {
            root: id,
            next: 0,
            nodes: BTreeMap::new(),
            children: Children::default(),
        };
        tree.insert(LocalNode { parent: None, ..root });
        tree
    }

    /// The folder that is synced.
    pub fn root(&self) -> LocalId {
        self.root
    }

    /// An id that no entry of this tree ever had, and that is larger than all given to [`Self::reserve`].
    pub fn fresh_id(&mut self) -> LocalId {
        self.next += 1;
        LocalId(self.next - 1)
    }

    /// The id that [`Self::fresh_id`] gives out next.
    pub(crate) fn next_id(&self) -> LocalId {
        LocalId(self.next)
    }

    /// Keeps ids up to and with this one from being given out: those that the synced tree still names.
    pub fn reserve(&mut self, id: LocalId) {
        self.next = self.next.max(id.0 + 1);
    }

    /// The entry of this id.
    pub fn get(&self, id: LocalId) -> Option<&LocalNode> {
        self.nodes.get(&id).map(Box::as_ref)
    }

    /// The entry of this id, to note its content or what was sent. Its place changes by [`Self::insert`].
    pub fn get_mut(&mut self, id: LocalId) -> Option<&mut LocalNode> {
        self.nodes.get_mut(&id).map(Box::as_mut)
    }

    /// Takes in an entry that is new, changed or moved.
    pub fn insert(&mut self, node: LocalNode) {
        self.reserve(node.id);
        self.unlink(node.id);
        if let Some(parent) = node.parent {
            self.children.insert(parent, node.id);
        }
        self.nodes.insert(node.id, Box::new(node));
    }

    /// Takes out an entry that is gone, and all that the tree holds below it.
    pub fn remove(&mut self, id: LocalId) {
        for id in self.below(id) {
            self.unlink(id);
            self.nodes.remove(&id);
        }
    }

    /// What the folder holds, in the order of ids.
    pub fn children(&self, id: LocalId) -> impl Iterator<Item = &LocalNode> {
        self.children.of(id).filter_map(|child| self.get(child))
    }

    /// All entries, the root among them, in the order of ids.
    pub fn iter(&self) -> impl Iterator<Item = &LocalNode> {
        self.nodes.values().map(Box::as_ref)
    }

    /// The ids of all entries, in their order. Looks at no entry.
    pub(crate) fn ids(&self) -> impl Iterator<Item = LocalId> {
        self.nodes.keys().copied()
    }

    /// For looking up many entries in about the order of their ids.
    pub(crate) fn nearby(&self) -> Nearby<'_> {
        Nearby {
            nodes: &self.nodes,
            next: self.nodes.range(..),
        }
    }

    /// The entry and everything below it, folders before what they hold.
    pub fn below(&self, id: LocalId) -> Vec<LocalId> {
        let mut found = vec![id];
        let mut next = 0;
        while let Some(folder) = found.get(next).copied() {
            found.extend(self.children.of(folder));
            next += 1;
        }
        found
    }

    fn unlink(&mut self, id: LocalId) {
        if let Some(parent) = self.nodes.get(&id).and_then(|node| node.parent) {
            self.children.remove(parent, id);
        }
    }
}

/// A place in the tree. Entries that were made one after the other are mostly asked for one after the other, so that the next
/// one is often the right one and need not be searched for.
pub(crate) struct Nearby<'a> {
    nodes: &'a BTreeMap<LocalId, Box<LocalNode>>,
    next: Range<'a, LocalId, Box<LocalNode>>,
}

impl<'a> Nearby<'a> {
    /// The entry of this id.
    pub(crate) fn get(&mut self, id: LocalId) -> Option<&'a LocalNode> {
        let (found, node) = match self.next.next() {
            Some(next) if *next.0 == id => next,
            _ => {
                self.next = self.nodes.range(id..);
                self.next.next()?
            }
        };
        (*found == id).then(|| node.as_ref())
    }
}
