//! What the server answered and the journal has not told of yet.
//!
//! The journal has all that was answered: a read of it that begins after an answer tells of it. Where it comes to its end and does not,
//! the server was put back to before that, such as by a replica that took over without the last commits. Nothing else would tell this
//! device: what it was told before is still there.

use bitvault_planner::{NodeId, RemoteNode};

use super::Kept;

impl Kept {
    /// Notes what the server answered, unless the journal was faster.
    pub(super) fn note_answer(&mut self, node: &RemoteNode) {
        let known = self.trees.remote.get(node.id);
        if known.is_none_or(|known| known.revision < node.revision) {
            self.untold.insert(node.id, node.revision);
        }
    }

    /// The journal tells of a node at this revision, or, without one, that it is gone.
    pub(super) fn told_of(&mut self, id: NodeId, revision: Option<i64>) {
        let is_told = |answered: &i64| revision.is_none_or(|told| told >= *answered);
        if self.untold.get(&id).is_some_and(is_told) {
            self.untold.remove(&id);
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
