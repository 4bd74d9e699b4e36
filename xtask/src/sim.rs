//! `cargo xtask sim`: builds the simulator of device sync for speed and searches among its seeds.

use anyhow::Result;

use crate::dirs::Dirs;
use crate::run;

/// What `cargo xtask sim` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Passed on: `--seeds N --from S`; `--trace` tells all that happens in a seed, `--help` the rest
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Runs the command.
pub(crate) fn execute(dirs: &Dirs, args: &Args) -> Result<()> {
    let mut command = run::cargo(
        dirs,
        [
            "run",
            "--release",
            "--quiet",
            "--package",
            "bitvault-simulator",
            "--",
        ],
    );
    run::step("search among seeds", || run::show_as_is(command.args(&args.args)))
}
