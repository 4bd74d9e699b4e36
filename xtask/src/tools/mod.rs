//! Programs that building and testing need, installed on demand in pinned versions and never twice.
//!
//! System packages go where the system keeps them; all else goes into the cache, a folder for each tool and version with
//! links to its programs in `tools/bin`. Finding out that a tool is there takes no slow call.

mod apt;

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::dirs::Dirs;
use crate::postgres;

/// A tool that can be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Tool {
    /// The PostgreSQL server's programs
    Postgres,
}

/// Installs what is missing of these and tells `why`.
pub(crate) fn ensure(_dirs: &Dirs, tools: &[Tool], why: &str) -> Result<()> {
    for tool in tools {
        match tool {
            Tool::Postgres if postgres::find_bin_dir().is_some() => {}
            Tool::Postgres => apt::install_postgres(why)?,
        }
    }
    Ok(())
}

/// The folder of PostgreSQL's programs, once installed.
pub(crate) fn postgres_bin() -> Result<PathBuf> {
    postgres::find_bin_dir().context(
        "find PostgreSQL's programs; install them with `cargo xtask tools postgres` or set BITVAULT_PG_BIN",
    )
}
