//! What the server answered and the journal has not told of yet.
//!
//! The journal has all that was answered: a read of it that begins after an answer tells of it. Where it comes to its end and does not,
//! the server was put back to before that, such as by a replica that took over without the last commits. Nothing else would tell this
//! device: what it was told before is still there.
//!
//! Revisions are given out again then. So a node that somebody else changed since is told with the same revision and another version, or
//! with a later one and the version that this device had replaced. What can't be told from an honest server: that one with a later revision
//! and a version of its own was made without the answered one, and that a node was removed so.

use std::cmp::Ordering;

use bitvault_planner::{NodeId, RemoteNode, VersionId};

use super::Kept;

/// What the server answered of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// The node's revision.
    pub revision: i64,
    /// A file's version.
    pub version: Option<VersionId>,
    /// The version before the first change that is untold, where that was another one.
    pub replaced: Option<VersionId>,
}

impl Answered {
    /// Whether the server that tells this of the node has, or had, what was answered.
    fn is_told_by(&self, told: &RemoteNode) -> bool {
        let version = version(told);
        match told.revision.cmp(&self.revision) {
            Ordering::Less => false,
            Ordering::Equal => version == self.version,
            Ordering::Greater => self.replaced.is_none() || version != self.replaced,
        }
    }
}

fn version(node: &RemoteNode) -> Option<VersionId> {
    node.kind.content().map(|content| content.version)
}

impl Kept {
    /// Notes what the server answered, unless the journal was faster.
    pub(super) fn note_answer(&mut self, node: &RemoteNode) {
        let known = self.trees.remote.get(node.id);
        if known.is_some_and(|known| known.revision >= node.revision) {
            return;
        }
        let answered = version(node);
        let earlier = self.untold.get(&node.id).and_then(|earlier| earlier.replaced);
        let replaced = known.and_then(version).filter(|known| Some(*known) != answered);
        self.untold.insert(
            node.id,
            Answered {
                revision: node.revision,
                version: answered,
                replaced: earlier.or(replaced),
            },
        );
    }

    /// The journal tells how a node is.
    pub(super) fn told_of(&mut self, node: &RemoteNode) {
        if self
            .untold
            .get(&node.id)
            .is_some_and(|answered| answered.is_told_by(node))
        {
            self.forget_answer(node.id);
        }
    }

    /// What was answered of a node does not count any more: it is gone, or nothing can be said of it.
    pub(super) fn forget_answer(&mut self, id: NodeId) {
        if self.untold.remove(&id).is_some() {
            self.nodes.insert(id);
        }
    }

    /// Whether the server lacks something that it had answered. To be asked when the journal was read to its end, by reads that began
    /// after the last answer.
    pub fn lacks_answered(&self) -> bool {
        !self.untold.is_empty()
    }

    /// Nothing that was answered before counts any more.
    pub(super) fn forget_answers(&mut self) {
        self.nodes.extend(std::mem::take(&mut self.untold).into_keys());
    }
}
