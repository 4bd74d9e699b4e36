//! Files: nodes, versions, blobs, the objects that hold their bytes, uploads, the journal and the outbox.
//!
//! It owns the schema `files` and decides about access, in the transaction that acts. It calls the module storage, asks
//! identity what tenants have settled, and publishes on the bus.
//!
//! Invariants
//!
//! - A version that is visible has all of its bytes in the store; an object in the store is known to a row before its
//!   first byte can be sent, and is collected when no version needs it.
//! - Physical keys are chosen here, are unique and never reused; the content hash finds equal content and is no key.
//! - Every change of a node writes one row of the journal and one event of the outbox, in the same transaction; the
//!   journal of a tenant has no gaps and is numbered in the order of commits.
//! - No call leaves the process while a lock is held.

mod combine;
mod config;
mod domain;
mod error;
pub mod failpoints;
mod high_water;
mod jobs;
mod service;
mod store;
mod store_client;
mod tenants;

pub use config::{
    CLOCK_SLACK, CollectorConfig, Config, CopyConfig, HighWaterConfig, PRESIGN_LIFETIME_MAX, RelayConfig,
    TrashConfig, VerifyConfig, VersionsConfig,
};
pub use jobs::collect::CollectReport;
pub use jobs::fsck::FsckReport;
pub use jobs::high_water::Compared;
pub use jobs::purge::PurgeReport;
pub use jobs::thin::ThinReport;
pub use service::Files;
