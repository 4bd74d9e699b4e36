//! A search that finds no mistake is no search: each of these is found.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bitvault_simulator::{Mistake, Options, run};

/// Seeds within which each mistake is found.
const SEEDS: u64 = 8_000;

#[test]
fn every_mistake_is_found() {
    std::panic::set_hook(Box::new(|_| {}));
    let (next, missed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    // Each run has a thread to itself, as it must.
    std::thread::scope(|scope| {
        for _ in 0..processors {
            scope.spawn(|| {
                while let Some(mistake) = Mistake::FOUND.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match seed_that_finds(*mistake) {
                        Some(seed) => println!("{mistake:?} is found by seed {seed}"),
                        None => missed.lock().unwrap().push(*mistake),
                    }
                }
            });
        }
    });
    assert_eq!(missed.into_inner().unwrap(), [], "not found within {SEEDS} seeds");
}

fn seed_that_finds(mistake: Mistake) -> Option<u64> {
    let options = Options {
        mistake: Some(mistake),
        ..Options::default()
    };
    // What fails without the mistake as well was not found by it.
    let fails = |seed: u64, options| run(seed, options).failure.is_some();
    (0..SEEDS).find(|seed| fails(*seed, options) && !fails(*seed, Options::default()))
}
