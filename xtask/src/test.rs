//! `cargo xtask test`: installs what is missing, builds what the tests load, and runs every test.
//!
//! Everything is a cargo test; those that need other programs find them by these variables:
//!
//! | variable | is |
//! |---|---|
//! | `BITVAULT_BIN_DIR` | folder of `bitvaultd` and `bitvault` |
//! | `BITVAULT_TOOLS` | folder of `minio`, `versitygw`, `rclone`, `toxiproxy`, `schemathesis` |
//! | `BITVAULT_PG_BIN` | folder of PostgreSQL's programs |
//! | `BITVAULT_CHROMIUM` | the browser |
//! | `BITVAULT_PLAYWRIGHT` | folder with `node_modules/playwright-core` |
//! | `BITVAULT_REPO` | the checkout |
//! | `BITVAULT_FIRST_RELEASE` | `bitvaultd` of the first release; left out where the history does not reach back to it |

use anyhow::{Context, Result};

use crate::build;
use crate::dirs::Dirs;
use crate::members::Members;
use crate::releases;
use crate::run;
use crate::tools;

/// What `cargo xtask test` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Passed to `cargo test`, such as `-p bitvault-files` or a test's name; after `--`, to the test programs
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    filter: Vec<String>,
}

/// Runs the command.
pub(crate) fn execute(dirs: &Dirs, args: &Args) -> Result<()> {
    tools::ensure(dirs, tools::FOR_TESTS, "the tests run against the real thing")?;
    let members = Members::read(dirs)?;
    build::assets(dirs, &members)?;
    let host_only = |command: &mut std::process::Command| {
        command.args(["--workspace", "--features", build::FAILPOINTS]);
        for guest in members.guests() {
            command.args(["--exclude", &guest.name]);
        }
    };
    let first = releases::first(dirs)?;
    // Programs and tests in one build: they share every dependency with the same features.
    run::step("build the programs and tests", || {
        let mut command = run::cargo(dirs, ["build", "--quiet", "--all-targets"]);
        host_only(&mut command);
        run::show(&mut command)
    })?;
    let mut command = run::cargo(dirs, ["test"]);
    host_only(&mut command);
    command
        .args(&args.filter)
        .env("BITVAULT_BIN_DIR", dirs.target.join("debug"))
        .env("BITVAULT_TOOLS", dirs.tools_bin())
        .env("BITVAULT_PG_BIN", tools::postgres_bin()?)
        .env(
            "BITVAULT_CHROMIUM",
            tools::chromium().context("find Chromium; run `cargo xtask tools chromium`")?,
        )
        .env("BITVAULT_PLAYWRIGHT", tools::playwright_dir(dirs))
        .env("BITVAULT_REPO", &dirs.repo);
    if let Some(first) = first {
        command.env("BITVAULT_FIRST_RELEASE", first);
    }
    run::step("run the tests", || run::show_as_is(&mut command))
}
