//! What the server and the device last agreed on.

use std::collections::BTreeMap;

use crate::ids::{LocalId, NodeId};
use crate::names::Name;
use crate::trees::{Fingerprint, RemoteKind};

/// A node that both sides have, as they last agreed on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncedNode {
    /// Which node of the server.
    pub node: NodeId,
    /// Which entry of the device.
    pub local: LocalId,
    /// The folder that held it on the server.
    pub parent: NodeId,
    /// Its name on the server. What it is called here follows from it by [`crate::NameRules`].
    pub name: Name,
    /// Folder, or file with the content that both had.
    pub kind: RemoteKind,
    /// What the file system told when the entry had just this content; `None` when it never had (our own earlier version,
    /// already edited again).
    pub fingerprint: Option<Fingerprint>,
}

/// The tree of what both sides agreed on: nodes of the server bound to entries of the device, one to one.
///
/// Invariants: the root is not in it; the two roots belong together by definition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncedTree {
    nodes: BTreeMap<NodeId, Box<SyncedNode>>,
    by_local: BTreeMap<LocalId, NodeId>,
}

impl SyncedTree {
    /// A tree of nothing: also what is left when the state is lost.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was agreed on this node of the server.
    pub fn get(&self, node: NodeId) -> Option<&SyncedNode> {
        self.nodes.get(&node).map(Box::as_ref)
    }

    /// What was agreed on this entry of the device.
    pub fn of_local(&self, local: LocalId) -> Option<&SyncedNode> {
        self.by_local.get(&local).and_then(|node| self.get(*node))
    }

    /// Takes in what both sides now agree on. An earlier binding of either side ends.
    pub fn insert(&mut self, synced: SyncedNode) {
        self.remove(synced.node);
        if let Some(other) = self.by_local.insert(synced.local, synced.node) {
            self.nodes.remove(&other);
        }
        self.nodes.insert(synced.node, Box::new(synced));
    }

    /// Forgets that they ever agreed.
    pub fn remove(&mut self, node: NodeId) -> Option<SyncedNode> {
        let gone = self.nodes.remove(&node)?;
        self.by_local.remove(&gone.local);
        Some(*gone)
    }

    /// All of it, in the order of the server's ids.
    pub fn iter(&self) -> impl Iterator<Item = &SyncedNode> {
        self.nodes.values().map(Box::as_ref)
    }

    /// The entries of the device that are bound, in the order of their ids.
    pub(crate) fn locals(&self) -> impl DoubleEndedIterator<Item = LocalId> {
        self.by_local.keys().copied()
    }

    /// How many nodes are synced.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether nothing is synced.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}
