//! Dependencies: their licences, sources and duplicates by cargo-deny (`deny.toml`), and known vulnerabilities where the
//! advisory database can be had.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::dirs::Dirs;
use crate::run;
use crate::tools::{self, Tool};

/// Checks everything that needs no network.
pub(crate) fn verify(dirs: &Dirs) -> Result<()> {
    tools::ensure(
        dirs,
        &[Tool::CargoDeny],
        "it checks the dependencies' licences and sources",
    )?;
    run::show(deny(dirs).args([
        "--log-level",
        "warn",
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ]))
    .context("check licences and sources; deny.toml says what is allowed and why")?;
    advisories(dirs)
}

/// Known vulnerabilities. The database comes from a git server that not every machine reaches: then this says so,
/// and fails nothing, because nothing was found out.
fn advisories(dirs: &Dirs) -> Result<()> {
    let fetched = deny(dirs).args(["--log-level", "error", "fetch", "db"]).output();
    let fetched = fetched.context("start cargo-deny")?;
    if !fetched.status.success() {
        run::say(
            "warning: advisories NOT checked: the advisory database can't be fetched from here; run `cargo deny check \
             advisories` where the internet is reachable",
        );
        return Ok(());
    }
    let checked = run::show(deny(dirs).args([
        "--log-level",
        "warn",
        "check",
        "--disable-fetch",
        "--hide-inclusion-graph",
        "advisories",
    ]));
    match checked {
        Ok(()) => Ok(()),
        Err(error) => bail!(
            "{error}\na dependency has a known vulnerability: update it, or add a reasoned exception to deny.toml"
        ),
    }
}

fn deny(dirs: &Dirs) -> Command {
    let mut command = Command::new(tools::cargo_deny_program(dirs));
    command.current_dir(&dirs.repo).stdin(std::process::Stdio::null());
    command
}
