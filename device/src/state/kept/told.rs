//! What the server tells: the journal, or all there is.

use bitvault_planner::{Cause, Name, NodeId, RemoteNode, Tombstone};

use super::Kept;
use crate::remote::{Change, Told};

impl Kept {
    /// Takes in what the journal tells.
    pub fn take_in(&mut self, change: &Change) {
        match &change.what {
            Told::Upsert(node) => self.upsert(node, change),
            Told::Remove(node, cause) => self.bury(
                *node,
                Tombstone {
                    seq: change.seq,
                    actor: change.actor,
                    cause: *cause,
                },
            ),
        }
    }

    /// The server is read anew from here on.
    pub fn begin_reading_anew(&mut self) {
        let root = self.trees.remote.root();
        let known = self.trees.remote.iter().map(|node| node.id);
        let known = known.chain(self.outside.iter().map(|node| node.id));
        self.unnamed = Some(known.filter(|id| *id != root).collect());
    }

    /// All that is to be seen was told: what was not named is out of sight, and nobody said why.
    pub fn end_reading_anew(&mut self) {
        for id in self.unnamed.take().into_iter().flatten() {
            self.nodes.insert(id);
            self.trees.remote.lose(id);
            self.outside.remove(id);
            self.forget_answer(id);
        }
    }

    /// Nothing that both sides agreed on counts any more: everything is adopted anew by equal content. Nor does what the
    /// server said of later revisions, which it no longer has, here and elsewhere.
    pub fn disagree(&mut self) {
        let bound: Vec<NodeId> = self.trees.synced.iter().map(|synced| synced.node).collect();
        for node in bound {
            self.forget(node);
        }
        let root = self.trees.remote.root();
        let told: Vec<NodeId> = self.trees.remote.iter().map(|node| node.id).collect();
        for node in told.into_iter().filter(|node| *node != root) {
            self.nodes.insert(node);
            self.trees.remote.lose(node);
        }
        self.forget_asked();
        self.forget_answers();
        let elsewhere: Vec<NodeId> = self.outside.iter().map(|node| node.id).collect();
        for node in elsewhere {
            self.nodes.insert(node);
            self.outside.remove(node);
        }
    }

    /// Notes that a name is taken in a folder by something that is not to be seen there; false when something is.
    pub fn hide_name(&mut self, parent: NodeId, name: &Name) -> bool {
        let key = name.key();
        if self
            .trees
            .remote
            .children(parent)
            .any(|child| child.name.key() == key)
        {
            return false;
        }
        self.trees.remote.hide(parent, name);
        true
    }

    /// Lets names that were taken be tried again.
    pub fn reveal_names(&mut self) {
        self.trees.remote.reveal();
    }

    fn upsert(&mut self, node: &RemoteNode, change: &Change) {
        let id = node.id;
        if let Some(unnamed) = &mut self.unnamed {
            unnamed.remove(&id);
        }
        self.nodes.insert(id);
        self.told_of(node);
        if id == self.trees.remote.root() {
            let root = RemoteNode {
                parent: None,
                ..node.clone()
            };
            self.trees.remote.insert(root);
            return;
        }
        match self.is_elsewhere(node) {
            true => self.goes_out(node, change),
            false => self.comes_in(node),
        }
    }

    /// Whether a node lies elsewhere than in the folder that is synced. The folder of every node that has one is told, sooner or
    /// later: where it is not known yet, or a listing failed to name it, the node is in sight and hangs on nothing. So nothing is
    /// removed because of it.
    fn is_elsewhere(&self, node: &RemoteNode) -> bool {
        node.parent
            .is_none_or(|parent| self.outside.get(parent).is_some())
    }

    /// The node is in the folder that is synced, or may be, and so is what it holds.
    fn comes_in(&mut self, node: &RemoteNode) {
        let held = self.outside.below(node.id);
        self.outside.remove(node.id);
        self.is_in(node.clone());
        for id in held {
            if let Some(outside) = self.outside.remove(id) {
                self.is_in(outside);
            }
        }
    }

    fn is_in(&mut self, node: RemoteNode) {
        self.nodes.insert(node.id);
        if self.trees.remote.tombstone(node.id).is_some() {
            self.trees.returning(node.id);
        }
        // What is read from the beginning counts, whatever was told before: the server may have been put back.
        if self.unnamed.is_some() {
            self.trees.remote.lose(node.id);
        }
        self.trees.remote.insert(node);
    }

    /// The node is elsewhere, and so is what it holds.
    fn goes_out(&mut self, node: &RemoteNode, change: &Change) {
        let was_in = self.trees.remote.below(node.id);
        if was_in.len() > 1 || self.trees.remote.get(node.id).is_some() {
            for id in &was_in {
                if let Some(node) = self.trees.remote.get(*id) {
                    self.outside.insert(node.clone());
                }
            }
            self.nodes.extend(was_in);
            self.trees.remote.bury(
                node.id,
                Tombstone {
                    seq: change.seq,
                    actor: change.actor,
                    cause: Cause::MovedAway,
                },
            );
        }
        self.outside.insert(node.clone());
    }

    fn bury(&mut self, id: NodeId, tombstone: Tombstone) {
        if let Some(unnamed) = &mut self.unnamed {
            unnamed.remove(&id);
        }
        for id in self.outside.below(id) {
            if self.outside.remove(id).is_some() {
                self.nodes.insert(id);
                self.forget_answer(id);
            }
        }
        // What hangs on it goes with it, even if it was never named itself.
        let holds = self.trees.remote.children(id).next().is_some();
        let is_known = self.trees.remote.get(id).is_some() || self.trees.synced.get(id).is_some() || holds;
        if is_known {
            for gone in self.trees.bury(id, tombstone) {
                self.nodes.insert(gone);
                self.forget_answer(gone);
            }
        }
        self.forget_answer(id);
    }
}
