//! The project's own commands, run as `cargo xtask …`. They install what is missing and say so; stdout carries only what
//! was asked for, everything told goes to stderr.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program talks to its terminal"
)]

mod dirs;
mod env;
mod generate;
mod postgres;
mod run;
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
        Command::Generate(args) => generate::write(&dirs, args),
    }
}
