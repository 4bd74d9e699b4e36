//! `cargo xtask check`: everything that is wrong without running a test. All checks run, then all failures are told.

mod families;
mod graph;
mod licences;
mod size;

use anyhow::{Result, bail};

use crate::build;
use crate::dirs::Dirs;
use crate::generate;
use crate::members::{Kind, Members};
use crate::run;
use crate::tools::{self, Tool};

/// Clippy's findings are errors here.
const DENY_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];

/// What `cargo xtask check` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which checks; all of them when none is named
    #[arg(value_enum)]
    checks: Vec<Check>,
}

/// One check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Check {
    /// The crate graph keeps the rules of architecture
    Graph,
    /// rustfmt has nothing to change
    Format,
    /// Files that are worth splitting (only warns)
    Sizes,
    /// The tests that docs/testing-sync.md names for each scenario family are there
    Families,
    /// Clippy on the host's crates and all tests
    Host,
    /// Clippy on the plugins
    Plugins,
    /// Clippy on the web app
    Web,
    /// Generated files are what the sources make
    Generated,
    /// The dependencies' licences, sources and advisories
    Dependencies,
}

/// Runs the command.
pub(crate) fn execute(dirs: &Dirs, args: &Args) -> Result<()> {
    let all = <Check as clap::ValueEnum>::value_variants();
    let wanted = if args.checks.is_empty() { all } else { &args.checks };
    let members = Members::read(dirs)?;
    let mut failed = Failed::default();
    for check in wanted {
        let (what, outcome) = match check {
            Check::Graph => ("crate graph", graph::verify(&members)),
            Check::Format => ("format", format(dirs)),
            Check::Sizes => ("file sizes", size::warn(dirs)),
            Check::Families => ("scenario families", families::verify(dirs)),
            Check::Host => ("lints of the host's crates", lint_host(dirs, &members)),
            Check::Plugins => (
                "lints of the plugins",
                lint_guests(dirs, &members, Kind::Component, build::COMPONENT_TARGET),
            ),
            Check::Web => (
                "lints of the web app",
                lint_guests(dirs, &members, Kind::Web, build::WEB_TARGET),
            ),
            Check::Generated => ("generated files", generate::verify(dirs)),
            Check::Dependencies => (
                "dependencies",
                run::step("check the dependencies", || licences::verify(dirs)),
            ),
        };
        failed.note(what, outcome);
    }
    failed.finish()
}

/// The checks that failed so far.
#[derive(Default)]
struct Failed(Vec<&'static str>);

impl Failed {
    fn note(&mut self, what: &'static str, outcome: Result<()>) {
        if let Err(error) = outcome {
            run::say(format!("FAILED {what}: {error:#}"));
            self.0.push(what);
        }
    }

    fn finish(self) -> Result<()> {
        if self.0.is_empty() {
            run::say("check: everything in order");
            return Ok(());
        }
        bail!("check failed: {}; the reasons are above", self.0.join(", "))
    }
}

fn format(dirs: &Dirs) -> Result<()> {
    match run::show(&mut run::cargo(dirs, ["fmt", "--all", "--check"])) {
        Ok(()) => Ok(()),
        Err(error) => bail!("{error}; run `cargo fmt --all`"),
    }
}

fn lint_host(dirs: &Dirs, members: &Members) -> Result<()> {
    // The daemon embeds the assets, so that it doesn't compile without them.
    build::assets(dirs, members)?;
    run::step("lint the host's crates", || {
        let mut command = run::cargo(
            dirs,
            [
                "clippy",
                "--quiet",
                "--workspace",
                "--all-targets",
                "--features",
                build::FAILPOINTS,
            ],
        );
        for guest in members.guests() {
            command.args(["--exclude", &guest.name]);
        }
        run::show(command.args(DENY_WARNINGS))
    })
}

/// Guests are linted for the target that they run on.
fn lint_guests(dirs: &Dirs, members: &Members, kind: Kind, target: &str) -> Result<()> {
    let names: Vec<&str> = members.of(kind).map(|member| member.name.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    tools::ensure(
        dirs,
        &[Tool::WasmTargets],
        "guests are linted for the target that they run on",
    )?;
    run::step(&format!("lint {}", names.join(", ")), || {
        let mut command = run::cargo(dirs, ["clippy", "--quiet", "--target", target]);
        for name in &names {
            command.args(["--package", name]);
        }
        run::show(command.args(DENY_WARNINGS))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_does_not_hide_the_next() {
        let mut failed = Failed::default();
        failed.note("first", Err(anyhow::anyhow!("a")));
        failed.note("fine", Ok(()));
        failed.note("second", Err(anyhow::anyhow!("b")));
        let error = failed.finish().unwrap_err().to_string();
        assert!(error.contains("first, second"), "{error}");
        assert!(Failed::default().finish().is_ok());
    }
}
