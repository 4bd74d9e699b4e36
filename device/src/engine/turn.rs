//! Turns: reading and moving files ends after a while, with what is on its way, so that what changed meanwhile on either side is
//! planned as well. It comes before what was left then: who edits a file during a long first sync does not wait for its end.

use std::collections::HashSet;

use bitvault_planner::Operation;
use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;

use super::Engine;
use super::listen::Due;
use super::round::{Id, id};

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

impl Left {
    pub(super) fn add<'a>(&mut self, operations: impl IntoIterator<Item = &'a Operation>) {
        self.0.extend(operations.into_iter().map(id));
    }

    /// Something came of it.
    pub(super) fn remove(&mut self, operation: &Operation) {
        self.0.remove(&id(operation));
    }

    /// Puts what was left behind what is new; else the order stays.
    pub(super) fn put_behind(&self, operations: &mut [Operation]) {
        if !self.0.is_empty() {
            operations.sort_by_key(|operation| self.0.contains(&id(operation)));
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
