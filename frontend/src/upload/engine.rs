//! Runs the queue: starts what may start, hears what the runs report, shows the page a picture of it.
//!
//! Invariants: the queue is changed here and nowhere else; the picture is refreshed at most every [`PICTURE_MS`], and
//! always after the last change.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use leptos::prelude::{GetUntracked, RwSignal, Set, Update};
use leptos::task::spawn_local;
use web_sys::File;

use super::file::{self, Report, Stopped};
use super::folders::Folders;
use super::pick::Picked;
use super::queue::{Choice, Failure, Item, Queue, Run, State, Target, Totals};
use super::rate::RateMeter;
use super::send::Cancel;
use crate::api::Api;
use crate::browser;

/// Least time between two pictures, in milliseconds.
const PICTURE_MS: u32 = 120;
/// Most rows in a picture: what needs a person first, then what runs, waits and has ended.
const ROWS: usize = 150;

/// What the page shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Picture {
    pub(crate) rows: Vec<Item>,
    /// How many items have no row.
    pub(crate) hidden: usize,
    pub(crate) totals: Totals,
    /// Bytes per second.
    pub(crate) rate: Option<f64>,
    pub(crate) seconds_left: Option<u64>,
}

/// The uploads of this page.
pub(crate) struct Engine {
    api: Api,
    queue: RefCell<Queue>,
    files: RefCell<HashMap<u64, File>>,
    cancels: RefCell<HashMap<u64, Rc<Cancel>>>,
    folders: Folders,
    rate: RefCell<RateMeter>,
    picture: RwSignal<Picture>,
    /// Grows when a file or folder has come to be.
    arrived: RwSignal<u64>,
    picture_is_due: Cell<bool>,
}

impl Engine {
    pub(crate) fn new(api: Api) -> Rc<Self> {
        Rc::new(Self {
            api,
            queue: RefCell::default(),
            files: RefCell::default(),
            cancels: RefCell::default(),
            folders: Folders::default(),
            rate: RefCell::default(),
            picture: RwSignal::new(Picture::default()),
            arrived: RwSignal::new(0),
            picture_is_due: Cell::new(false),
        })
    }

    pub(crate) fn picture(&self) -> RwSignal<Picture> {
        self.picture
    }

    pub(crate) fn arrived(&self) -> RwSignal<u64> {
        self.arrived
    }

    /// Puts what was picked in line, for the folder `parent_id`. Answers what could not be read or made.
    pub(crate) async fn add(self: &Rc<Self>, parent_id: &str, picked: Picked) -> Vec<String> {
        let idle = self.queue.borrow().totals().open == 0;
        if idle {
            self.folders.forget();
            self.rate.borrow_mut().reset();
        }
        for (folders, file) in picked.files {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a file's size"
            )]
            let size = file.size() as u64;
            let target = Target {
                parent_id: parent_id.to_owned(),
                folders,
                name: file.name(),
                on_conflict: None,
            };
            let id = self.queue.borrow_mut().add(target, size);
            self.files.borrow_mut().insert(id, file);
        }
        self.pump();
        let mut problems: Vec<String> = picked
            .unreadable
            .iter()
            .map(|name| format!("“{name}” can't be read."))
            .collect();
        for folder in picked.empty_folders {
            match self.folders.ensure(&self.api, parent_id, &folder).await {
                Ok(_) => self.arrived.update(|count| *count += 1),
                Err(failure) => problems.push(failure.message),
            }
        }
        problems
    }

    pub(crate) fn cancel(self: &Rc<Self>, id: u64) {
        if self.queue.borrow_mut().cancel(id)
            && let Some(cancel) = self.cancels.borrow_mut().remove(&id)
        {
            cancel.cancel();
        }
        self.pump();
    }

    /// Gives up everything that has not ended.
    pub(crate) fn cancel_all(self: &Rc<Self>) {
        let open: Vec<u64> = self
            .queue
            .borrow()
            .items()
            .iter()
            .filter(|item| item.state.is_open() || item.state == State::Conflict)
            .map(|item| item.id)
            .collect();
        for id in open {
            self.cancel(id);
        }
    }

    pub(crate) fn retry(self: &Rc<Self>, id: u64) {
        self.queue.borrow_mut().retry(id);
        self.pump();
    }

    pub(crate) fn resolve(self: &Rc<Self>, id: u64, choice: Choice, for_all: bool) {
        self.queue.borrow_mut().resolve(id, choice, for_all);
        self.pump();
    }

    pub(crate) fn clear_ended(self: &Rc<Self>) {
        for id in self.queue.borrow_mut().clear_ended() {
            self.files.borrow_mut().remove(&id);
        }
        self.draw();
    }

    fn pump(self: &Rc<Self>) {
        loop {
            let next = self.queue.borrow_mut().start_next();
            let Some((run, item)) = next else { break };
            let Some(file) = self.files.borrow().get(&item.id).cloned() else {
                continue;
            };
            let cancel = Rc::new(Cancel::default());
            self.cancels.borrow_mut().insert(item.id, cancel.clone());
            let engine = self.clone();
            spawn_local(async move {
                let end = engine.run(run, item, file, cancel).await;
                engine.finish(run, end);
            });
        }
        self.draw();
    }

    async fn run(self: &Rc<Self>, run: Run, item: Item, file: File, cancel: Rc<Cancel>) -> State {
        /// Names that are tried when both files are kept.
        const NAMES_TRIED: u32 = 100;
        let target = &item.target;
        let folder = match self
            .folders
            .ensure(&self.api, &target.parent_id, &target.folders)
            .await
        {
            Ok(folder) => folder,
            Err(failure) => return State::Failed(failure),
        };
        let report = Rc::new(RunReport {
            engine: self.clone(),
            run,
        });
        let sender = file::Run {
            api: self.api.clone(),
            file: file.into(),
            cancel,
            report,
        };
        let mut item = item.clone();
        for number in 3..3 + NAMES_TRIED {
            match sender.upload(&item, &folder).await {
                Ok(_) => return State::Done,
                Err(Stopped::Cancelled) => return State::Cancelled,
                Err(Stopped::Failed(failure)) => return State::Failed(failure),
                Err(Stopped::Conflict) if item.target.on_conflict == Some(Choice::KeepBoth) => {
                    item.target.name = super::names::numbered(&item.target.name, number);
                    self.queue.borrow_mut().rename(run, &item.target.name);
                }
                Err(Stopped::Conflict) => return State::Conflict,
            }
        }
        State::Failed(Failure {
            message: "A hundred files of this name are there already. Rename the file.".to_owned(),
            trace_id: None,
        })
    }

    fn finish(self: &Rc<Self>, run: Run, end: State) {
        let done = end == State::Done;
        let heard = self.queue.borrow_mut().advance(run, end);
        if heard {
            self.cancels.borrow_mut().remove(&run.id);
        }
        if heard && done {
            // A file that is there needs no second reading.
            self.files.borrow_mut().remove(&run.id);
            self.arrived.update(|count| *count += 1);
        }
        self.pump();
    }

    /// Draws a new picture soon, unless one is due already.
    fn draw(self: &Rc<Self>) {
        if self.picture_is_due.replace(true) {
            return;
        }
        let engine = self.clone();
        spawn_local(async move {
            browser::sleep_ms(if engine.picture.get_untracked().totals.open == 0 {
                0
            } else {
                PICTURE_MS
            })
            .await;
            engine.picture_is_due.set(false);
            let picture = engine.look();
            engine.picture.set(picture);
        });
    }

    fn look(&self) -> Picture {
        let queue = self.queue.borrow();
        let totals = queue.totals();
        let mut rate = self.rate.borrow_mut();
        if totals.open == 0 {
            rate.reset();
        } else {
            rate.record(browser::now_ms(), totals.sent);
        }
        let mut rows: Vec<&Item> = queue.items().iter().collect();
        let hidden = rows.len().saturating_sub(ROWS);
        if hidden > 0 {
            rows.sort_by_key(|item| urgency(&item.state));
            rows.truncate(ROWS);
        }
        Picture {
            rows: rows.into_iter().cloned().collect(),
            hidden,
            totals,
            rate: rate.per_second(),
            seconds_left: rate.seconds_left(totals.bytes.saturating_sub(totals.sent)),
        }
    }
}

fn urgency(state: &State) -> u8 {
    match state {
        State::Conflict => 0,
        State::Failed(_) => 1,
        State::Preparing | State::Sending | State::Committing => 2,
        State::Waiting => 3,
        State::Done | State::Cancelled | State::Skipped => 4,
    }
}

struct RunReport {
    engine: Rc<Engine>,
    run: Run,
}

impl Report for RunReport {
    fn state(&self, state: State) {
        self.engine.queue.borrow_mut().advance(self.run, state);
        self.engine.draw();
    }

    fn sent(&self, bytes: u64) {
        self.engine.queue.borrow_mut().progress(self.run, bytes);
        self.engine.draw();
    }
}
