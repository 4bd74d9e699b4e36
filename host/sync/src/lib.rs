//! Sync: devices, and what changes for an account.
//!
//! Owns the schema `sync`: devices with how far each has been told, the keys that cursors are authenticated with, and the
//! sets of roots that cursors name. It calls the module files, in the caller's name, for what changed; files decides what
//! the caller may see. Serves the public `SyncService`, and removes its rows of a tenant that is deleted when identity asks
//! for it, `SyncDataService`.
//!
//! Invariants
//!
//! - A cursor is good for the account, the tenant and the device that it was given to, and can't be made up: it carries a keyed
//!   code over all that it says.
//! - The same cursor gives the same page until something changes: what it names is kept, and nothing that was kept for it is
//!   changed by a later call. So an answer may be lost.
//! - A device's place is that of the cursor it came with, which it has; never of the one it was given, which may be lost.
//! - Who waits costs a place in a list. One look at the journals' heads serves everybody who waits in this process.

mod config;
mod domain;
mod error;
mod files;
mod jobs;
mod service;
mod store;
mod waiting;

pub use config::{Config, JournalConfig};

use bitvault_platform::db::{Database, TenantTx};
use bitvault_platform::ids::TenantId;
use bitvault_platform::rpc::Transport;
use bitvault_platform::{Clock, Ctx, Result};
use domain::cursor::SetId;
use std::fmt;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Pages that are read at once when something changes for many who wait.
const READS_AT_ONCE: usize = 16;
/// Keys and sets of roots that are remembered.
const REMEMBERED: u64 = 10_000;

/// The module. Cheap to clone.
#[derive(Clone)]
pub struct Sync {
    core: Arc<Core>,
}

struct Core {
    config: Config,
    database: Database,
    files: files::Files,
    clock: Clock,
    waiting: waiting::Waiting,
    reads: Semaphore,
    keys: moka::sync::Cache<TenantId, domain::cursor::Key>,
    root_sets: moka::sync::Cache<(TenantId, SetId), Arc<[u8]>>,
    /// Ends whoever waits.
    closing: CancellationToken,
}

impl fmt::Debug for Sync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sync")
    }
}

impl Sync {
    /// `database` is the pool of the role [`Sync`](bitvault_platform::db::DbRole::Sync); `files` leads to the module files.
    pub fn new(config: Config, database: Database, files: Transport, clock: Clock) -> Result<Self> {
        config.check()?;
        Ok(Self {
            core: Arc::new(Core {
                config,
                database,
                files: files::Files::new(files),
                clock,
                waiting: waiting::Waiting::default(),
                reads: Semaphore::new(READS_AT_ONCE),
                keys: moka::sync::Cache::new(REMEMBERED),
                root_sets: moka::sync::Cache::new(REMEMBERED),
                closing: CancellationToken::new(),
            }),
        })
    }

    async fn begin(&self, ctx: &Ctx) -> Result<TenantTx> {
        TenantTx::begin(&self.core.database, ctx).await
    }
}
