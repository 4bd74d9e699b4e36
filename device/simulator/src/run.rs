//! A run of one seed: engines, people and accidents in one thread, then rest, then the checks.

use std::panic::AssertUnwindSafe;

use bitvault_device::engine::{EngineError, Rest};
use bitvault_device::planner::NameRules;

use crate::check;
use crate::device::{Device, is_ordinary};
use crate::hub::Hub;
use crate::ledger::Ledger;
use crate::machine::Machine;
use crate::mistake::Mistake;
use crate::people::People;
use crate::server::ModelServer;
use crate::setting::{Actors, Setting};
use crate::store::Rows;
use crate::trace::Trace;

/// Most steps of a run until rest.
const STEPS: usize = 20_000;
/// Rounds within which all must have come to rest.
const ROUNDS: usize = 40;

/// What is asked for beside the seed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The trace is kept as lines, for people.
    pub keeps_lines: bool,
    /// A mistake that the devices make.
    pub mistake: Option<Mistake>,
    /// All is put right after so many acts of people: a failing run is shorter for it, and the same until there.
    pub acts: Option<usize>,
}

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// All that happened.
    pub trace: Trace,
    /// What is wrong, if anything is.
    pub failure: Option<String>,
}

/// Plays a seed.
pub fn run(seed: u64, options: Options) -> Outcome {
    let hub = Hub::new(seed, options.keeps_lines);
    let played = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let mut run = Run::new(&hub, options.mistake);
        run.setting.acts = run.setting.acts.min(options.acts.unwrap_or(usize::MAX));
        run.play()?;
        run.rest()?;
        check::all(&run)
    }));
    let failure = match played {
        Ok(checked) => checked.err(),
        Err(panic) => Some(panicked(&*panic)),
    };
    Outcome {
        trace: hub.trace(),
        failure,
    }
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panic: {}", text.unwrap_or("without a word"))
}

/// All that takes part.
pub(crate) struct Run {
    pub(crate) hub: Hub,
    pub(crate) setting: Setting,
    pub(crate) server: ModelServer,
    pub(crate) devices: Vec<Device>,
    pub(crate) ledger: Ledger,
    pub(crate) people: People,
    pub(crate) backup: Option<ModelServer>,
    pub(crate) saved: Vec<Option<Rows>>,
    /// Something happened after which old contents may come back, or be there twice.
    pub(crate) may_repeat: bool,
    /// What each device said last at rest.
    pub(crate) rests: Vec<Rest>,
}

impl Run {
    fn new(hub: &Hub, mistake: Option<Mistake>) -> Self {
        let setting = Setting::draw(hub);
        hub.tell(format_args!("{setting:?}"));
        let server = ModelServer::new();
        let devices = (0..setting.devices).map(|number| {
            let nature = setting.nature(hub, number);
            hub.tell(format_args!("d{number}: {nature:?}"));
            let names = match nature.folds {
                true => NameRules::windows(),
                false => NameRules::posix(),
            };
            Device::new(Machine::new(hub, number, nature), &server, names, mistake)
        });
        let devices: Vec<Device> = devices.collect();
        Self {
            hub: hub.clone(),
            setting,
            saved: vec![None; devices.len()],
            rests: vec![Rest::default(); devices.len()],
            devices,
            server,
            ledger: Ledger::default(),
            people: People::default(),
            backup: None,
            may_repeat: false,
        }
    }

    /// People act, engines work, and things go wrong.
    fn play(&mut self) -> Result<(), String> {
        for device in &self.devices {
            let mut machine = device.machine.lock();
            machine.losses = self.setting.losses;
            machine.short_downloads = self.setting.short_downloads;
            machine.partial_listings = self.setting.partial_listings;
            machine.disk_errors = self.setting.disk_errors;
            machine.state_errors = self.setting.state_errors;
        }
        let mut acts = 0;
        // So many steps from one act to the next: some runs are hurried, and in some the engines come to rest in between.
        let pace = [5, 20, 60][self.hub.below(3)];
        for _ in 0..STEPS {
            if self.hub.below(pace) == 0 {
                if acts == self.setting.acts {
                    return Ok(());
                }
                acts += 1;
                self.act();
            }
            self.accidents()?;
            self.step()?;
        }
        Ok(())
    }

    fn act(&mut self) {
        let number = match self.setting.actors {
            Actors::OneMachine => 0,
            _ => self.hub.below(self.devices.len()),
        };
        let machine = self.devices[number].machine.clone();
        let is_plain = self.setting.is_plain;
        let is_on_web = match self.setting.actors {
            Actors::Everyone => self.hub.below(100) < self.setting.web,
            Actors::OneMachine => false,
            Actors::Web => true,
        };
        if is_on_web {
            self.people
                .act_on_web(&self.server, &machine, &mut self.ledger, is_plain);
        } else {
            self.people.act(&machine, &mut self.ledger, is_plain);
        }
    }

    /// Lets one call of one engine go on, or begins a session of one that has none.
    fn step(&mut self) -> Result<(), String> {
        let number = self.hub.below(self.devices.len());
        if !self.devices[number].is_working() {
            if self.hub.below(8) == 0 {
                let keeps_running = self.hub.below(100) < self.setting.watches;
                self.hub
                    .tell(format_args!("d{number} begins, keeps running: {keeps_running}"));
                self.devices[number].begin(keeps_running);
            }
        } else if !self.open_one(number) {
            // It sleeps, or waits for something to happen.
            self.hub.pass_time(20_000_000);
            if self.hub.below(30) == 0 {
                self.pass_until_ready(number);
            }
        }
        for (number, ended) in self.poll() {
            match ended {
                Ok(rest) => self.hub.tell(format_args!("d{number} rests: {rest:?}")),
                Err(error) if is_ordinary(&error) => self.hub.tell(format_args!("d{number} stops: {error}")),
                // People are at work all the time: it may have had no chance.
                Err(EngineError::Restless(_)) => {
                    self.hub.tell(format_args!("d{number} does not come to rest"))
                }
                Err(error) => return Err(format!("d{number} stops: {error}")),
            }
        }
        Ok(())
    }

    /// Opens a gate of a device; false when nothing of it may go on now.
    fn open_one(&mut self, number: usize) -> bool {
        let ready = self.hub.ready(number);
        let Some(ticket) = self.hub.pick(&ready).copied() else {
            return false;
        };
        let took = i64::try_from(self.hub.below(2_000_000)).unwrap_or(0);
        self.hub.pass_time(took);
        if ready.len() > 1 {
            self.hub.met("calls side by side");
        }
        self.hub.open(ticket);
        true
    }

    /// Lets time pass until something of a device may go on.
    fn pass_until_ready(&self, number: usize) {
        if let Some(from) = self.hub.earliest(|owner| owner == number) {
            self.hub.pass_time((from - self.hub.now()).max(0));
        }
    }

    fn poll(&mut self) -> Vec<(usize, Result<Rest, EngineError>)> {
        let devices = self.devices.iter_mut().enumerate();
        devices
            .filter_map(|(number, device)| Some((number, device.poll()?)))
            .collect()
    }

    /// Everything is put right, and all devices sync in turn until none has anything to do.
    fn rest(&mut self) -> Result<(), String> {
        self.hub.tell(format_args!("all is put right"));
        self.put_right();
        for round in 0..ROUNDS {
            let told = self.server.journal_len();
            let mut done = 0;
            for number in 0..self.devices.len() {
                done += self.settle(number)?;
            }
            if done == 0 && self.server.journal_len() == told && round > 0 {
                return Ok(());
            }
        }
        Err(format!(
            "no rest: after {ROUNDS} rounds there still is something to do"
        ))
    }

    /// Syncs one device until it rests; tells how much it had to do. What it asks for it gets.
    fn settle(&mut self, number: usize) -> Result<usize, String> {
        let mut done = 0;
        let mut has_asked = false;
        loop {
            self.devices[number].begin(false);
            let rest = loop {
                if let Some((_, ended)) = self.poll().pop() {
                    break ended;
                }
                if !self.open_one(number) {
                    self.pass_until_ready(number);
                }
            };
            if let Err(EngineError::NotTheFolder(_)) = &rest
                && !has_asked
            {
                // The person does what the message says.
                has_asked = true;
                self.hub.met("marker missing");
                self.may_repeat = true;
                self.devices[number].store.put_back(Rows::default());
                continue;
            }
            let rest = rest.map_err(|error| format!("d{number} does not sync when all is well: {error}"))?;
            self.hub.tell(format_args!("d{number} rests: {rest:?}"));
            done += rest.done;
            let has_pauses = !rest.pauses.is_empty();
            self.rests[number] = rest;
            if !has_pauses {
                return Ok(done);
            }
            self.hub.met("mass delete");
            self.devices[number].store.ask(|control| {
                control.agreed = bitvault_device::state::Agreed {
                    remote: usize::MAX,
                    local: usize::MAX,
                };
            });
        }
    }
}
