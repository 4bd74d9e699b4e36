//! Where things are: the checkout, and the cache that outlives it.
//!
//! Invariant: nothing that is expensive to make lives in the checkout, so that a fresh clone starts warm. The cache is
//! `$BITVAULT_CACHE_DIR`, else `~/.cache/bitvault`; it holds `tools/` (installed programs) and `target/` (cargo's,
//! unless `CARGO_TARGET_DIR` says otherwise).

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::env;

/// The folders that every command needs.
#[derive(Debug, Clone)]
pub(crate) struct Dirs {
    /// The checkout: the folder of the workspace's `Cargo.toml`.
    pub(crate) repo: PathBuf,
    /// What outlives the checkout.
    pub(crate) cache: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
}

impl Dirs {
    /// Finds them from the environment, which `cargo xtask` fills.
    pub(crate) fn find() -> Result<Self> {
        let repo = find_repo()?;
        let cache = match env::path("BITVAULT_CACHE_DIR") {
            Some(dir) => dir,
            None => env::path("HOME")
                .context(
                    "find the cache folder: neither BITVAULT_CACHE_DIR nor HOME is set; set one of them",
                )?
                .join(".cache/bitvault"),
        };
        let cache = absolute(&cache)?;
        let target = match env::path("CARGO_TARGET_DIR") {
            Some(dir) => absolute(&dir)?,
            None => cache.join("target"),
        };
        Ok(Self { repo, cache, target })
    }

    /// Installed programs: a folder for each, and `bin` with links to all of them.
    pub(crate) fn tools(&self) -> PathBuf {
        self.cache.join("tools")
    }

    /// One flat folder with a link to each installed program.
    pub(crate) fn tools_bin(&self) -> PathBuf {
        self.tools().join("bin")
    }

    /// What `bitvaultd` embeds; ignored by git.
    pub(crate) fn assets(&self) -> PathBuf {
        self.repo.join("assets")
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("resolve {}", path.display()))
}

fn find_repo() -> Result<PathBuf> {
    let start = match env::path("CARGO_MANIFEST_DIR") {
        Some(dir) => dir,
        None => std::env::current_dir().context("find the current folder")?,
    };
    for dir in start.ancestors() {
        if dir.join("xtask/Cargo.toml").is_file() && dir.join("Cargo.lock").is_file() {
            return Ok(dir.to_path_buf());
        }
    }
    bail!(
        "{} is not inside a BitVault checkout; run `cargo xtask` from there",
        start.display()
    )
}
