//! What a transfer tells while it runs.

use crate::Error;
use std::path::PathBuf;
use std::sync::Arc;

/// Takes events; called from many tasks, must return at once.
pub trait Progress: Send + Sync {
    /// Something happened.
    fn event(&self, event: Event);
}

/// Takes no notice.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _event: Event) {}
}

/// One thing that happened.
#[derive(Debug)]
pub enum Event {
    /// This much more is to be done.
    Planned {
        /// Files.
        files: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// Bytes went over the wire or were found to be there already; negative when a try failed and its bytes will go
    /// again.
    Moved(i64),
    /// A file or folder is done with, well or not.
    Item(Item),
    /// Something local is neither file nor folder (or a symbolic link) and is left out.
    Ignored {
        /// Which.
        path: PathBuf,
        /// Why.
        why: &'static str,
    },
}

/// A file or folder that is done with.
#[derive(Debug, Clone)]
pub struct Item {
    /// Where it is here.
    pub local: PathBuf,
    /// Where it is on the server.
    pub remote: String,
    /// Bytes of it.
    pub size: u64,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a file or folder.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Sent or fetched.
    Done {
        /// The node on the server.
        node_id: String,
        /// SHA-256 of the content in hex; none for folders.
        sha256: Option<String>,
    },
    /// The other side has the same content already.
    Unchanged {
        /// The node on the server.
        node_id: String,
    },
    /// It failed; the rest goes on.
    Failed(Arc<Error>),
}
