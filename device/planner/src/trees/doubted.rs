//! Entries that the device may have taken away itself without noting it.
//!
//! Such a node keeps its binding, so that an entry that is still here stays what it is, wherever it lies. That its entry is missing
//! is no person's deletion. The mark is what both agreed on, noted as [fetched](crate::RemoteTree::fetched): a download in
//! place of a bound file is always of other content.

use crate::ids::{LocalId, NodeId};
use crate::trees::{RemoteTree, SyncedNode, Trees};

impl RemoteTree {
    /// Whether a missing entry of the node is no person's deletion.
    pub(crate) fn is_doubted(&self, synced: &SyncedNode) -> bool {
        self.fetched(synced.node) == Some(synced.kind)
    }
}

impl Trees {
    /// Before a [`RemoveLocal`](crate::Operation::RemoveLocal) because of selective sync; to be made durable then. After a crash
    /// between, or a removal that was given up, nothing must look as if a person had deleted it.
    pub fn leaving(&mut self, local: LocalId) {
        for leaving in self.local.below(local) {
            if let Some(node) = self.synced.of_local(leaving).map(|synced| synced.node) {
                self.doubt(node);
            }
        }
    }

    /// When the journal tells of a node again that was gone, before that is taken in. Whether this device had removed its entry
    /// by then is unknown after a crash.
    pub fn returning(&mut self, node: NodeId) {
        match self.synced.get(node) {
            Some(_) => self.doubt(node),
            None => self.forget(node),
        }
    }

    /// After a look at the folder, or at all of it: notes which entries are here. What lies in the place of one, and is not it,
    /// is somebody's new one. Tells of which nodes something was noted.
    pub fn seen(&mut self, is_all: bool) -> Vec<NodeId> {
        let doubted = self.remote.all_fetched().filter_map(|(node, _)| {
            let synced = self.synced.get(node)?;
            let entry = self.local.get(synced.local)?;
            let is_it = synced
                .fingerprint
                .is_some_and(|then| entry.fingerprint.may_be_same_inode(&then));
            (self.remote.is_doubted(synced) && (is_all || !is_it)).then_some((node, is_it))
        });
        let seen: Vec<(NodeId, bool)> = doubted.collect();
        for (node, is_it) in &seen {
            match is_it {
                true => self.remote.set_fetched(*node, None),
                false => self.forget(*node),
            }
        }
        seen.into_iter().map(|(node, _)| node).collect()
    }

    fn doubt(&mut self, node: NodeId) {
        self.note_placed(node);
        let kind = self.synced.get(node).map(|synced| synced.kind);
        self.remote.set_fetched(node, kind);
    }
}
