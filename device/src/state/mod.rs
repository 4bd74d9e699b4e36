//! What a device remembers: the three trees, how far it has read the journal, and what it told people (ADR-0023).
//!
//! Owns the store's trait, SQLite behind it, and the trees in memory together with what of them is not written yet.
//!
//! Invariants: the trees in memory and in the store differ by what [`Kept`] has marked, and by nothing else. One call of
//! [`Store::apply`] is one transaction and durable when it returns; `synced` is written only after what it tells is
//! durable on the side that changed. A state that may not belong to the folder any more is not used: its trees begin
//! anew, and everything is adopted by equal content.

mod kept;
mod outside;
mod sqlite;

use std::collections::{BTreeMap, BTreeSet};

use bitvault_planner::{
    LocalId, LocalNode, NodeId, Place, RemoteKind, RemoteNode, SyncedNode, Tombstone, Trees,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::remote::ConflictOf;
pub use kept::{Answered, Kept};
pub use outside::Outside;
pub use sqlite::SqliteStore;

/// Why the state can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// SQLite refused.
    #[error("{act} the device's state: {cause}")]
    Sqlite {
        /// What was tried.
        act: &'static str,
        /// What SQLite said.
        cause: rusqlite::Error,
    },
    /// There is no room for it.
    #[error("{act} the device's state: the disk that holds it is full; make room there, then sync again")]
    Full {
        /// What was tried.
        act: &'static str,
    },
    /// Its folder or lock can't be used.
    #[error("{act} {path}: {cause}")]
    Io {
        /// What was tried.
        act: &'static str,
        /// With what.
        path: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Another process syncs with this state.
    #[error("another bitvault process is syncing this folder")]
    Busy,
    /// It holds something that this program can't read.
    #[error("the device's state is damaged: {0}")]
    Damaged(String),
    /// A later release wrote it.
    #[error("the device's state was written by a later release (layout {found}, this one knows {known})")]
    TooNew {
        /// Its layout.
        found: i64,
        /// The latest that is known.
        known: i64,
    },
}

/// What the state belongs to, and how far it is. Written as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// The state's own id, which the marker in the folder repeats.
    pub state: String,
    /// The seal that the marker should have …
    pub seal: String,
    /// … or this one, when a crash came between the two.
    pub next_seal: Option<String>,
    /// Device and inode of the folder.
    pub folder: (u64, u64),
    /// Where that is, for people.
    pub shown: String,
    /// The server, and the account on it.
    pub account: String,
    /// The folder of the server.
    pub remote_root: String,
    /// The device, as the server knows it.
    pub device: Option<String>,
    /// How far the journal is read; none before all that is there was told. While the server is read anew, how far it was read
    /// before.
    pub cursor: Option<String>,
    /// The server is being read anew: what it does not name until the end is out of sight.
    pub anew: bool,
}

/// What people ask of a running engine, by other processes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Control {
    /// Nothing is to be done for now.
    pub paused: bool,
    /// Deletes that were agreed to.
    #[serde(flatten)]
    pub agreed: Agreed,
    /// What of the server this device leaves out, with all below it: ids.
    #[serde(default)]
    pub excluded: BTreeSet<String>,
}

/// Up to how many deletes people agreed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Agreed {
    /// On the server.
    #[serde(rename = "agreed_remote")]
    pub remote: usize,
    /// On the device.
    #[serde(rename = "agreed_local")]
    pub local: usize,
}

/// Something that was done, for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// What: `upload`, `download`, `conflict`, …
    pub what: String,
    /// With what, beneath the folder.
    pub path: String,
    /// More about it; may be empty.
    pub detail: String,
}

/// How things stood when the engine last looked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Status {
    /// Since when it is in step: nothing to do, nothing that waits for a person or can't be synced. None while it isn't.
    #[serde(with = "time::serde::rfc3339::option")]
    pub at_rest: Option<OffsetDateTime>,
    /// When this was written.
    #[serde(with = "time::serde::rfc3339::option")]
    pub at: Option<OffsetDateTime>,
    /// Files and folders that both sides have.
    pub synced: usize,
    /// What waits for a person.
    pub pauses: Vec<String>,
    /// What can't be synced as it is.
    pub problems: Vec<Trouble>,
    /// Why it does not go on; empty when it does.
    pub stopped: Option<String>,
}

/// How far a running engine's process is with moving files, noted about once a second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Moving {
    /// When this was written.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Files that were moved since it was last at rest.
    pub files_done: u64,
    /// Those, and all that is planned now.
    pub files_total: u64,
    /// Bytes that moved.
    pub bytes_done: u64,
    /// Those, and all that is planned now.
    pub bytes_total: u64,
    /// How fast that goes now.
    pub bytes_per_s: u64,
    /// How long the rest takes at that rate, in seconds.
    pub eta_s: Option<u64>,
}

/// Something that can't be synced as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Where, beneath the folder or on the server.
    pub path: String,
    /// Why, and where possible what to do.
    pub reason: String,
}

/// All that is to be written of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRow {
    /// Which.
    pub id: NodeId,
    /// As the server last described it, beneath the folder that is synced.
    pub remote: Option<RemoteNode>,
    /// The same, of a node that is elsewhere.
    pub outside: Option<RemoteNode>,
    /// The word that it is gone.
    pub tombstone: Option<Tombstone>,
    /// What is being put in place, and is not known to be there.
    pub fetched: Option<RemoteKind>,
    /// What the server answered of it, where the journal has not told of that yet.
    pub untold: Option<Answered>,
    /// What was agreed on.
    pub synced: Option<SyncedNode>,
}

/// What is written in one transaction.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Nodes, each with all that is known of it now.
    pub nodes: Vec<NodeRow>,
    /// Entries of the device; `None` is one that is gone.
    pub locals: Vec<(LocalId, Option<LocalNode>)>,
    /// What these entries are conflicted copies of, as long as the server does not have them; `None`: nothing.
    pub asides: Vec<(LocalId, Option<ConflictOf>)>,
    /// Where the server was asked to have entries and is not known to have answered, if that changed: all of it.
    pub asked: Option<BTreeMap<LocalId, Place>>,
    /// All trees are forgotten before.
    pub begins_anew: bool,
    /// What the state belongs to and how far it is, if that changed.
    pub meta: Option<Meta>,
    /// What was done.
    pub log: Vec<LogLine>,
}

impl Changes {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
            && self.locals.is_empty()
            && self.asides.is_empty()
            && self.asked.is_none()
            && !self.begins_anew
            && self.meta.is_none()
            && self.log.is_empty()
    }
}

/// What a store holds.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What it belongs to.
    pub meta: Meta,
    /// The three trees.
    pub trees: Trees,
    /// Nodes that the account sees elsewhere.
    pub outside: Outside,
    /// Entries that become conflicted copies, and of what.
    pub asides: BTreeMap<LocalId, ConflictOf>,
    /// Where the server was asked to have entries and is not known to have answered.
    pub asked: BTreeMap<LocalId, Place>,
    /// What the server answered that it has, and the journal has not told of yet.
    pub untold: BTreeMap<NodeId, Answered>,
}

/// Where a device's state is kept.
pub trait Store: Send {
    /// All of it; none when there is none yet.
    ///
    /// # Errors
    /// When it can't be read.
    fn load(&mut self) -> Result<Option<Loaded>, StateError>;
    /// Writes changes: all or nothing, and durable when it returns.
    ///
    /// # Errors
    /// When it can't be written; then nothing of it is.
    fn apply(&mut self, changes: &Changes) -> Result<(), StateError>;
    /// What people asked for.
    ///
    /// # Errors
    /// When it can't be read.
    fn control(&mut self) -> Result<Control, StateError>;
    /// Ends this agreement, as what was agreed to is done. Another one, given since it was read, stays.
    ///
    /// # Errors
    /// When it can't be written.
    fn end_agreement(&mut self, agreed: Agreed) -> Result<(), StateError>;
    /// Notes how things stand.
    ///
    /// # Errors
    /// When it can't be written.
    fn set_status(&mut self, status: &Status) -> Result<(), StateError>;
}
