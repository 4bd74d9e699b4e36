//! Keeps the folder and the server in step: reads the journal, scans, plans, carries out, and plans again until nothing
//! is left to do.
//!
//! Owns the trees and the state; nothing else writes them. Called by the CLI, by tests and by the simulator, which give
//! it file system, server, time and chance.
//!
//! Invariants:
//! - Nothing is planned before the journal was read to its end and the folder was listed: a part of either looks like
//!   something that is gone.
//! - The folder is looked at before each plan: without its marker nothing is done.
//! - What is written to the state as `synced` is durable before; a step whose outcome is unknown is not written, and the
//!   next look at both sides tells.
//! - An operation that is given up is planned again from what is known then, and tried no more than [`TRIES`] times a round.
//! - Everything runs in the caller's task: no thread, timer or task is begun here.

mod carry_out;
mod events;
mod fetched;
mod followed;
mod hashes;
mod io;
mod leftovers;
mod listen;
mod look;
mod open;
mod round;
mod run;
mod spree;
mod tell;
mod transfers;
mod turn;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bitvault_planner::{Guard, LocalId, NameRules, NodeId, Pause, Policy, Trees};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::fs::{FileSystem, FsError, RelPath};
use crate::remote::{Remote, RemoteError};
use crate::scan::Depth;
use crate::state::{Agreed, Control, Kept, LogLine, StateError, Status, Store, Trouble};
use crate::world::World;

pub use events::{Event, Progress, Silent};
use io::Io;
use listen::Due;
use round::Round;
use spree::Spree;
pub use tell::pause;
use turn::Left;

/// How often one operation is tried in a round.
const TRIES: u32 = 3;
/// Most plans of one round: far above what swaps and chains of moves take.
const PLANS: usize = 200;
/// Most rounds until [`Engine::settle`] gives up: other devices may keep it busy.
const ROUNDS: usize = 50;

/// Why the engine stopped.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The server can't be reached, or does not let the device in.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The folder is gone, or can't be made durable.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The state can't be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// The folder has no marker although files of it were synced.
    #[error(
        "{0} is not the folder that was synced: its marker (.bitvault/root.json) is missing. Mount the right disk; if this \
         is the right folder, remove the state and sync again: all that both sides have is matched by content"
    )]
    NotTheFolder(String),
    /// The state was made for another account, server or folder of it.
    #[error("this state belongs to {found}, not to {wanted}")]
    OtherAccount {
        /// What it was made for.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// There is always something left to do.
    #[error("it does not come to rest: after {0} rounds there is still something to do")]
    Restless(usize),
}

/// What the engine works with.
pub struct Parts {
    /// The folder.
    pub fs: Arc<dyn FileSystem>,
    /// The server.
    pub remote: Arc<dyn Remote>,
    /// Time and chance.
    pub world: Arc<dyn World>,
    /// The device's state.
    pub store: Box<dyn Store>,
    /// Who is told what happens.
    pub progress: Arc<dyn Progress>,
}

/// What is synced, and how.
#[derive(Debug, Clone)]
pub struct Config {
    /// What the device is called.
    pub device: String,
    /// Server and account, as a text that tells them from others.
    pub account: String,
    /// The folder of the server.
    pub remote_root: NodeId,
    /// Where the folder is, for people.
    pub shown: String,
    /// What the file system can hold.
    pub names: NameRules,
    /// When deletes wait for a person.
    pub guard: Guard,
    /// How much happens at once.
    pub limits: Limits,
}

/// How much happens at once.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Files that are read for their hash at once.
    pub hashes: usize,
    /// Calls for folders, moves and deletes at once.
    pub calls: usize,
    /// Groups of files on their way in each direction at once.
    pub groups: usize,
    /// Files of one group on their way at once.
    pub files: usize,
    /// Files in a group.
    pub group_files: usize,
    /// A group is full with so many bytes; a larger file is a group by itself.
    pub group_bytes: u64,
    /// What an interrupted download left of a file of this size or more, in bytes, is gone on with; its room is taken
    /// beforehand.
    pub resumed_bytes: u64,
    /// So often it is seen, while something is under way, whether people ask for something else.
    pub look: Duration,
    /// So long files are read, or moved, until what changed meanwhile is planned as well.
    pub turn: Duration,
    /// How long the server is asked to wait for something to tell.
    pub wait: Duration,
    /// The whole folder is listed so often, whatever the hints say.
    pub rescan: Duration,
    /// How long the device's trash keeps what went there.
    pub trash: Duration,
    /// A file that just became empty is sent only when it stays so for this long: it may be being written.
    pub empty_for: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hashes: 4,
            calls: 8,
            groups: 2,
            files: 16,
            group_files: 250,
            group_bytes: 16 * 1024 * 1024,
            resumed_bytes: 8 * 1024 * 1024,
            look: Duration::from_secs(1),
            turn: Duration::from_secs(30),
            wait: Duration::from_secs(25),
            rescan: Duration::from_secs(600),
            trash: Duration::from_secs(30 * 24 * 3600),
            empty_for: Duration::from_secs(10),
        }
    }
}

/// What of the folder a round looks at.
enum Scope {
    Whole,
    /// What these folders hold.
    Folders(Vec<LocalId>),
}

/// What comes behind a round.
enum Then {
    /// There is nothing left to do for now.
    Rest,
    /// Another round when so much time has passed: something was held back.
    Later(Duration),
    /// Another round at once: this one ended before its plan did.
    GoOn,
}

/// The engine at rest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rest {
    /// Operations that were carried out.
    pub done: usize,
    /// What waits for a person.
    pub pauses: Vec<Pause>,
    /// What can't be synced as it is.
    pub troubles: Vec<Trouble>,
    /// People asked that nothing be done for now.
    pub paused: bool,
}

/// Keeps one folder and one folder of a server in step.
pub struct Engine {
    io: Io,
    store: Box<dyn Store>,
    kept: Kept,
    config: Config,
    /// What the last look at the folder could not see.
    unseen: Vec<Trouble>,
    /// Beginnings of downloads that an earlier run left in the folder: gone on with when they are still wanted.
    partials: BTreeSet<RelPath>,
    /// While the server is read anew: how far. It is not kept before the end.
    reading: Option<crate::remote::Cursor>,
    /// What was planned and not begun when its turn was over.
    left: Left,
    /// What was deleted of late.
    spree: Spree,
    /// What people had asked for when the last round began.
    control: Control,
    /// When it is seen next whether that has changed; none until it is waited for.
    look: Option<Due>,
    /// Since when it is in step; none while it isn't.
    in_step: Option<OffsetDateTime>,
    /// Whether the state tells that it isn't.
    tells_work: bool,
    /// The last plan was not carried out to its end, by this engine or the one before: there may be more than was noted.
    was_cut_short: bool,
}

impl Engine {
    /// The trees as they are now.
    pub fn trees(&self) -> &Trees {
        self.kept.trees()
    }

    /// Syncs until nothing is left to do that can be done now.
    ///
    /// # Errors
    /// When the server, the folder or the state can't be used any more. After an error the engine is not to be used
    /// again: open another one on the same state.
    pub async fn settle(&mut self) -> Result<Rest, EngineError> {
        let mut done = 0;
        let mut rounds = 0;
        while rounds < ROUNDS {
            let (rest, then) = self.round(Scope::Whole).await?;
            done += rest.done;
            match then {
                Then::GoOn => continue,
                Then::Later(held) => self.wait_for(held).await?,
                Then::Rest if rest.done > 0 && !rest.paused => {}
                Then::Rest => {
                    let rest = Rest { done, ..rest };
                    self.tell_rest(&rest)?;
                    return Ok(rest);
                }
            }
            rounds += 1;
        }
        Err(EngineError::Restless(ROUNDS))
    }

    /// One round: reads the journal, lists the folder or a part of it, and plans and carries out until the plan is empty or
    /// its turn is over.
    async fn round(&mut self, scope: Scope) -> Result<(Rest, Then), EngineError> {
        self.control = self.store.control()?;
        self.io.ending = CancellationToken::new();
        if self.control.paused {
            let rest = Rest {
                paused: true,
                ..Rest::default()
            };
            return Ok((rest, Then::Rest));
        }
        self.kept.reveal_names();
        self.check_folder().await?;
        if self.was_cut_short {
            self.find_followed().await?;
            self.find_fetched().await?;
            self.was_cut_short = false;
        }
        self.pull().await?;
        match scope {
            Scope::Whole => {
                self.empty_trash().await;
                self.look_at_all().await?;
            }
            Scope::Folders(folders) => self.look_at(folders, Depth::New).await?,
        }
        let mut round = Round::default();
        for _ in 0..PLANS {
            self.check_folder().await?;
            if std::mem::take(&mut round.pull) {
                self.pull().await?;
                for (parent, name) in std::mem::take(&mut round.taken) {
                    self.kept.hide_name(parent, &name);
                }
            }
            let folders = std::mem::take(&mut round.look);
            if !folders.is_empty() {
                self.look_at(folders.into_iter().collect(), Depth::All).await?;
            }
            let trees = self.kept.trees();
            let policy = self.policy();
            let plan = bitvault_planner::plan(&trees.remote, &trees.local, &trees.synced, &policy);
            let mut held = None;
            let operations: Vec<_> = plan
                .operations
                .into_iter()
                .filter(|operation| round.may_try(operation) && !self.is_held(operation, &mut held))
                .collect();
            if operations.is_empty() {
                self.sweep_partials().await?;
                let rest = Rest {
                    done: round.done,
                    troubles: self.troubles(&round, &plan.problems),
                    pauses: plan.pauses,
                    paused: false,
                };
                return Ok((rest, held.map_or(Then::Rest, Then::Later)));
            }
            self.tell_planned(&operations);
            self.tell_work()?;
            self.was_cut_short = true;
            self.carry_out(operations, &mut round).await?;
            self.was_cut_short = self.io.ending.is_cancelled();
            if self.was_cut_short || round.is_over {
                let rest = Rest {
                    done: round.done,
                    ..Rest::default()
                };
                return Ok((rest, Then::GoOn));
            }
        }
        Err(EngineError::Restless(PLANS))
    }

    fn policy(&self) -> Policy {
        let control = &self.control;
        let (before_remote, before_local) = self.spree.of_late(self.io.world.now());
        Policy {
            device: self.config.device.clone(),
            today: self.io.world.today(),
            names: self.config.names.clone(),
            excluded: control.excluded.iter().filter_map(|id| id.parse().ok()).collect(),
            guard: Guard {
                before_remote,
                before_local,
                agreed_remote: control.agreed.remote,
                agreed_local: control.agreed.local,
                ..self.config.guard
            },
        }
    }

    /// Writes what changed in the trees. What is written as `synced` must be durable.
    fn flush(&mut self) -> Result<(), EngineError> {
        let changes = self.kept.take_changes();
        Ok(self.store.apply(&changes)?)
    }

    /// Writes what changed if it is much. Only between changes of which some may be written without the others.
    fn flush_many(&mut self) -> Result<(), EngineError> {
        match self.kept.has_many_changes() {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// What can't be removed now stays until the next look at everything.
    async fn empty_trash(&self) {
        let Some(before) = self.io.trash_from(self.config.limits.trash) else {
            return;
        };
        if let Err(error) = self.io.fs.empty_trash(&before).await {
            tracing::warn!(%error, "empty the device's trash");
        }
    }

    /// Notes that it is not in step, as long as there is something to do.
    fn tell_work(&mut self) -> Result<(), EngineError> {
        if !self.tells_work {
            self.store.set_status(&Status {
                at: Some(self.io.world.now()),
                synced: self.kept.trees().synced.len(),
                ..Status::default()
            })?;
            self.tells_work = true;
        }
        Ok(())
    }

    fn tell_rest(&mut self, rest: &Rest) -> Result<(), EngineError> {
        let now = self.io.world.now();
        let is_in_step = !rest.paused && rest.pauses.is_empty() && rest.troubles.is_empty();
        let since = self.in_step.filter(|_| rest.done == 0).unwrap_or(now);
        self.in_step = is_in_step.then_some(since);
        self.tells_work = false;
        self.store.set_status(&Status {
            at_rest: self.in_step,
            at: Some(now),
            synced: self.kept.trees().synced.len(),
            pauses: rest.pauses.iter().map(tell::pause).collect(),
            problems: rest.troubles.clone(),
            stopped: rest.paused.then(|| "paused".to_owned()),
        })?;
        // Who agreed to many deletes agreed to those, and not to the next ones.
        if !rest.paused && rest.pauses.is_empty() && self.control.agreed != Agreed::default() {
            self.store.end_agreement(self.control.agreed)?;
            self.control.agreed = Agreed::default();
            self.spree.end();
        }
        self.io.progress.event(Event::AtRest);
        Ok(())
    }

    fn log(&mut self, what: &str, path: impl ToString, detail: impl ToString) {
        let line = LogLine {
            at: self.io.world.now(),
            what: what.to_owned(),
            path: path.to_string(),
            detail: detail.to_string(),
        };
        self.io.progress.event(Event::Did(&line));
        self.kept.log(line);
    }
}
