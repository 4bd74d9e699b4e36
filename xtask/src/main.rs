//! The project's own commands, run as `cargo xtask …`. They install what is missing and say so; stdout carries only what
//! was asked for, everything told goes to stderr.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program talks to its terminal"
)]

mod bench;
mod build;
mod check;
mod daemon;
mod demo;
mod dirs;
mod env;
mod generate;
mod members;
mod postgres;
mod releases;
mod run;
mod sim;
mod test;
mod tools;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "The project's own commands"
)]
enum Command {
    /// Install what is missing, build, start the lite profile and tell how to sign in
    Up(daemon::up::Args),
    /// Stop what `up` started
    Down(daemon::down::Args),
    /// Build the plugin components, the web app, bitvaultd and bitvault
    Build(build::Args),
    /// Install what is missing and run every test
    Test(test::Args),
    /// Search among seeds of the simulator of device sync, each played twice
    Sim(sim::Args),
    /// Run the benchmarks beside their peers and write docs/benchmarks.md
    Bench(bench::Args),
    /// Play docs/demo.sh against a server of its own and draw docs/images/cli.svg
    Demo(demo::Args),
    /// Format, lints, crate graph, generated files, licences and advisories
    Check(check::Args),
    /// Install the programs that building and testing need
    Tools(tools::Args),
    /// Regenerate the committed query data (`.sqlx/`) against a temporary Postgres with the migrations applied
    Generate(generate::Args),
}

fn main() -> ExitCode {
    match run(&Command::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<()> {
    let dirs = dirs::Dirs::find()?;
    match command {
        Command::Up(args) => daemon::up::execute(&dirs, args),
        Command::Down(args) => daemon::down::execute(args),
        Command::Build(args) => build::execute(&dirs, args),
        Command::Test(args) => test::execute(&dirs, args),
        Command::Sim(args) => sim::execute(&dirs, args),
        Command::Bench(args) => bench::execute(&dirs, args),
        Command::Demo(args) => demo::execute(&dirs, args),
        Command::Check(args) => check::execute(&dirs, args),
        Command::Tools(args) => tools::install(&dirs, args),
        Command::Generate(args) => generate::write(&dirs, args),
    }
}
