//! What the account sees on the server elsewhere than in the folder that is synced.

use std::collections::{BTreeMap, BTreeSet};

use bitvault_planner::{NodeId, RemoteNode};
use uuid::Uuid;

/// Nodes outside of the folder that is synced. The journal tells of a folder that is moved into it, but not of what that
/// folder holds, which it told before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outside {
    nodes: BTreeMap<NodeId, RemoteNode>,
    children: BTreeSet<(NodeId, NodeId)>,
}

impl Outside {
    /// Takes in a node.
    pub fn insert(&mut self, node: RemoteNode) {
        self.remove(node.id);
        if let Some(parent) = node.parent {
            self.children.insert((parent, node.id));
        }
        self.nodes.insert(node.id, node);
    }

    /// Takes a node out, but nothing below it.
    pub fn remove(&mut self, id: NodeId) -> Option<RemoteNode> {
        let node = self.nodes.remove(&id)?;
        if let Some(parent) = node.parent {
            self.children.remove(&(parent, id));
        }
        Some(node)
    }

    /// The node of this id.
    pub fn get(&self, id: NodeId) -> Option<&RemoteNode> {
        self.nodes.get(&id)
    }

    /// The node and all below it, as far as they are outside; folders before what they hold.
    pub fn below(&self, id: NodeId) -> Vec<NodeId> {
        let mut found = vec![id];
        let mut next = 0;
        while let Some(folder) = found.get(next).copied() {
            let range = (folder, NodeId(Uuid::nil()))..=(folder, NodeId(Uuid::max()));
            found.extend(self.children.range(range).map(|(_, child)| *child));
            next += 1;
        }
        found
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &RemoteNode> {
        self.nodes.values()
    }
}
