//! `cargo xtask sim`: searches among seeds, each played twice.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program talks to its terminal"
)]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use bitvault_simulator::{Options, Outcome, run};
use clap::Parser;

/// How often the search tells how far it is, in seeds.
const TOLD_EVERY: u64 = 5_000;

/// Plays seeds of the simulator of device sync, each twice: both must leave the same trace.
#[derive(Debug, Parser)]
struct Args {
    /// How many seeds
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// The first one
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Put all right after so many acts of people
    #[arg(long)]
    acts: Option<usize>,
    /// Tell all that happens
    #[arg(long)]
    trace: bool,
    /// Runs side by side; as many as there are processors unless given
    #[arg(long)]
    jobs: Option<usize>,
}

/// What the search has found so far.
#[derive(Default)]
struct Found {
    /// In how many seeds each family was met, and how often in all.
    families: BTreeMap<&'static str, (u64, u64)>,
    failed: Vec<u64>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    // A failed assertion is told with its seed.
    std::panic::set_hook(Box::new(|_| {}));
    let begin = Instant::now();
    let next = AtomicU64::new(0);
    let found = Mutex::new(Found::default());
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..args.jobs.unwrap_or(processors).max(1) {
            scope.spawn(|| search(&args, &next, &found, begin));
        }
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{:>8} {:>8}  family", "seeds", "times");
    for (family, (seeds, times)) in &found.families {
        println!("{seeds:>8} {times:>8}  {family}");
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{} seeds from {}, {} failed, {:.0} seeds a second",
        args.seeds,
        args.from,
        found.failed.len(),
        args.seeds as f64 / seconds
    );
    match found.failed.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn search(args: &Args, next: &AtomicU64, found: &Mutex<Found>, begin: Instant) {
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        if at >= args.seeds {
            return;
        }
        let seed = args.from + at;
        let (outcome, failure) = play_twice(seed, args);
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        for line in outcome.trace.lines() {
            println!("{line}");
        }
        for (family, times) in outcome.trace.families() {
            let (seeds, all) = found.families.entry(family).or_default();
            *seeds += 1;
            *all += times;
        }
        if let Some(failure) = failure {
            found.failed.push(seed);
            let acts = fewest_acts(seed, args).map_or_else(String::new, |acts| format!(" --acts {acts}"));
            println!(
                "seed {seed} fails: {failure}\n  replay: cargo xtask sim --from {seed} --seeds 1{acts} --trace"
            );
        }
        if (at + 1).is_multiple_of(TOLD_EVERY) {
            let rate = (at + 1) as f64 / begin.elapsed().as_secs_f64();
            eprintln!(
                "{} seeds, {} failed, {rate:.0} a second",
                at + 1,
                found.failed.len()
            );
        }
    }
}

fn play_twice(seed: u64, args: &Args) -> (Outcome, Option<String>) {
    let options = Options {
        keeps_lines: args.trace,
        acts: args.acts,
        mistake: None,
    };
    let one = run(seed, options);
    let other = run(
        seed,
        Options {
            keeps_lines: false,
            ..options
        },
    );
    let failure = match one.trace.hash() == other.trace.hash() {
        true => one.failure.clone(),
        false => Some("two runs of it differ".to_owned()),
    };
    (one, failure)
}

/// The fewest acts of people after which the seed fails; none when it needs them all.
fn fewest_acts(seed: u64, args: &Args) -> Option<usize> {
    let most = args.acts.unwrap_or(24);
    (0..most).find(|acts| {
        let options = Options {
            acts: Some(*acts),
            ..Options::default()
        };
        run(seed, options).failure.is_some()
    })
}
