//! A search that finds no mistake is no search: each of these is found.

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};

use crate::model::Mistake;
use crate::search::play;
use crate::search::script::{self, ORDINARY, Setting};

/// Cases within which each mistake is found.
const CASES: u32 = 4000;

fn setting(mistake: Mistake) -> Setting {
    let setting = Setting {
        devices: 2,
        mistake: Some(mistake),
        ..ORDINARY
    };
    match mistake {
        Mistake::RemovesBeforeNoting => Setting {
            excludes: 3,
            ..setting
        },
        Mistake::TombstoneIgnored => Setting {
            loses_answers: false,
            ..setting
        },
        Mistake::ForgetsAgreedPlaces => Setting {
            devices: 3,
            ..setting
        },
        // Found by whoever edits on the server between a device's pull and its upload.
        Mistake::UploadsOverAnything => Setting { web: 12, ..setting },
        _ => setting,
    }
}

#[test]
fn every_mistake_is_found() {
    let mut missed = Vec::new();
    for mistake in Mistake::ALL {
        let config = ProptestConfig {
            cases: CASES,
            max_shrink_iters: 0,
            failure_persistence: None,
            ..ProptestConfig::default()
        };
        let cases = std::cell::Cell::new(0);
        // The same cases each time, so that the number says something.
        let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let outcome = TestRunner::new_with_rng(config, random).run(
            &script::script(setting(mistake)),
            |(tree, script)| {
                cases.set(cases.get() + 1);
                play(setting(mistake), &tree, &script, &mut None);
                Ok(())
            },
        );
        match outcome {
            Err(TestError::Fail(..)) => println!("{mistake:?} found in case {}", cases.get()),
            _ => missed.push(mistake),
        }
    }
    assert_eq!(missed, [], "not found within {CASES} cases");
}
