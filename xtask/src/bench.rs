//! `cargo xtask bench`: builds for speed, runs the benchmarks beside their peers, and keeps the table in
//! `docs/benchmarks.md`, between two marks; what stands around them is written by people.

use anyhow::{Context, Result};

use crate::build::{self, Profile};
use crate::dirs::Dirs;
use crate::run;
use crate::tools::{self, Tool};

const BEGIN: &str = "<!-- figures -->";
const END: &str = "<!-- end of figures -->";

/// What `cargo xtask bench` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run only these, and keep nothing: chain, start, statements, listing, namespace, search,
    /// plugin, large, tree, sync, waiting
    names: Vec<String>,
}

/// Runs the command.
pub(crate) fn execute(dirs: &Dirs, args: &Args) -> Result<()> {
    tools::ensure(
        dirs,
        &[Tool::Postgres, Tool::Minio, Tool::Rclone, Tool::Syncthing],
        "the benchmarks run beside them",
    )?;
    let programs = build::all(dirs, Profile::Release)?;
    run::step("build what measures a plugin", || {
        // Beside the programs, so that its dependencies have the features they were just built with.
        let mut command = run::cargo(dirs, ["build", "--release", "--quiet"]);
        for package in ["bitvaultd", "bitvault-cli", "bitvault-wasm"] {
            command.args(["--package", package]);
        }
        run::show(command.args(["--example", "plan_bench"]))
    })?;
    let mut command = run::cargo(
        dirs,
        ["run", "--release", "--quiet", "--package", "bitvault-bench", "--"],
    );
    command
        .args(&args.names)
        .env("BITVAULT_BIN_DIR", programs)
        .env("BITVAULT_TOOLS", dirs.tools_bin());
    let table = run::step("run the benchmarks", || run::answer(&mut command))?;
    print!("{table}");
    if !args.names.is_empty() {
        return Ok(());
    }
    let page = dirs.repo.join("docs/benchmarks.md");
    let text = std::fs::read_to_string(&page).with_context(|| format!("read {}", page.display()))?;
    let text =
        replaced(&text, &table).context("docs/benchmarks.md lost the marks between which figures stand")?;
    std::fs::write(&page, text).with_context(|| format!("write {}", page.display()))
}

/// The page with the table between its marks.
fn replaced(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let page = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        assert_eq!(
            replaced(&page, "new\n").unwrap(),
            format!("a\n{BEGIN}\nnew\n{END}\nb\n")
        );
        assert!(replaced("no marks", "new").is_none());
    }
}
