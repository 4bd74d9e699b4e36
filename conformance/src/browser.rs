//! The web app in a real browser: scripts of `conformance/browser/`, run by Node.js.

use crate::daemon::{Daemon, EMAIL, PASSWORD};
use anyhow::{Context as _, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A variable of `cargo xtask test`.
fn variable(name: &str) -> Result<PathBuf> {
    let value = std::env::var_os(name)
        .with_context(|| format!("{name} is not set: run the tests through `cargo xtask test`"))?;
    Ok(value.into())
}

/// Runs a script of `browser/` against the daemon. It may write into `scratch`, and gets `links` as it is.
pub fn run(script: &str, daemon: &Daemon, scratch: &Path, links: &str) -> Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser").join(script);
    let output = Command::new("node")
        .arg(&script)
        .env("BITVAULT_PLAYWRIGHT", variable("BITVAULT_PLAYWRIGHT")?)
        .env("BITVAULT_CHROMIUM", variable("BITVAULT_CHROMIUM")?)
        .env("BITVAULT_URL", daemon.url())
        .env("BITVAULT_EMAIL", EMAIL)
        .env("BITVAULT_PASSWORD", PASSWORD)
        .env("BITVAULT_SCRATCH", scratch)
        .env("BITVAULT_LINKS", links)
        .output()
        .context("run node; install Node.js when it is missing")?;
    ensure!(
        output.status.success(),
        "{} ended with {}:\n{}{}",
        script.display(),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Copies pictures that a script left in `scratch` to the folder that BITVAULT_PICTURES names, if it does.
pub fn keep_pictures(scratch: &Path, names: &[&str]) {
    if let Some(kept) = std::env::var_os("BITVAULT_PICTURES") {
        for name in names {
            let _missing = std::fs::copy(scratch.join(name), Path::new(&kept).join(name));
        }
    }
}
