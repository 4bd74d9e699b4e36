//! Moves bytes between local files and the store: one file or a tree, up or down. Native targets only.
//!
//! Owns: reading and writing local files, hashing, presigned requests, resume records. Called by the CLI and by the
//! device engine; both give a [`Client`] that is signed in.
//!
//! Invariants:
//! - A file is read once: its hash is computed while its bytes are on their way (ADR 0105). What is committed is
//!   exactly what was hashed; a file that changes meanwhile is an error and nothing of it is committed.
//! - Every part is bound to its SHA-256 before it is sent, so the store refuses damaged bytes.
//! - A download appears under its name only when it is whole, verified and on disk.
//! - Memory is bounded by [`MEMORY_BYTES`] for content held at once, whatever the number and size of files.
//! - Reading, writing and hashing happen on blocking threads, never on the async ones.

mod batch;
mod buffers;
mod download;
mod events;
mod folders;
mod known;
mod multipart;
mod pace;
mod record;
mod source;
mod store;
mod tree_down;
mod tree_up;
mod upload;
mod walk;
mod writer;

pub use download::{Downloaded, Version};
pub use events::{Event, Item, Outcome, Progress, Silent};
pub use known::KnownFile;
pub use pace::Pace;
pub use tree_down::check_name;
pub use upload::{FileJob, Origin, Place, Put};

use crate::{Client, Error, Result};
use buffers::Pool;
use std::path::PathBuf;
use std::sync::Arc;
use store::Store;
use tokio::sync::Semaphore;

/// Most content held in memory at once, in bytes: half for whole files, half for parts and ranges.
pub const MEMORY_BYTES: usize = 256 * MIB;
/// Files up to this size are read into memory and hashed before the upload starts; above, they stream in parts.
pub const WHOLE_BYTES_MAX: u64 = bitvault_api::limits::SINGLE_PUT_BYTES_MAX;
/// Most parts or ranges of one file on their way at once.
pub const PARTS_AT_ONCE: usize = 8;
/// Transfers at once when nothing else is asked for.
pub const JOBS_DEFAULT: usize = 16;
/// Most transfers at once.
pub const JOBS_MAX: usize = 256;

pub(crate) const MIB: usize = 1024 * 1024;
/// Read, hash and write in steps of this size, which stay in the processor's cache.
pub(crate) const STEP_BYTES: usize = 256 * 1024;

/// How to transfer.
#[derive(Debug, Clone)]
pub struct Options {
    /// Files (or PUTs of small files) at once, 1 to [`JOBS_MAX`].
    pub jobs: usize,
    /// Where resume records live; none means that a killed upload starts again.
    pub state_dir: Option<PathBuf>,
    /// Who uploads: part of a resume record's key, so that two accounts never share one.
    pub account: String,
}

/// The transfer engine of one signed-in client.
#[derive(Clone)]
pub struct Transfer {
    client: Client,
    store: Store,
    options: Options,
    progress: Arc<dyn Progress>,
    /// PUTs of small files on their way.
    puts: Arc<Semaphore>,
    /// Content of whole files in memory, in units of [`STEP_BYTES`].
    memory: Arc<Semaphore>,
    /// Buffers of ranges that arrive.
    ranges: Pool,
}

impl Transfer {
    /// An engine on this client.
    ///
    /// # Errors
    /// When the platform's HTTP client can't be set up.
    pub fn new(client: Client, options: Options, progress: Arc<dyn Progress>) -> Result<Self> {
        let jobs = options.jobs.clamp(1, JOBS_MAX);
        Ok(Self {
            store: Store::new(&client, jobs, Arc::clone(&progress))?,
            puts: Arc::new(Semaphore::new(jobs)),
            memory: Arc::new(Semaphore::new(MEMORY_BYTES / 2 / STEP_BYTES)),
            ranges: Pool::new(download::RANGE_BYTES, MEMORY_BYTES / 2 / download::RANGE_BYTES),
            options: Options { jobs, ..options },
            client,
            progress,
        })
    }

    /// The same, kept to a rate in each direction.
    #[must_use]
    pub fn paced(mut self, up: Option<Arc<Pace>>, down: Option<Arc<Pace>>) -> Self {
        self.store.set_pace(up, down);
        self
    }

    /// The client underneath.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }
}

/// Runs blocking work; a panic in it is this process's bug and is passed on as an error, not as a second panic.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::protocol(format!("a transfer task ended early: {error}"))),
    }
}
