//! The three trees of a device: what the server last said, what a scan last saw, and what both last agreed on.
//!
//! Invariants: the trees are observations. Nothing in them says what is to be done; [`crate::plan`] derives that each
//! time anew. Nodes are keyed by id and never by path. All iteration is in the order of ids, so that the same trees give
//! the same plan everywhere. Devices hold hundreds of thousands of nodes: the maps hold boxes, because nodes of a map are
//! only half full when keys come in their order, as those of scans and journals do.

mod arrived;
mod children;
mod doubted;
mod effects;
mod local;
mod remote;
mod synced;

pub use local::{Fingerprint, LocalKind, LocalNode, LocalTree};
pub use remote::{Cause, Content, RemoteKind, RemoteNode, RemoteTree, Tombstone};
pub use synced::{SyncedNode, SyncedTree};

/// The three trees together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trees {
    /// What the server last said.
    pub remote: RemoteTree,
    /// What a scan last saw, and what the engine did since.
    pub local: LocalTree,
    /// What both sides last agreed on.
    pub synced: SyncedTree,
}
