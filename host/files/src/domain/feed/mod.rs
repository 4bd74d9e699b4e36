//! The journal as one account may see it: what came into sight, what left it, and what changed there.
//!
//! An account sees trees: its home, and what it was given a role on, each with all below it but what takes no roles from
//! above. The tops of these trees are its [`Root`]s. Whoever reads keeps a map of nodes, each with the folder that it is in;
//! an upsert puts a node there, a removal takes one out with all that is below it in that map.
//!
//! What a page tells is found from two things, the roots as they were told and as they are now ([`roots`]), and entries of
//! the journal ([`entries`]); each node is told as it is at that moment. What is below a node that came into sight is walked
//! in further pages.
//!
//! Invariants, for a map that took in every page up to a state:
//!
//! - Where it differs from what the account sees, an entry behind the state, a change of the roots or a tree that is still to
//!   be walked brings it right.
//! - A removal names a node only that the account could have seen, from what is recorded of it: what an older release wrote
//!   without that is not told (ADR 0024).

pub(crate) mod entries;
pub(crate) mod fingerprint;
pub(crate) mod roots;

use super::access::NodeRole;
use super::lineage::Lineage;
use bitvault_platform::ids::{AccountId, NodeId};
use bitvault_proto::v1::ChangeCause;
use std::collections::HashMap;

/// Most trees that one page lets be walked: they stand in the cursor.
pub(crate) const TREES_MAX: usize = 32;
/// Most nodes that an account sees by themselves: its home, and those with a role for it or one of its groups.
pub(crate) const ROOTS_MAX: usize = 5000;

/// A node that an account sees by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Root {
    pub(crate) node: NodeId,
    /// The account's role there, what is given above included.
    pub(crate) role: NodeRole,
    /// It came into sight at this entry of the journal.
    pub(crate) since: i64,
    /// The round in which it was walked last; 0: with a root above it.
    pub(crate) round: i64,
}

/// What an account sees by itself, in the order in which it is walked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roots {
    list: Vec<Root>,
    places: HashMap<NodeId, usize>,
}

impl Roots {
    pub(crate) fn new(list: Vec<Root>) -> Self {
        let places = list.iter().enumerate().map(|(at, root)| (root.node, at));
        Self {
            places: places.collect(),
            list,
        }
    }

    pub(crate) fn list(&self) -> &[Root] {
        &self.list
    }

    pub(crate) fn get(&self, node: NodeId) -> Option<&Root> {
        self.places.get(&node).and_then(|at| self.list.get(*at))
    }

    /// Whether a node was seen through one of these before that entry of the journal, as folders are now.
    fn showed(&self, lineage: &Lineage, node: NodeId, before: i64) -> bool {
        let mut cut = false;
        for at in lineage.up(node) {
            let root = self.get(at).filter(|root| root.since < before);
            if root.is_some_and(|root| !cut || root.role == NodeRole::Owner) {
                return true;
            }
            cut |= lineage.any(at).is_some_and(|facts| !facts.inherits);
        }
        false
    }
}

/// A tree that is to be told, node by node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tree {
    pub(crate) node: NodeId,
    /// The account owns it, and so sees all below.
    pub(crate) owned: bool,
    pub(crate) cause: ChangeCause,
}

impl Tree {
    fn new(lineage: &Lineage, account: AccountId, node: NodeId, cause: ChangeCause) -> Self {
        Self {
            node,
            owned: lineage.role(account, node) == Some(NodeRole::Owner),
            cause,
        }
    }

    /// Whether walking this tree comes past `node`, and past all that is seen below it with that role.
    fn covers(&self, lineage: &Lineage, node: NodeId, role: Option<NodeRole>) -> bool {
        if role == Some(NodeRole::Owner) && !self.owned {
            return false;
        }
        for at in lineage.up(node) {
            if at == self.node {
                return true;
            }
            if !self.owned && lineage.any(at).is_some_and(|facts| !facts.inherits) {
                return false;
            }
        }
        false
    }
}
