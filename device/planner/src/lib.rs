//! The planner of the device sync engine: `plan(remote, local, synced, policy)` tells what has to be done so that a
//! device's folder and the server agree.
//!
//! Owns the three trees as data, the rules for names and conflicts, the matching of a scan with what was known, and the
//! plan. The engine owns everything that acts: it keeps the trees, carries operations out, and plans again.
//!
//! Invariants: everything here is a function of its arguments. No file system, clock, network or randomness; the day and
//! the device's name come in the [`Policy`]. The same trees give the same plan. Who calls: the engine and its simulator,
//! nobody else (ADR-0022, ADR-0026).

mod ids;
mod names;
mod operation;
mod plan;
mod policy;
mod scan;
mod trees;

pub use ids::{AccountId, LocalId, NodeId, ParseIdError, Sha256, VersionId};
pub use names::{NAME_BYTES, Name, NameRules, Trouble, check_for_server, conflicted_copy};
pub use operation::{
    DownloadTo, Operation, Pause, Place, Plan, Problem, Reason, RemoveWhy, Side, UploadTo, Why,
};
pub use plan::plan;
pub use policy::{Date, Guard, Policy};
pub use scan::{Observed, Scan, ScanEntry, ScanParent};
pub use trees::{
    Cause, Content, Fingerprint, LocalKind, LocalNode, LocalTree, RemoteKind, RemoteNode, RemoteTree,
    SyncedNode, SyncedTree, Tombstone, Trees,
};
