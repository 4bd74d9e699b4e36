//! The list of files to send, as a state machine. Pure: no network, no clock, no browser.
//!
//! Invariants:
//! - At most [`FILES_AT_ONCE`] items are running; the oldest waiting item starts first.
//! - Every run of an item has its own `attempt`. What an earlier run still reports (a progress event after a cancel) is
//!   ignored, so that it can't disturb the run that followed.
//! - `sent` never exceeds `size`; an item that is done counts as wholly sent.

use super::names;

/// Files that are sent at the same time.
pub(crate) const FILES_AT_ONCE: usize = 3;

/// Where a file goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The folder that it was dropped on.
    pub(crate) parent_id: String,
    /// Folders below it, to be created when missing.
    pub(crate) folders: Vec<String>,
    /// The name that it gets.
    pub(crate) name: String,
    /// What to do when the name is taken, once a person has said so.
    pub(crate) on_conflict: Option<Choice>,
}

/// What a person wants when the name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// A new version of the file that is there.
    Replace,
    /// Another name for the new one.
    KeepBoth,
    /// Leave the new one out.
    Skip,
}

/// Why a file was not sent, for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What happened and what to do next.
    pub(crate) message: String,
    /// To be quoted in a report.
    pub(crate) trace_id: Option<String>,
}

/// Where an item stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// In line.
    Waiting,
    /// Being read and hashed, its folders created.
    Preparing,
    /// Bytes are on their way to the store.
    Sending,
    /// All bytes are there; the server is taking them over.
    Committing,
    /// The file is there.
    Done,
    /// The name is taken: a person chooses.
    Conflict,
    /// It did not work; may be tried again.
    Failed(Failure),
    /// Given up by a person.
    Cancelled,
    /// Left out because the name was taken.
    Skipped,
}

impl State {
    /// Whether it takes one of the places of [`FILES_AT_ONCE`].
    pub(crate) fn is_running(&self) -> bool {
        matches!(self, Self::Preparing | Self::Sending | Self::Committing)
    }

    /// Whether something is still to come without anybody's doing.
    pub(crate) fn is_open(&self) -> bool {
        self.is_running() || matches!(self, Self::Waiting)
    }
}

/// One file of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) id: u64,
    pub(crate) target: Target,
    /// Bytes of the file.
    pub(crate) size: u64,
    /// Bytes that have left.
    pub(crate) sent: u64,
    pub(crate) state: State,
    attempt: u32,
}

/// One run of one item: what an asynchronous task holds, and shows when it reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) id: u64,
    attempt: u32,
}

/// Sums over the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) files: usize,
    pub(crate) done: usize,
    pub(crate) open: usize,
    pub(crate) failed: usize,
    pub(crate) conflicts: usize,
    pub(crate) bytes: u64,
    pub(crate) sent: u64,
}

/// The list.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    items: Vec<Item>,
    last_id: u64,
    /// "Do this for all": also for conflicts that come later, until the list has nothing open.
    for_all: Option<Choice>,
}

impl Queue {
    /// Appends a file and answers its id.
    pub(crate) fn add(&mut self, target: Target, size: u64) -> u64 {
        self.last_id += 1;
        self.items.push(Item {
            id: self.last_id,
            target,
            size,
            sent: 0,
            state: State::Waiting,
            attempt: 0,
        });
        self.last_id
    }

    /// Takes the next waiting item, if a place is free.
    pub(crate) fn start_next(&mut self) -> Option<(Run, Item)> {
        let running = self.items.iter().filter(|item| item.state.is_running()).count();
        if running >= FILES_AT_ONCE {
            return None;
        }
        let item = self.items.iter_mut().find(|item| item.state == State::Waiting)?;
        item.attempt += 1;
        item.sent = 0;
        item.state = State::Preparing;
        Some((
            Run {
                id: item.id,
                attempt: item.attempt,
            },
            item.clone(),
        ))
    }

    /// A run reports where it stands. Answers whether it was heard.
    pub(crate) fn advance(&mut self, run: Run, state: State) -> bool {
        let for_all = self.for_all;
        let Some(item) = self.running(run) else {
            return false;
        };
        match (&state, for_all) {
            (State::Conflict, Some(choice)) => choose(item, choice),
            (State::Done, _) => {
                item.sent = item.size;
                item.state = state;
            }
            _ => item.state = state,
        }
        if !self.items.iter().any(|item| item.state.is_open()) {
            self.for_all = None;
        }
        true
    }

    /// A run reports bytes sent in total.
    pub(crate) fn progress(&mut self, run: Run, sent: u64) {
        if let Some(item) = self.running(run) {
            item.sent = sent.min(item.size);
        }
    }

    /// The run settled on another name.
    pub(crate) fn rename(&mut self, run: Run, name: &str) {
        if let Some(item) = self.running(run) {
            name.clone_into(&mut item.target.name);
        }
    }

    /// Gives up an item. Answers whether it was running, so that its transfer is to be stopped.
    pub(crate) fn cancel(&mut self, id: u64) -> bool {
        let Some(item) = self.find(id) else { return false };
        let was_running = item.state.is_running();
        if was_running || matches!(item.state, State::Waiting | State::Conflict) {
            item.state = State::Cancelled;
        }
        was_running
    }

    /// Puts an item that failed or was given up back in line.
    pub(crate) fn retry(&mut self, id: u64) {
        if let Some(item) = self.find(id)
            && matches!(item.state, State::Failed(_) | State::Cancelled)
        {
            item.sent = 0;
            item.state = State::Waiting;
        }
    }

    /// A person chose what happens to an item whose name is taken; `for_all`: and to every other one.
    pub(crate) fn resolve(&mut self, id: u64, choice: Choice, for_all: bool) {
        if for_all {
            for item in self.items.iter_mut().filter(|item| item.state == State::Conflict) {
                choose(item, choice);
            }
            self.for_all = Some(choice);
        } else if let Some(item) = self.find(id).filter(|item| item.state == State::Conflict) {
            choose(item, choice);
        }
    }

    /// Takes everything that has ended off the list.
    pub(crate) fn clear_ended(&mut self) -> Vec<u64> {
        let (kept, gone) = std::mem::take(&mut self.items)
            .into_iter()
            .partition(|item| item.state.is_open() || item.state == State::Conflict);
        self.items = kept;
        let gone: Vec<Item> = gone;
        gone.into_iter().map(|item| item.id).collect()
    }

    /// The items, in the order in which they were added.
    pub(crate) fn items(&self) -> &[Item] {
        &self.items
    }

    /// Sums over the list. What was given up or left out counts neither as files nor as bytes.
    pub(crate) fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for item in &self.items {
            if matches!(item.state, State::Cancelled | State::Skipped) {
                continue;
            }
            totals.files += 1;
            totals.bytes += item.size;
            totals.sent += item.sent;
            totals.done += usize::from(item.state == State::Done);
            totals.open += usize::from(item.state.is_open());
            totals.failed += usize::from(matches!(item.state, State::Failed(_)));
            totals.conflicts += usize::from(item.state == State::Conflict);
        }
        totals
    }

    fn find(&mut self, id: u64) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.id == id)
    }

    fn running(&mut self, run: Run) -> Option<&mut Item> {
        self.find(run.id)
            .filter(|item| item.attempt == run.attempt && item.state.is_running())
    }
}

fn choose(item: &mut Item, choice: Choice) {
    item.sent = 0;
    item.target.on_conflict = Some(choice);
    item.state = match choice {
        Choice::Skip => State::Skipped,
        Choice::Replace => State::Waiting,
        Choice::KeepBoth => {
            item.target.name = names::numbered(&item.target.name, 2);
            State::Waiting
        }
    };
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
