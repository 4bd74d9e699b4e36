//! Turns: reading and moving files ends after a while, with what is on its way, so that what changed meanwhile on either side is
//! planned as well. It comes before what was left then: who edits a file during a long first sync does not wait for its end.

use std::collections::HashSet;

use bitvault_planner::{LocalId, NodeId, Operation};
use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;

use super::Engine;
use super::listen::Due;

/// A turn at one kind of work.
pub(super) struct Turn {
    /// Nothing is begun any more: it is over, or all work is to end.
    pub(super) over: CancellationToken,
    end: Due,
}

impl Turn {
    /// Whether it is over. To be asked each time that something is done.
    pub(super) fn is_over(&mut self) -> bool {
        if !self.over.is_cancelled() && self.end.as_mut().now_or_never().is_some() {
            self.over.cancel();
        }
        self.over.is_cancelled()
    }
}

/// What is left of a plan: what was not begun when a turn was over, and what is on its way.
#[derive(Debug, Default)]
pub(super) struct Left(HashSet<Id>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Id {
    Entry(LocalId),
    Node(NodeId),
}

fn id(operation: &Operation) -> Option<Id> {
    match operation {
        Operation::Hash { local, .. } | Operation::Upload { local, .. } => Some(Id::Entry(*local)),
        Operation::Download { node, .. } => Some(Id::Node(*node)),
        _ => None,
    }
}

impl Left {
    pub(super) fn add<'a>(&mut self, operations: impl IntoIterator<Item = &'a Operation>) {
        self.0.extend(operations.into_iter().filter_map(id));
    }

    /// Something came of it.
    pub(super) fn remove(&mut self, operation: &Operation) {
        if let Some(id) = id(operation) {
            self.0.remove(&id);
        }
    }

    /// Puts what was left behind what is new; else the order stays.
    pub(super) fn put_behind(&self, operations: &mut [Operation]) {
        if !self.0.is_empty() {
            operations.sort_by_key(|operation| id(operation).is_some_and(|id| self.0.contains(&id)));
        }
    }
}

impl Engine {
    pub(super) fn begin_turn(&self) -> Turn {
        Turn {
            over: self.io.ending.child_token(),
            end: self.later(self.config.limits.turn),
        }
    }
}
