//! Files that have outgrown a head: a warning, because the count alone does not tell where to cut.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::dirs::Dirs;
use crate::run;

/// Above this a file is worth splitting, in lines.
const LINES: usize = 500;

/// Tells the tracked Rust, SQL and proto files that are longer than the limit.
pub(crate) fn warn(dirs: &Dirs) -> Result<()> {
    let listed = run::output(
        Command::new("git")
            .args(["ls-files", "-z", "*.rs", "*.sql", "*.proto", "*.wit"])
            .current_dir(&dirs.repo),
    )
    .context("list the checkout's files")?;
    for name in listed.split('\0').filter(|name| !name.is_empty()) {
        // A file may be deleted and not yet committed.
        let Ok(text) = std::fs::read_to_string(dirs.repo.join(Path::new(name))) else {
            continue;
        };
        let lines = text.lines().count();
        if lines > LINES {
            run::say(format!(
                "warning: {name} has {lines} lines; above {LINES} a file is worth splitting"
            ));
        }
    }
    Ok(())
}
