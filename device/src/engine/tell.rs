//! What the engine says to people: paths, pauses, problems.

use bitvault_planner::{LocalId, NodeId, Operation, Pause, Problem, Reason, Side, UploadTo};

use super::{Engine, Event, Round};
use crate::scan::path_of;
use crate::state::Trouble;
use std::time::Duration;

impl Engine {
    /// Where an entry lies, for people.
    pub(super) fn shown_local(&self, id: LocalId) -> String {
        path_of(self.kept.trees(), id).map_or_else(|| "(gone)".to_owned(), |path| path.to_string())
    }

    /// Where a node lies below the folder of the server, for people.
    pub(super) fn shown_node(&self, id: NodeId) -> String {
        let remote = &self.kept.trees().remote;
        let mut names = Vec::new();
        let mut at = remote.get(id);
        while let Some(node) = at.filter(|node| node.parent.is_some()) {
            names.push(node.name.as_str());
            at = node.parent.and_then(|parent| remote.get(parent));
        }
        names.reverse();
        match (names.is_empty(), self.kept.trees().synced.get(id)) {
            (true, Some(synced)) => self.shown_local(synced.local),
            (true, None) => id.to_string(),
            (false, _) => names.join("/"),
        }
    }

    /// What an operation is about, for people.
    pub(super) fn subject(&self, operation: &Operation) -> String {
        match operation {
            Operation::Adopt { local, .. }
            | Operation::Hash { local, .. }
            | Operation::CreateRemoteFolder { local, .. }
            | Operation::Upload { local, .. }
            | Operation::MoveLocal { local, .. }
            | Operation::RemoveLocal { local, .. } => self.shown_local(*local),
            Operation::Forget { node }
            | Operation::MoveRemote { node, .. }
            | Operation::DeleteRemote { node, .. }
            | Operation::CreateLocalFolder { node, .. }
            | Operation::Download { node, .. } => self.shown_node(*node),
        }
    }

    /// How much a plan is.
    pub(super) fn tell_planned(&self, operations: &[Operation]) {
        let sizes = operations.iter().filter_map(|operation| match operation {
            Operation::Upload { expected, .. } => Some(expected.size),
            Operation::Download { content, .. } => Some(content.size),
            _ => None,
        });
        let (files, bytes) = sizes.fold((0, 0), |(files, bytes), size| (files + 1, bytes + size));
        self.io.progress.event(Event::Planned {
            operations: operations.len(),
            files,
            bytes,
        });
    }

    /// All that can't be synced as it is.
    pub(super) fn troubles(&self, round: &Round, problems: &[Problem]) -> Vec<Trouble> {
        let planned = problems.iter().map(|problem| Trouble {
            path: match (problem.local, problem.node) {
                (Some(local), _) => self.shown_local(local),
                (None, Some(node)) => self.shown_node(node),
                (None, None) => String::new(),
            },
            reason: reason(problem.reason),
        });
        self.unseen
            .iter()
            .cloned()
            .chain(planned)
            .chain(round.troubles())
            .collect()
    }

    /// Whether an operation waits: a file that just became empty may be in the middle of being written. Notes how long.
    pub(super) fn is_held(&self, operation: &Operation, held: &mut Option<Duration>) -> bool {
        let Operation::Upload {
            expected,
            to: UploadTo::Version { node, .. },
            ..
        } = operation
        else {
            return false;
        };
        let was_empty = self
            .kept
            .trees()
            .remote
            .get(*node)
            .and_then(|node| node.kind.content())
            .is_none_or(|content| content.size == 0);
        if expected.size > 0 || was_empty {
            return false;
        }
        let since = self.io.world.now().unix_timestamp_nanos() - i128::from(expected.changed);
        // A change time in the future tells nothing, and would hold the file back for ever.
        let since = Duration::from_nanos(u64::try_from(since).unwrap_or(u64::MAX));
        let left = self.config.limits.empty_for.saturating_sub(since);
        if left.is_zero() {
            return false;
        }
        *held = Some(held.map_or(left, |held| held.min(left)));
        true
    }
}

/// What waits for a person, in words.
pub fn pause(pause: &Pause) -> String {
    match pause {
        Pause::MassDelete {
            side,
            deletes,
            synced,
        } => {
            let side = match side {
                Side::Remote => "on the server",
                Side::Local => "on this device",
            };
            format!(
                "{deletes} of {synced} files and folders would be deleted {side}; agree to it with \
                 `bitvault sync resume --delete {deletes}`, or put them back"
            )
        }
        Pause::RootGone => {
            "the folder on the server is gone or no longer shared with you; nothing is changed here"
                .to_owned()
        }
    }
}

fn reason(reason: Reason) -> String {
    match reason {
        Reason::NameInvalid(trouble) => format!("its name {trouble}, which the server refuses; rename it"),
        Reason::ReadOnly => "you may not change it on the server; the change stays on this device".to_owned(),
        Reason::NameOccupied => {
            "something that is not synced has its name on this device; rename or remove that".to_owned()
        }
        Reason::Unexplained => {
            "the server no longer lists it, but nobody deleted it; it stays on this device".to_owned()
        }
    }
}
