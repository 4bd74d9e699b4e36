//! All that takes part in a search, and how a script plays with it.

use bitvault_planner::{Operation, Why};

use crate::model::{Deeds, Device, Mishap, Server};
use crate::search::acts::{DiskAct, WebAct};
use crate::search::script::Setting;

/// Rounds within which all must have come to rest.
const ROUNDS: usize = 200;

/// One step of a script.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// A person acts on a device's disk.
    Disk(usize, DiskAct),
    /// A person acts on the server.
    Web(WebAct),
    /// A device syncs.
    Sync(usize, Sync),
    /// A device loses its state.
    LoseState(usize),
    /// A device leaves a folder out, or takes it in again.
    Exclude(usize, u8),
}

/// How a device syncs once.
#[derive(Debug, Clone)]
pub(crate) struct Sync {
    /// Entries of the journal that it takes in before.
    pub(crate) events: usize,
    /// Whether it scans before.
    pub(crate) scans: bool,
    /// The order in which it does what is planned, and the mishaps.
    pub(crate) seed: u64,
    /// What a person does on its disk after so many operations.
    pub(crate) disturbance: Option<(usize, DiskAct)>,
}

impl Sync {
    fn whole(seed: u64) -> Self {
        Self {
            events: usize::MAX,
            scans: true,
            seed,
            disturbance: None,
        }
    }
}

/// All that takes part.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) setting: Setting,
    pub(crate) server: Server,
    pub(crate) devices: Vec<Device>,
    pub(crate) deeds: Deeds,
    /// Conflicted copies and twins that were made.
    pub(crate) conflicts: usize,
    /// A device without its state can't tell what was deleted or moved from what is new.
    pub(crate) has_lost_state: bool,
    /// What was done, where somebody wants to know.
    pub(crate) log: Option<Vec<String>>,
}

impl World {
    pub(crate) fn new(setting: Setting) -> Self {
        let server = Server::new();
        let devices = (0..setting.devices)
            .map(|number| Device::new(setting.first + number, &server, setting.mistake))
            .collect();
        Self {
            setting,
            server,
            devices,
            deeds: Deeds::default(),
            conflicts: 0,
            has_lost_state: false,
            log: None,
        }
    }

    pub(crate) fn play(&mut self, script: &[Step]) {
        for step in script {
            self.tell(|| format!("{step:?}"));
            match step {
                // A script that shrinks may come to steps of no weight.
                Step::Disk(..) if self.setting.disk == 0 => {}
                Step::Web(_) if self.setting.web == 0 => {}
                Step::Disk(device, act) => {
                    let number = device % self.devices.len();
                    act.on(&mut self.devices[number], &mut self.deeds);
                }
                Step::Web(act) => act.on(&mut self.server, &mut self.deeds),
                Step::Sync(device, sync) => {
                    let number = device % self.devices.len();
                    self.sync(number, sync, true);
                }
                Step::LoseState(device) => {
                    let number = device % self.devices.len();
                    self.devices[number].lose_state(&self.server);
                    self.has_lost_state = true;
                }
                Step::Exclude(device, node) => {
                    let number = device % self.devices.len();
                    let live = self.server.live();
                    if let Some(node) = live.get(usize::from(*node) % live.len().max(1)) {
                        let excluded = &mut self.devices[number].policy.excluded;
                        if !excluded.remove(node) {
                            excluded.insert(*node);
                        }
                    }
                }
            }
        }
    }

    /// Syncs one device once; whether it had anything to do.
    pub(crate) fn sync(&mut self, number: usize, sync: &Sync, has_mishaps: bool) -> bool {
        let device = &mut self.devices[number];
        device.pull(&self.server, sync.events);
        if sync.scans || device.has_died {
            device.scan();
        }
        let mut operations = device.plan().operations;
        let has_work = !operations.is_empty();
        let mut random = Random(sync.seed | 1);
        random.shuffle(&mut operations);
        for (done, operation) in operations.iter().enumerate() {
            if let Some((after, act)) = &sync.disturbance
                && *after == done
                && self.setting.disk > 0
            {
                act.on(device, &mut self.deeds);
            }
            let mishap = match random.below(10) {
                0 | 1 if has_mishaps => Mishap::Skipped,
                2 if has_mishaps && self.setting.loses_answers => Mishap::Lost,
                _ => Mishap::None,
            };
            // A refusal is nothing special: the next plan knows better.
            if mishap == Mishap::Lost {
                self.deeds.repeat(operation);
            }
            self.conflicts += usize::from(is_conflict(operation));
            let outcome = device.carry_out(operation, &mut self.server, mishap);
            if let Some(log) = &mut self.log {
                log.push(format!(
                    "  {}: {operation:?} {mishap:?} {outcome:?}",
                    device.policy.device
                ));
            }
        }
        has_work
    }

    fn tell(&mut self, what: impl FnOnce() -> String) {
        if let Some(log) = &mut self.log {
            log.push(what());
        }
    }

    /// Syncs all devices, without mishaps, until none has anything to do.
    pub(crate) fn rest(&mut self) {
        for round in 0..ROUNDS {
            let mut has_work = false;
            for number in 0..self.devices.len() {
                has_work |= self.sync(number, &Sync::whole(round as u64 * 7 + 3), false);
            }
            if !has_work {
                return;
            }
        }
        let plans: Vec<_> = self.devices.iter().map(Device::plan).collect();
        panic!("no rest after {ROUNDS} rounds; still planned: {plans:#?}");
    }
}

fn is_conflict(operation: &Operation) -> bool {
    let (Operation::MoveLocal { why, .. } | Operation::MoveRemote { why, .. }) = operation else {
        return false;
    };
    matches!(why, Why::Conflict | Why::Twin)
}

/// A small generator of numbers (xorshift), so that a script alone tells what happens.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
