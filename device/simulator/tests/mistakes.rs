//! A search that finds no mistake is no search: each of these is found.

use bitvault_simulator::{Mistake, Options, run};

/// Seeds within which each mistake is found.
const SEEDS: u64 = 3000;

#[test]
fn every_mistake_is_found() {
    std::panic::set_hook(Box::new(|_| {}));
    let mut missed = Vec::new();
    for mistake in Mistake::ALL {
        let options = Options {
            mistake: Some(mistake),
            ..Options::default()
        };
        let found = (0..SEEDS).find_map(|seed| Some((seed, run(seed, options).failure?)));
        match found {
            Some((seed, failure)) => println!(
                "{mistake:?} found by seed {seed}: {}",
                &failure[..failure.len().min(120)]
            ),
            None => missed.push(mistake),
        }
    }
    assert_eq!(missed, [], "not found within {SEEDS} seeds");
}
