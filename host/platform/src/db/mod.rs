//! Postgres: one pool per database role, and transactions that carry their tenant.
//!
//! Invariants: the daemon's roles own no table and can't bypass row-level security; a module's pool logs in as that
//! module's role only; a tenant's rows are reached through [`TenantTx`] and [`TenantRead`], which set the tenant for exactly
//! one transaction. Owner rights exist only while [`migrate`] runs.

mod config;
#[cfg(feature = "failpoints")]
mod filters;
mod migrate;
mod read;
mod tx;

pub use config::{DatabaseConfig, OwnerConfig};
#[cfg(feature = "failpoints")]
pub use filters::{filtered, point_filters_at};
pub use migrate::{MIGRATOR, check_server, migrate};
pub use read::TenantRead;
pub use tx::{Database, TenantTx, WorkerTx};

/// A login role of the daemon. The names stand in `migrations/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DbRole {
    /// The module identity.
    Identity,
    /// The module files, for one tenant at a time.
    Files,
    /// The module sharing.
    Sharing,
    /// Work of the module files across tenants: collector and outbox relay.
    Worker,
    /// The module search.
    Search,
    /// The module sync.
    Sync,
}

impl DbRole {
    /// Every role, for creating them.
    pub const ALL: [Self; 6] = [
        Self::Identity,
        Self::Files,
        Self::Sharing,
        Self::Worker,
        Self::Search,
        Self::Sync,
    ];

    /// The role's name in Postgres.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "bitvault_identity",
            Self::Files => "bitvault_files",
            Self::Sharing => "bitvault_sharing",
            Self::Worker => "bitvault_worker",
            Self::Search => "bitvault_search",
            Self::Sync => "bitvault_sync",
        }
    }
}
