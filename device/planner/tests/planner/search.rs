//! The search: people act on the server and on up to three devices at random, devices sync in between with mishaps, and at
//! the end all must come to rest with nothing lost.
//!
//! `BITVAULT_PLANNER_CASES=1000000 cargo test -p bitvault-planner search` searches longer. A failure is shrunk and printed as
//! the script that leads to it; its seed is kept in `regressions.txt` beside this file and tried first from then on.

mod acts;
mod check;

use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, TestError, TestRunner};

use crate::model::{Deeds, Device, Mishap, Server};
use acts::{DiskAct, WebAct};

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
    events: usize,
    /// Whether it scans before.
    scans: bool,
    /// The order in which it does what is planned, and the mishaps.
    seed: u64,
    /// What a person does on its disk after so many operations.
    disturbance: Option<(usize, DiskAct)>,
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
    pub(crate) server: Server,
    pub(crate) devices: Vec<Device>,
    pub(crate) deeds: Deeds,
    /// A device without its state can't tell what was deleted or moved from what is new.
    pub(crate) has_lost_state: bool,
    /// What was done, where somebody wants to know.
    pub(crate) log: Option<Vec<String>>,
}

impl World {
    pub(crate) fn new(devices: usize) -> Self {
        let server = Server::new();
        let devices = (0..devices).map(|number| Device::new(number, &server)).collect();
        Self {
            server,
            devices,
            deeds: Deeds::default(),
            has_lost_state: false,
            log: None,
        }
    }

    pub(crate) fn play(&mut self, script: &[Step]) {
        for step in script {
            self.tell(|| format!("{step:?}"));
            match step {
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
        if sync.scans {
            device.scan();
        }
        let mut operations = device.plan().operations;
        let has_work = !operations.is_empty();
        let mut random = Random(sync.seed | 1);
        random.shuffle(&mut operations);
        for (done, operation) in operations.iter().enumerate() {
            if let Some((after, act)) = &sync.disturbance
                && *after == done
            {
                act.on(device, &mut self.deeds);
            }
            let mishap = match random.below(10) {
                0 | 1 if has_mishaps => Mishap::Skipped,
                2 if has_mishaps => Mishap::Lost,
                _ => Mishap::None,
            };
            // A refusal is nothing special: the next plan knows better.
            if mishap == Mishap::Lost {
                self.deeds.repeat(operation);
            }
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

fn sync() -> impl Strategy<Value = Sync> {
    (
        prop_oneof![3 => Just(usize::MAX), 1 => 0..4_usize],
        proptest::bool::weighted(0.8),
        any::<u64>(),
        proptest::option::weighted(0.2, (0..4_usize, acts::disk())),
    )
        .prop_map(|(events, scans, seed, disturbance)| Sync {
            events,
            scans,
            seed,
            disturbance,
        })
}

/// What happens in a search beside the ordinary.
#[derive(Debug, Clone, Copy, Default)]
struct Setting {
    devices: usize,
    /// People act on disks, and on the server.
    disk: u32,
    web: u32,
    /// Entries that are never synced turn up.
    unsynced: u32,
    /// Rights are taken and given.
    rights: u32,
    /// Folders are left out and taken in again.
    excludes: u32,
    /// Devices lose their state.
    loses_state: u32,
}

fn step(setting: Setting) -> impl Strategy<Value = Step> {
    let device = 0..3_usize;
    prop_oneof![
        setting.disk => (device.clone(), acts::disk()).prop_map(|(device, act)| Step::Disk(device, act)),
        setting.web => acts::web().prop_map(Step::Web),
        6 => (device.clone(), sync()).prop_map(|(device, sync)| Step::Sync(device, sync)),
        setting.unsynced => (device.clone(), acts::rare_on_disk()).prop_map(|(device, act)| Step::Disk(device, act)),
        setting.rights => acts::rights().prop_map(Step::Web),
        setting.excludes => (device.clone(), any::<u8>()).prop_map(|(device, node)| Step::Exclude(device, node)),
        setting.loses_state => device.prop_map(Step::LoseState),
    ]
}

/// A tree that all agree on, and then what happens.
fn script(setting: Setting) -> impl Strategy<Value = (Vec<WebAct>, Vec<Step>)> {
    (
        proptest::collection::vec(acts::growing(), 0..8),
        proptest::collection::vec(step(setting), 1..24),
    )
}

fn config() -> ProptestConfig {
    let cases = std::env::var_os("BITVAULT_PLANNER_CASES")
        .and_then(|cases| cases.to_str()?.parse().ok())
        .unwrap_or(10_000 / 7);
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/planner/regressions.txt");
    ProptestConfig {
        cases,
        max_shrink_iters: 20_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(kept))),
        ..ProptestConfig::default()
    }
}

fn play(devices: usize, tree: &[WebAct], script: &[Step], log: &mut Option<Vec<String>>) {
    let mut world = World::new(devices);
    // A failed check must leave the log behind.
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        for act in tree {
            act.on(&mut world.server, &mut world.deeds);
        }
        world.rest();
        std::mem::swap(&mut world.log, log);
        let tree = check::view(&world.server, |_| true);
        world.tell(|| format!("{tree:?}"));
        world.play(script);
        world.rest();
        check::all(&world);
    }));
    std::mem::swap(&mut world.log, log);
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

/// Runs the cases; plays the smallest that fails once more and tells all of it.
fn search(setting: Setting) {
    let devices = setting.devices;
    let mut runner = TestRunner::new(config());
    let outcome = runner.run(&script(setting), |(tree, script)| {
        play(setting.devices, &tree, &script, &mut None);
        Ok(())
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Abort(reason)) => panic!("{reason}"),
        Err(TestError::Fail(reason, (tree, script))) => {
            let mut log = Some(Vec::new());
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                play(setting.devices, &tree, &script, &mut log);
            }));
            let log = log.unwrap_or_default().join("\n");
            panic!("{log}\n\n{reason}\n\nreplay: play({devices}, &{tree:?}, &{script:?}, &mut None)");
        }
    }
}

const ORDINARY: Setting = Setting {
    devices: 1,
    disk: 8,
    web: 4,
    unsynced: 0,
    rights: 0,
    excludes: 0,
    loses_state: 0,
};

#[test]
fn a_device_and_the_server_come_to_rest_and_nothing_is_lost() {
    search(ORDINARY);
}

#[test]
fn two_devices_come_to_rest_and_nothing_is_lost() {
    search(Setting {
        devices: 2,
        ..ORDINARY
    });
}

#[test]
fn three_devices_come_to_rest_and_nothing_is_lost() {
    search(Setting {
        devices: 3,
        ..ORDINARY
    });
}

#[test]
fn nothing_is_lost_among_entries_that_are_never_synced() {
    search(Setting {
        devices: 2,
        unsynced: 3,
        ..ORDINARY
    });
}

#[test]
fn nothing_is_lost_when_rights_come_and_go() {
    search(Setting {
        devices: 2,
        rights: 3,
        ..ORDINARY
    });
}

#[test]
fn nothing_is_lost_when_folders_are_left_out_and_taken_in_again() {
    search(Setting {
        devices: 2,
        excludes: 3,
        ..ORDINARY
    });
}

#[test]
fn nothing_is_lost_when_devices_lose_their_state() {
    search(Setting {
        devices: 2,
        loses_state: 1,
        ..ORDINARY
    });
}
