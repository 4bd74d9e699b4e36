//! Why a command failed.

use crate::exit::Exit;
use std::sync::Arc;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The server, the store or a local file.
    #[error(transparent)]
    Client(#[from] bitvault_client::Error),
    /// The same, about a path.
    #[error("{path}: {error}")]
    At {
        path: String,
        error: bitvault_client::Error,
    },
    /// The command line asks for something that makes no sense.
    #[error("{what}")]
    Usage { what: String, hint: String },
    /// There is no such path, here or on the server.
    #[error("{what}")]
    Missing { what: String, hint: String },
    /// Nobody is signed in.
    #[error("not signed in (profile {0})")]
    SignedOut(String),
    /// A profile can't be read or written.
    #[error("profile {}: {cause}", .path.display())]
    Profile {
        path: std::path::PathBuf,
        cause: std::io::Error,
    },
    /// The one file that was asked for failed.
    #[error("{path}: {error}")]
    One {
        path: String,
        error: Arc<bitvault_client::Error>,
    },
    /// Some files failed; each was told already.
    #[error("{failed} of {all} failed")]
    Some { failed: u64, all: u64, exit: Exit },
    /// Some of several things failed; each was told already.
    #[error("{failed} of {all} failed")]
    Several { failed: usize, all: usize, exit: Exit },
    /// A large copy on the server came to no good end.
    #[error("{path}: the copy was not made ({reason})")]
    CopyEnded { path: String, reason: String },
    /// Syncing a folder ended.
    #[error(transparent)]
    Sync(#[from] bitvault_device::engine::EngineError),
    /// A synced folder is at rest, but for what needs a person.
    #[error("{0} things can't be synced as they are")]
    Unsynced(usize),
    /// The doctor found something.
    #[error("{0} things are wrong")]
    Unwell(usize),
    /// What a device remembers can't be used.
    #[error(transparent)]
    State(#[from] bitvault_device::state::StateError),
    /// Standard input or output.
    #[error("{0}")]
    Output(#[source] std::io::Error),
}

impl Error {
    pub(crate) fn usage(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage {
            what: what.into(),
            hint: hint.into(),
        }
    }

    pub(crate) fn missing(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Missing {
            what: what.into(),
            hint: hint.into(),
        }
    }

    pub(crate) fn at(path: impl ToString, error: bitvault_client::Error) -> Self {
        Self::At {
            path: path.to_string(),
            error,
        }
    }

    /// The error of the client underneath.
    pub(crate) fn client(&self) -> Option<&bitvault_client::Error> {
        match self {
            Self::Client(error) | Self::At { error, .. } => Some(error),
            Self::One { error, .. } => Some(error),
            _ => None,
        }
    }

    /// Whether nobody reads our output any more: the usual end of `bitvault … | head`.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        let cause = match self {
            Self::Output(cause) | Self::Client(bitvault_client::Error::Local { cause, .. }) => cause,
            Self::At {
                error: bitvault_client::Error::Local { cause, .. },
                ..
            } => cause,
            _ => return false,
        };
        cause.kind() == std::io::ErrorKind::BrokenPipe
    }
}
