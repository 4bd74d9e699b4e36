//! What a round has to remember beside the trees.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem::Discriminant;

use bitvault_planner::{LocalId, Name, NodeId, Operation};

use super::TRIES;
use crate::state::Trouble;

/// Tells an operation from others: what is done, with what.
type Subject = (Discriminant<Operation>, Id);

/// What an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Id {
    Node(NodeId),
    Local(LocalId),
}

/// A round: from reading the journal to an empty plan.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Folders whose entries are not what the trees say.
    pub(super) look: BTreeSet<LocalId>,
    /// The server knows better.
    pub(super) pull: bool,
    /// Names that the server refused as taken.
    pub(super) taken: Vec<(NodeId, Name)>,
    /// A turn was over before the plan was carried out to its end.
    pub(super) is_over: bool,
    /// Operations that were carried out.
    pub(super) done: usize,
    /// What was not done, by path: the last reason.
    pub(super) failed: BTreeMap<String, String>,
    tries: HashMap<Subject, u32>,
}

impl Round {
    /// Whether an operation is worth another try.
    pub(super) fn may_try(&self, operation: &Operation) -> bool {
        self.tries
            .get(&subject(operation))
            .is_none_or(|tries| *tries < TRIES)
    }

    /// It was given up: it may be planned again.
    pub(super) fn gave_up(&mut self, operation: &Operation, path: &str, reason: &str) {
        let tries = self.tries.entry(subject(operation)).or_default();
        *tries += 1;
        if *tries >= TRIES {
            self.failed.insert(path.to_owned(), reason.to_owned());
        }
    }

    /// It can't be done in this round.
    pub(super) fn failed(&mut self, operation: &Operation, path: &str, reason: &str) {
        self.tries.insert(subject(operation), TRIES);
        self.failed.insert(path.to_owned(), reason.to_owned());
    }

    /// What was not done.
    pub(super) fn troubles(&self) -> impl Iterator<Item = Trouble> {
        self.failed.iter().map(|(path, reason)| Trouble {
            path: path.clone(),
            reason: reason.clone(),
        })
    }
}

fn subject(operation: &Operation) -> Subject {
    (std::mem::discriminant(operation), id(operation))
}

pub(super) fn id(operation: &Operation) -> Id {
    match operation {
        Operation::Adopt { node, .. }
        | Operation::Forget { node }
        | Operation::MoveRemote { node, .. }
        | Operation::DeleteRemote { node, .. }
        | Operation::CreateLocalFolder { node, .. }
        | Operation::Download { node, .. } => Id::Node(*node),
        Operation::Hash { local, .. }
        | Operation::CreateRemoteFolder { local, .. }
        | Operation::Upload { local, .. }
        | Operation::MoveLocal { local, .. }
        | Operation::RemoveLocal { local, .. } => Id::Local(*local),
    }
}
