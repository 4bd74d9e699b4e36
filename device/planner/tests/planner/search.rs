//! The search: people act on the server and on up to three devices at random, devices sync in between with mishaps, and at
//! the end all must come to rest with nothing lost.
//!
//! Each run has new cases; `BITVAULT_PLANNER_CASES=1000000 cargo test -p bitvault-planner search` searches longer. A failure
//! is shrunk and printed as what was done and as the script that leads to it; its seed is kept in `regressions.txt` beside
//! this file and tried first from then on.

mod acts;
mod check;
mod mistakes;
mod script;
mod world;

use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, TestError, TestRunner};

use acts::WebAct;
use script::{ORDINARY, Setting};
use world::{Step, World};

/// Cases of all searches here together, unless the environment says otherwise.
const CASES: u32 = 10_000;
/// Searches here.
const SEARCHES: u32 = 9;

fn config() -> ProptestConfig {
    let asked = std::env::var_os("BITVAULT_PLANNER_CASES").and_then(|cases| cases.to_str()?.parse().ok());
    let cases: u32 = asked.unwrap_or(CASES);
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/planner/regressions.txt");
    ProptestConfig {
        cases: cases.div_ceil(SEARCHES),
        max_shrink_iters: 20_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(kept))),
        ..ProptestConfig::default()
    }
}

/// Plays a script to its end and checks what is left.
fn play(setting: Setting, tree: &[WebAct], script: &[Step], log: &mut Option<Vec<String>>) {
    let mut world = World::new(setting);
    // A failed check must leave the log behind.
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        for act in tree {
            act.on(&mut world.server, &mut world.deeds);
        }
        world.rest();
        std::mem::swap(&mut world.log, log);
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
    let mut runner = TestRunner::new(config());
    let outcome = runner.run(&script::script(setting), |(tree, script)| {
        play(setting, &tree, &script, &mut None);
        Ok(())
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Abort(reason)) => panic!("{reason}"),
        Err(TestError::Fail(reason, (tree, script))) => {
            let mut log = Some(Vec::new());
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                play(setting, &tree, &script, &mut log);
            }));
            let log = log.unwrap_or_default().join("\n");
            panic!("{log}\n\n{reason}\n\nreplay: play({setting:?}, &{tree:?}, &{script:?}, &mut None)");
        }
    }
}

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

/// The Windows-like device: on the others a person can make twins.
#[test]
fn where_people_act_on_one_device_only_there_is_no_conflict() {
    search(Setting {
        first: 1,
        web: 0,
        loses_answers: false,
        ..ORDINARY
    });
}

#[test]
fn where_people_act_on_the_server_only_there_is_no_conflict() {
    search(Setting {
        devices: 3,
        disk: 0,
        loses_answers: false,
        ..ORDINARY
    });
}
