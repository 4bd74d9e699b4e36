//! The search: whole engines among people and accidents, a seed each. `cargo xtask sim` searches longer.

use std::collections::BTreeMap;

use bitvault_simulator::{Options, Trace, run};

/// Seeds of an ordinary run.
const SEEDS: u64 = 2_000;

/// Families of scenarios (design/sync.md) that those seeds must have met, or the search has become poor.
const FAMILIES: [&str; 39] = [
    "a download gone on with",
    "access revoked",
    "access revoked mid-sync",
    "act on what the engine is changing",
    "answer lost",
    "calls side by side",
    "case-only rename",
    "clock jump",
    "conflicted copy",
    "crash",
    "cursor pruned",
    "disk error",
    "disk full",
    "disk full in the middle of a write",
    "download cut",
    "download ends too early",
    "edit while it is read",
    "equal content written",
    "file and folder swap",
    "marker missing",
    "mass delete",
    "move over existing",
    "odd mtime",
    "odd name",
    "own temp file",
    "paused at work",
    "power cut",
    "read-only",
    "same size and mtime edit",
    "selective-sync change",
    "server restored from backup",
    "slow writer",
    "state database cloned",
    "state database lost",
    "state database stale",
    "state disk full",
    "two names swapped",
    "unmount",
    "watcher overflow",
];

/// Plays a seed twice; both must leave the same trace.
#[track_caller]
fn play(seed: u64) -> Trace {
    let (one, other) = (run(seed, Options::default()), run(seed, Options::default()));
    let replay = format!("replay: cargo xtask sim --from {seed} --seeds 1");
    assert_eq!(
        one.trace.hash(),
        other.trace.hash(),
        "two runs of one seed differ; {replay}"
    );
    if let Some(failure) = one.failure {
        panic!("seed {seed}: {failure}\n{replay}");
    }
    one.trace
}

#[test]
fn whole_engines_come_to_rest_and_nothing_is_lost_whatever_goes_wrong() {
    let mut families: BTreeMap<&'static str, u64> = BTreeMap::new();
    for seed in 0..SEEDS {
        for family in play(seed).families().keys() {
            *families.entry(family).or_default() += 1;
        }
    }
    let missed: Vec<_> = FAMILIES
        .iter()
        .filter(|family| !families.contains_key(*family))
        .collect();
    assert!(missed.is_empty(), "never met: {missed:?}; met: {families:?}");
}

/// Seeds that once failed, each with its fault, in `regressions.txt` beside this file.
#[test]
fn seeds_that_once_failed_do_not_fail_again() {
    for line in include_str!("regressions.txt").lines() {
        let seed = line.split('#').next().unwrap_or_default().trim();
        if !seed.is_empty() {
            play(seed.parse().expect("a seed"));
        }
    }
}
