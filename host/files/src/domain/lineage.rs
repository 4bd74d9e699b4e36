//! Nodes together with all their ancestors: whether something is really reachable.

use bitvault_platform::ids::{NodeId, VersionId};
use std::collections::HashMap;

/// What rules need to know of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeFacts {
    pub(crate) id: NodeId,
    pub(crate) parent_id: Option<NodeId>,
    pub(crate) is_folder: bool,
    pub(crate) trashed: bool,
    pub(crate) current_version: Option<VersionId>,
    pub(crate) revision: i64,
}

/// Some nodes and every folder above them.
#[derive(Debug, Default)]
pub(crate) struct Lineage {
    nodes: HashMap<NodeId, NodeFacts>,
    live: HashMap<NodeId, bool>,
}

impl Lineage {
    /// `nodes` holds each node's ancestors up to the root.
    pub(crate) fn new(nodes: impl IntoIterator<Item = NodeFacts>) -> Self {
        Self {
            nodes: nodes.into_iter().map(|node| (node.id, node)).collect(),
            live: HashMap::new(),
        }
    }

    /// The node, unless it is missing, in the trash, or below something in the trash. Each node is walked once.
    pub(crate) fn live(&mut self, id: NodeId) -> Option<&NodeFacts> {
        let mut walked = Vec::new();
        let mut at = id;
        let live = loop {
            if let Some(known) = self.live.get(&at) {
                break *known;
            }
            walked.push(at);
            match self.nodes.get(&at) {
                // A cycle, which must not be, leads to no root.
                _ if walked.len() > self.nodes.len() => break false,
                None => break false,
                Some(node) if node.trashed => break false,
                Some(NodeFacts { parent_id: None, .. }) => break true,
                Some(NodeFacts {
                    parent_id: Some(parent),
                    ..
                }) => at = *parent,
            }
        };
        self.live.extend(walked.into_iter().map(|id| (id, live)));
        if live { self.nodes.get(&id) } else { None }
    }

    /// Whether a node is `ancestor` or somewhere below it.
    pub(crate) fn within(&self, id: NodeId, ancestor: NodeId) -> bool {
        let up = |id: &NodeId| self.nodes.get(id).and_then(|node| node.parent_id);
        // Bounded: a cycle, which must not be, ends here as well.
        std::iter::successors(Some(id), up)
            .take(self.nodes.len() + 1)
            .any(|at| at == ancestor)
    }

    /// The node, in the trash or not.
    pub(crate) fn any(&self, id: NodeId) -> Option<&NodeFacts> {
        self.nodes.get(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(id: NodeId, parent_id: Option<NodeId>, trashed: bool) -> NodeFacts {
        NodeFacts {
            id,
            parent_id,
            is_folder: true,
            trashed,
            current_version: None,
            revision: 1,
        }
    }

    #[test]
    fn what_lies_below_the_trash_is_not_live() {
        let [root, kept, inner, binned, below] = [(); 5].map(|()| NodeId::new());
        let mut lineage = Lineage::new([
            folder(root, None, false),
            folder(kept, Some(root), false),
            folder(inner, Some(kept), false),
            folder(binned, Some(kept), true),
            folder(below, Some(binned), false),
        ]);
        for (id, live) in [
            (below, false),
            (inner, true),
            (binned, false),
            (root, true),
            (NodeId::new(), false),
        ] {
            assert_eq!(lineage.live(id).is_some(), live);
        }
        assert!(lineage.any(below).is_some());
    }

    #[test]
    fn a_node_lies_within_itself_and_each_folder_above_it() {
        let [root, a, b, other] = [(); 4].map(|()| NodeId::new());
        let lineage = Lineage::new([
            folder(root, None, false),
            folder(a, Some(root), false),
            folder(b, Some(a), true),
            folder(other, Some(root), false),
        ]);
        for (id, ancestor, within) in [
            (b, b, true),
            (b, a, true),
            (b, root, true),
            (a, b, false),
            (other, a, false),
            (NodeId::new(), a, false),
        ] {
            assert_eq!(lineage.within(id, ancestor), within);
        }
    }
}
