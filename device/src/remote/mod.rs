//! What the engine needs of a server.
//!
//! Owns the trait, its errors, and the implementation on the REST API. Called by the engine; the simulator has a model of
//! a server behind the same trait.
//!
//! Invariants, of every implementation:
//! - A change that was asked for with the same [`Key`] acts once; asked for again it answers what it answered.
//! - A write names what it was planned on: a revision, a base version, a free name. The server refuses it otherwise, by
//!   [`RemoteError::Refused`], and nothing has changed then.
//! - [`RemoteError::Unreachable`] says nothing about whether something was done.

mod rest;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bitvault_planner::{AccountId, Cause, Content, Name, NodeId, RemoteNode, Sha256, UploadTo, VersionId};
use bytes::Bytes;
use time::OffsetDateTime;

use crate::fs::{FsError, Source};
pub use rest::RestRemote;

/// How far the device has read the journal; opaque.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub String);

/// Tells repeats of one change from another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(pub String);

/// One thing that the journal tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The journal's entry.
    pub seq: u64,
    /// Who did it, where the server tells.
    pub actor: Option<AccountId>,
    /// What is told.
    pub what: Told,
}

/// What the journal tells of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It is to be seen, and is like this now. A parent of `None` is one that the account does not see.
    Upsert(RemoteNode),
    /// It, and all that was to be seen below it, is out of sight.
    Remove(NodeId, Cause),
}

/// A page of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In order.
    pub items: Vec<Change>,
    /// To go on from.
    pub next: Cursor,
    /// Whether there is more right now.
    pub has_more: bool,
}

/// Why the server did not do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Something in the folder has that name, to be seen or not.
    NameTaken,
    /// The node is no longer at that revision or version.
    Stale,
    /// The node is not to be seen (any more).
    NotFound,
    /// The account may not do that.
    Denied,
    /// The quota is used up.
    QuotaExceeded,
    /// The server will not take it as it is: a name that it refuses, a folder moved into itself.
    Invalid,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The journal behind the cursor is gone: the server has to be read anew.
    #[error("the server no longer knows what changed since this device last asked")]
    CursorExpired,
    /// The server was put back to an earlier state: nothing that it said before counts.
    #[error("the server goes on from another state, such as a backup")]
    EpochChanged,
    /// The account or the device is no longer let in.
    #[error("the server no longer lets this device in: {0}")]
    Revoked(String),
    /// No answer; whether it was done is unknown.
    #[error("can't reach the server: {0}")]
    Unreachable(String),
    /// It was not done.
    #[error("the server refused: {detail}")]
    Refused {
        /// Why.
        why: Refusal,
        /// For a person.
        detail: String,
    },
    /// The file to be sent did not hold still, or what was fetched could not be written.
    #[error(transparent)]
    Local(#[from] FsError),
    /// What arrived was not what the server had promised, or makes no sense.
    #[error("the server's answer can't be used: {0}")]
    Broken(String),
}

/// What a new file is a conflicted copy of: told with it, so that the server lists the conflict from the moment that it has
/// the copy. A server may leave it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConflictOf {
    /// The file that has the name.
    pub node: NodeId,
    /// The version of it that the content here was made from, where that is known.
    pub base: Option<VersionId>,
}

/// A file to be sent.
#[derive(Clone)]
pub struct Upload {
    /// Tells repeats from other uploads.
    pub key: Key,
    /// A new node, or a version of one.
    pub to: UploadTo,
    /// What its bytes hash to.
    pub sha256: Sha256,
    /// Where they are.
    pub source: Arc<dyn Source>,
    /// Of a conflicted copy.
    pub conflict_of: Option<ConflictOf>,
}

/// Takes the bytes of a file, in order.
#[async_trait]
pub trait Sink: Send {
    /// The next bytes.
    async fn write(&mut self, bytes: Bytes) -> Result<(), FsError>;
}

/// A server, and an account on it.
#[async_trait]
pub trait Remote: Send + Sync {
    /// What the server's clock showed when it last answered. Absent before that, and with a server that does not tell.
    fn time(&self) -> Option<OffsetDateTime>;
    /// Makes the device known under this name, unless it is the known one; answers its id on the server.
    async fn introduce(&self, known: Option<&str>, name: &str) -> Result<String, RemoteError>;
    /// What changed since a cursor; without one, all that is to be seen now. Waits up to `wait` for something to tell.
    async fn changes(&self, cursor: Option<&Cursor>, wait: Duration) -> Result<Page, RemoteError>;
    /// A node as it is now, to begin with.
    async fn node(&self, node: NodeId) -> Result<RemoteNode, RemoteError>;
    /// Creates a folder under a name that is free.
    async fn create_folder(&self, key: &Key, parent: NodeId, name: &Name) -> Result<RemoteNode, RemoteError>;
    /// Sends files; an answer for each, in order. Content that does not hash as promised is never committed.
    async fn upload(&self, uploads: Vec<Upload>) -> Vec<Result<RemoteNode, RemoteError>>;
    /// Told before many versions are fetched, so that the server can be asked about all of them at once. May do nothing.
    async fn foresee(&self, _wanted: &[(NodeId, VersionId)]) {}
    /// Fetches a version from this byte on. Who calls checks the hash of the whole.
    async fn download(
        &self,
        node: NodeId,
        content: Content,
        from: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), RemoteError>;
    /// Renames or moves a node that must be at that revision to where the name is free.
    async fn move_node(
        &self,
        key: &Key,
        node: NodeId,
        revision: i64,
        parent: NodeId,
        name: &Name,
    ) -> Result<RemoteNode, RemoteError>;
    /// Puts a node that must be at that revision into the trash, with just these nodes at these revisions below it, itself
    /// among them. What the journal says of it comes with [`Self::changes`].
    async fn delete(
        &self,
        key: &Key,
        node: NodeId,
        revision: i64,
        covers: &[(NodeId, i64)],
    ) -> Result<(), RemoteError>;
}
