//! Search: an index of what nodes are called and carry, and the service that answers from it.
//!
//! It owns the schema `search`, which is derived from the module files and may be emptied at any time: it fills itself
//! again. It calls the module files, for the journal, for the present state of nodes, and to ask what a caller may see.
//!
//! Invariants
//!
//! - Nothing is shown by the index alone: every hit has just been shown to the caller by files, so an index that is behind
//!   can hide something for a moment, and never tell something.
//! - The index follows the journal by its numbers; events only say that there is something to read. A change is applied by
//!   reading what the node is now, so applying one twice, or late, does no harm.
//! - One writer a tenant at a time: a step that began before another one ended is given up (`search.cursors.step`).

mod config;
mod domain;
mod files;
mod jobs;
mod places;
mod service;
mod store;

pub use config::Config;
pub use jobs::RebuildReport;

use bitvault_platform::Error;
use bitvault_platform::db::Database;
use bitvault_platform::jobs::Nudge;
use bitvault_platform::rpc::Transport;
use std::fmt;
use std::sync::Arc;

/// The module. Cheap to clone.
#[derive(Clone)]
pub struct Search {
    core: Arc<Core>,
}

struct Core {
    config: Config,
    database: Database,
    files: files::Files,
    places: places::Places,
    indexer: Nudge,
}

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Search")
    }
}

impl Search {
    /// `database` is the pool of the role [`Search`](bitvault_platform::db::DbRole::Search); `files` leads to the module
    /// files.
    pub fn new(config: Config, database: Database, files: Transport) -> Result<Self, Error> {
        config.check()?;
        Ok(Self {
            core: Arc::new(Core {
                config,
                database,
                files: files::Files::new(files),
                places: places::Places::default(),
                indexer: Nudge::default(),
            }),
        })
    }
}
