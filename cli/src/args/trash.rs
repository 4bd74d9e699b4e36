use bitvault_client::{PathError, RemotePath};
use clap::{Args as ClapArgs, Subcommand};
use std::fmt;
use std::str::FromStr;

#[derive(Debug, ClapArgs)]
pub(crate) struct Trash {
    /// Only what was in this folder
    #[arg(long = "in", value_name = "PATH", global = true)]
    pub(crate) within: Option<RemotePath>,
    #[command(subcommand)]
    pub(crate) action: Option<TrashAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TrashAction {
    /// Remove for good what is in the trash
    Empty {
        /// Don't ask
        #[arg(short, long)]
        yes: bool,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Restore {
    /// Paths that they had, or ids
    #[arg(required = true, value_name = "PATH|ID")]
    pub(crate) nodes: Vec<Restored>,
    /// To this folder, or to this very path
    #[arg(long, value_name = "PATH")]
    pub(crate) to: Option<RemotePath>,
}

/// A node in the trash.
#[derive(Debug, Clone)]
pub(crate) enum Restored {
    /// By the path that it had.
    Path(RemotePath),
    /// By its id.
    Id(String),
}

impl FromStr for Restored {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("nod_") && !text.contains(':') {
            return Ok(Self::Id(text.to_owned()));
        }
        RemotePath::parse(text).map(Self::Path)
    }
}

impl fmt::Display for Restored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.fmt(f),
            Self::Id(id) => f.write_str(id),
        }
    }
}
