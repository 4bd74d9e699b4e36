//! A folder as a ZIP archive, put together from the store while it is sent.
//!
//! The one exception to "contents never pass through the daemon": a browser can't put an archive together itself.
//!
//! Invariants: an archive is planned before its first byte is sent, and what is too large is refused then; entries are
//! stored, not compressed; memory is a few pieces per archive, however large it is or slow its client; at most
//! `gateway.zip.max_streams` are sent at once; a client that goes away ends its archive; an archive that can't be finished
//! breaks off, so that nobody takes it for complete.

mod names;
mod pipe;
mod plan;
mod send;

pub(crate) use names::top_name;
pub(crate) use plan::plan;
pub(crate) use send::send;

use crate::config::ZipConfig;
use bitvault_platform::{Code, Error};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room for archives, and the way to the store.
#[derive(Debug)]
pub(crate) struct Archives {
    room: Arc<Semaphore>,
    store: reqwest::Client,
}

impl Archives {
    pub(crate) fn new(config: &ZipConfig) -> Result<Self, Error> {
        let store = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(config.stall_timeout)
            .read_timeout(config.stall_timeout)
            .build();
        Ok(Self {
            room: Arc::new(Semaphore::new(config.max_streams)),
            store: store.map_err(|cause| Error::internal("make a client for the store", cause))?,
        })
    }

    /// A place, held until the archive is sent.
    pub(crate) fn enter(&self) -> Result<OwnedSemaphorePermit, Error> {
        Arc::clone(&self.room).try_acquire_owned().map_err(|_| {
            let text = "many archives are being sent at this moment; try again in a while";
            Error::new(Code::Unavailable, "zip_busy", text)
        })
    }
}

/// One file or folder of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its path in the archive; no part of it is `..`, and no two entries have the same.
    pub(crate) path: String,
    /// When it last changed, Unix seconds.
    pub(crate) modified: i64,
    /// Nothing for a folder.
    pub(crate) file: Option<File>,
}

/// What a file's bytes are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) node_id: String,
    /// The version that was there when the archive was planned.
    pub(crate) version_id: String,
    pub(crate) size: u64,
}
