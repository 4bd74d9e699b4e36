//! What the server last said.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{AccountId, NodeId, Sha256, VersionId};
use crate::names::Name;
use crate::trees::LocalKind;
use crate::trees::children::Children;

/// The content of a file on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// The version that holds it.
    pub version: VersionId,
    /// Its hash.
    pub sha256: Sha256,
    /// Its length in bytes.
    pub size: u64,
}

/// What a node of the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteKind {
    /// Holds other nodes.
    Folder,
    /// Holds bytes: those of its current version.
    File(Content),
}

impl RemoteKind {
    /// The current content, of a file.
    pub fn content(&self) -> Option<Content> {
        match self {
            Self::Folder => None,
            Self::File(content) => Some(*content),
        }
    }

    /// What its entry on a device is.
    pub fn local(&self) -> LocalKind {
        match self {
            Self::Folder => LocalKind::Folder,
            Self::File(_) => LocalKind::File,
        }
    }
}

/// A node as the server last described it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteNode {
    /// Which node.
    pub id: NodeId,
    /// The folder that holds it; `None` for the root of what the device syncs and for nothing else.
    pub parent: Option<NodeId>,
    /// Its name; not looked at on the root.
    pub name: Name,
    /// Folder, or file with its content.
    pub kind: RemoteKind,
    /// Grows with each change of the node; what `If-Match` asks for.
    pub revision: i64,
    /// Whether the device may change it: rename it, write versions of it, and, for a folder, create in it and take out
    /// of it.
    pub writable: bool,
}

/// Why a node is no longer to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Somebody put it into the trash, or a folder above it.
    Trashed,
    /// It is gone for good.
    Deleted,
    /// This account may no longer see it; nobody deleted it.
    AccessLost,
    /// It was moved to where this device does not sync; nobody deleted it.
    MovedAway,
}

/// The server's word that a node is gone. Only this lets the device remove something; that a node is not listed does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tombstone {
    /// The journal entry that says so.
    pub seq: u64,
    /// Who did it, where the server tells.
    pub actor: Option<AccountId>,
    /// Why it is gone.
    pub cause: Cause,
}

/// The tree of what the server last said.
///
/// Invariants: a node is either live or has a tombstone; the root is live from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteTree {
    root: NodeId,
    nodes: BTreeMap<NodeId, Box<RemoteNode>>,
    children: Children<NodeId>,
    tombstones: BTreeMap<NodeId, Tombstone>,
    hidden: BTreeSet<(NodeId, String)>,
    fetched: BTreeMap<NodeId, RemoteKind>,
}

impl RemoteTree {
    /// A tree of nothing but the folder that the device syncs.
    pub fn new(root: RemoteNode) -> Self {
        let id = root.id;
        let mut tree = Self {
            root: id,
            nodes: BTreeMap::new(),
            children: Children::default(),
            tombstones: BTreeMap::new(),
            hidden: BTreeSet::new(),
            fetched: BTreeMap::new(),
        };
        tree.insert(RemoteNode { parent: None, ..root });
        tree
    }

    /// The folder that the device syncs.
    pub fn root(&self) -> NodeId {
        self.root
    }

    /// The live node of this id.
    pub fn get(&self, id: NodeId) -> Option<&RemoteNode> {
        self.nodes.get(&id).map(Box::as_ref)
    }

    /// Takes in what the journal says of a node that is to be seen: new, changed, or back from the trash. What an answer told
    /// of a later revision stays: the journal comes after it. A server that was set back to a backup begins a tree anew.
    pub fn insert(&mut self, mut node: RemoteNode) {
        if let Some(known) = self.get(node.id) {
            if known.revision > node.revision {
                return;
            }
            node.name.share(&known.name);
        }
        self.tombstones.remove(&node.id);
        self.unlink(node.id);
        if let Some(parent) = node.parent {
            self.children.insert(parent, node.id);
        }
        self.nodes.insert(node.id, Box::new(node));
    }

    /// Takes in a node as the server answered it to a call. What the journal already told of a later time stays.
    pub fn answered(&mut self, node: RemoteNode) {
        if self.tombstone(node.id).is_none() {
            self.insert(node);
        }
    }

    /// Takes in the server's word that a node is gone, and with it all that the tree holds below it.
    ///
    /// The root can go too (its share was withdrawn): then nothing is planned any more.
    pub fn bury(&mut self, id: NodeId, tombstone: Tombstone) {
        for id in self.below(id) {
            self.unlink(id);
            self.nodes.remove(&id);
            self.tombstones.insert(id, tombstone);
        }
    }

    /// Takes in a tombstone that was kept: of this node alone, as each of those below it that went with it has its own.
    pub fn set_tombstone(&mut self, id: NodeId, tombstone: Tombstone) {
        self.tombstones.insert(id, tombstone);
    }

    /// Lets a node drop out of sight without a tombstone, as a listing does that fails to name it. Nothing is removed on
    /// the device because of it.
    pub fn lose(&mut self, id: NodeId) {
        self.unlink(id);
        self.nodes.remove(&id);
    }

    /// The word that this node is gone.
    pub fn tombstone(&self, id: NodeId) -> Option<&Tombstone> {
        self.tombstones.get(&id)
    }

    /// Drops a tombstone that nothing on the device needs any more.
    pub fn drop_tombstone(&mut self, id: NodeId) {
        self.tombstones.remove(&id);
        self.fetched.remove(&id);
    }

    /// What this device last began to put in place for the node, and does not know yet to be there. A file that has just this
    /// content was edited by nobody here, and a folder in its place is the node's. Or, of a bound node, just what both agreed on,
    /// where the device may have taken that away and does not know it.
    pub fn fetched(&self, id: NodeId) -> Option<RemoteKind> {
        self.fetched.get(&id).copied()
    }

    /// All that is being put in place, in the order of ids.
    pub fn all_fetched(&self) -> impl Iterator<Item = (NodeId, RemoteKind)> {
        self.fetched.iter().map(|(node, kind)| (*node, *kind))
    }

    /// Notes, or drops, what is being put in place for a node.
    pub fn set_fetched(&mut self, id: NodeId, kind: Option<RemoteKind>) {
        match kind {
            Some(kind) => drop(self.fetched.insert(id, kind)),
            None => drop(self.fetched.remove(&id)),
        }
    }

    /// Remembers that the server refused a name in a folder as taken although nothing of that name is to be seen there:
    /// names are unique among nodes that this account may not see, too.
    pub fn hide(&mut self, parent: NodeId, name: &Name) {
        self.hidden.insert((parent, name.key()));
    }

    /// Whether a name with this key was refused as taken by something that is not to be seen.
    pub fn is_hidden(&self, parent: NodeId, key: &str) -> bool {
        self.hidden.contains(&(parent, key.to_owned()))
    }

    /// Forgets all names noted by [`Self::hide`], so that they are tried again.
    pub fn reveal(&mut self) {
        self.hidden.clear();
    }

    /// What the folder holds, in the order of ids.
    pub fn children(&self, id: NodeId) -> impl Iterator<Item = &RemoteNode> {
        self.children.of(id).filter_map(|child| self.get(child))
    }

    /// All live nodes, the root among them, in the order of ids.
    pub fn iter(&self) -> impl Iterator<Item = &RemoteNode> {
        self.nodes.values().map(Box::as_ref)
    }

    /// All tombstones, in the order of ids.
    pub fn tombstones(&self) -> impl Iterator<Item = (NodeId, &Tombstone)> {
        self.tombstones.iter().map(|(id, tombstone)| (*id, tombstone))
    }

    /// The node and everything below it, folders before what they hold.
    pub fn below(&self, id: NodeId) -> Vec<NodeId> {
        let mut found = vec![id];
        let mut next = 0;
        while let Some(folder) = found.get(next).copied() {
            found.extend(self.children.of(folder));
            next += 1;
        }
        found
    }

    /// Nodes that don't hang on the root, because the folder that holds them is not in the tree.
    pub(crate) fn orphans(&self) -> BTreeSet<NodeId> {
        let lost = self.children.holders().filter(|id| !self.nodes.contains_key(id));
        lost.flat_map(|holder| self.below(holder).into_iter().skip(1))
            .collect()
    }

    fn unlink(&mut self, id: NodeId) {
        if let Some(parent) = self.nodes.get(&id).and_then(|node| node.parent) {
            self.children.remove(parent, id);
        }
    }
}
