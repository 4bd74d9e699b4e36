//! What the engine tells while it works.

use crate::state::LogLine;

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// Entries of the folder were looked at.
    Looked {
        /// How many.
        entries: usize,
    },
    /// The journal told something.
    Pulled {
        /// How many changes.
        changes: usize,
    },
    /// There is something to do.
    Planned {
        /// How many operations of this plan; others may follow.
        operations: usize,
        /// How many of them move a file.
        files: usize,
        /// Bytes of those files.
        bytes: u64,
    },
    /// Something was done.
    Did(&'a LogLine),
    /// A download goes on with what is there already.
    Resumed {
        /// How many bytes that is.
        bytes: u64,
    },
    /// Content arrived at its place or on the server.
    Moved {
        /// How many bytes.
        bytes: u64,
    },
    /// Nothing is left to do.
    AtRest,
}

/// Who is told.
pub trait Progress: Send + Sync {
    /// Something happened. Must not block.
    fn event(&self, event: Event<'_>);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _event: Event<'_>) {}
}
