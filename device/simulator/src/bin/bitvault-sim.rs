//! `cargo xtask sim`: searches among seeds.

#![allow(clippy::print_stdout, reason = "a command line program talks to its terminal")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use bitvault_simulator::{Options, run};
use clap::Parser;

/// Plays seeds of the simulator of device sync, each twice.
#[derive(Debug, Parser)]
struct Args {
    /// How many seeds
    #[arg(long, default_value_t = 2000)]
    seeds: u64,
    /// The first one
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Tells all that happens
    #[arg(long)]
    trace: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    std::panic::set_hook(Box::new(|_| {}));
    let begin = Instant::now();
    let mut families: BTreeMap<&'static str, (u64, u64)> = BTreeMap::new();
    let mut failed = 0;
    for seed in args.from..args.from + args.seeds {
        let options = Options {
            keeps_lines: args.trace,
            mistake: None,
        };
        let one = run(seed, options);
        let other = run(seed, Options::default());
        for line in one.trace.lines() {
            println!("{line}");
        }
        for (family, times) in one.trace.families() {
            let (seeds, all) = families.entry(family).or_default();
            *seeds += 1;
            *all += times;
        }
        let failure = match one.trace.hash() == other.trace.hash() {
            true => one.failure,
            false => Some("two runs of it differ".to_owned()),
        };
        if let Some(failure) = failure {
            failed += 1;
            println!(
                "seed {seed} fails: {failure}\n  replay: cargo xtask sim --from {seed} --seeds 1 --trace"
            );
        }
    }
    for (family, (seeds, times)) in families {
        println!("{family}: {times} times in {seeds} seeds");
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{} seeds, {failed} failed, {:.0} seeds/s",
        args.seeds,
        args.seeds as f64 / seconds
    );
    match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
