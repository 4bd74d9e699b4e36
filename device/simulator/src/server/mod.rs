//! A model of the server: one tenant, one tree, and its journal.

mod journal;
mod remote;
mod tree;
mod web;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bitvault_device::planner::{AccountId, Name, NodeId, Sha256};
use bitvault_device::remote::RemoteError;
use bytes::Bytes;
use uuid::Uuid;

pub use remote::ModelRemote;
use tree::Inner;

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It never arrives.
    LoseRequest,
    /// It is done, and the answer never arrives.
    LoseAnswer,
    /// The server fails, and does nothing.
    Fail,
}

/// Decides what goes wrong. Asked once for each call.
pub trait Faults: Send + Sync {
    /// What goes wrong with this call; `call` is the trait's method.
    fn next(&self, call: &'static str) -> Option<Fault>;
    /// Whether this call is done and never ends: content that is still on its way.
    fn never_ends(&self, _call: &'static str) -> bool {
        false
    }
}

/// Nothing goes wrong.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFaults;

impl Faults for NoFaults {
    fn next(&self, _call: &'static str) -> Option<Fault> {
        None
    }
}

/// A node as a test sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A folder.
    Folder,
    /// A file and its bytes.
    File(Bytes),
}

/// The server. Clones are the same one.
#[derive(Clone, Default)]
pub struct ModelServer {
    inner: Arc<Mutex<Inner>>,
    waiting: Arc<Mutex<Vec<Waker>>>,
}

impl ModelServer {
    /// An empty server.
    pub fn new() -> Self {
        Self::default()
    }

    /// The root of its tree.
    pub fn root(&self) -> NodeId {
        self.lock().root()
    }

    /// A client of it, signed in as this account.
    pub fn remote(&self, account: u128, faults: Arc<dyn Faults>) -> ModelRemote {
        ModelRemote::new(self.clone(), AccountId(Uuid::from_u128(account)), faults)
    }

    /// The live tree, by path: names joined by `/`.
    pub fn files(&self) -> BTreeMap<String, Seen> {
        self.lock().files()
    }

    /// The live node at a path.
    pub fn find(&self, path: &str) -> Option<NodeId> {
        self.lock().find(path)
    }

    /// Whether these bytes are or ever were the content of a node, live or in the trash.
    pub fn ever_held(&self, sha256: Sha256) -> bool {
        self.lock().ever_held(sha256)
    }

    /// Entries of the journal.
    pub fn journal_len(&self) -> u64 {
        self.lock().journal_len()
    }

    /// Takes a node with all below it out of the trash.
    pub fn restore(&self, node: NodeId) {
        self.lock().restore(node);
        self.wake();
    }

    /// Renames or moves a node, as somebody on the web would.
    ///
    /// # Errors
    /// As the API refuses.
    pub fn rename(&self, node: NodeId, parent: NodeId, name: &str) -> Result<(), RemoteError> {
        let renamed = {
            let mut inner = self.lock();
            let revision = inner.live(node).map_or(0, |node| node.revision);
            inner.move_node(AccountId(Uuid::nil()), node, revision, parent, &Name::from(name))
        };
        self.wake();
        renamed.map(|_| ())
    }

    /// Removes the oldest entries of the journal: cursors before this one expire.
    pub fn compact(&self, up_to: u64) {
        self.lock().compact(up_to);
    }

    /// A backup.
    #[must_use]
    pub fn backup(&self) -> Self {
        Self {
            inner: Arc::new(Mutex::new(self.lock().clone())),
            waiting: Arc::default(),
        }
    }

    /// Puts it back to a backup, which begins another epoch. An id is never given out twice for it.
    pub fn restore_backup(&self, backup: &Self) {
        let (epoch, ids) = {
            let inner = self.lock();
            (inner.epoch(), inner.ids)
        };
        let mut inner = backup.lock().clone();
        inner.ids = ids;
        inner.begin_epoch(epoch + 1);
        *self.lock() = inner;
    }

    /// Goes on from a backup as if nothing had happened, as a replica that takes over without the last commits. An id is never given
    /// out twice for it.
    pub fn take_over_from(&self, backup: &Self) {
        let ids = self.lock().ids;
        let mut inner = backup.lock().clone();
        inner.ids = ids;
        *self.lock() = inner;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic in a test leaves nothing half done that another test would see.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those who wait for the journal to tell something.
    fn waiting(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        for waker in self.waiting().drain(..) {
            waker.wake();
        }
    }
}
