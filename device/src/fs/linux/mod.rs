//! The file system on Linux: `openat2`, `statx`, `renameat2`.
//!
//! Invariants: system calls run on tokio's blocking threads, never on the engine's. Each opens the folder that it acts in
//! anew beneath the root, so that a path which was swapped for a symbolic link meanwhile is refused by the kernel.

mod abilities;
mod beneath;
mod place;
mod source;
mod temp;
mod trash;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bitvault_planner::Fingerprint;

use super::{
    Aside, FileSystem, Found, FsError, Inventory, Listing, Marker, RelPath, Root, Source, Temp, Written,
};
pub use abilities::{Abilities, free_bytes};
use beneath::Beneath;

/// A folder on this machine.
#[derive(Clone)]
pub struct LinuxFs {
    beneath: Arc<Beneath>,
}

impl LinuxFs {
    /// Opens the folder, which must be there.
    ///
    /// # Errors
    /// When it can't be opened, or is no folder.
    pub fn open(path: &Path) -> Result<Self, FsError> {
        Ok(Self {
            beneath: Arc::new(Beneath::open(path)?),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.beneath.path()
    }

    /// Where something beneath it is, to be shown to a person and never to be opened.
    pub fn shown(&self, path: &RelPath) -> PathBuf {
        self.beneath.path().join(path.as_str())
    }

    /// What the file system can do. Writes, in the engine's own folder, and cleans up.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub async fn abilities(&self) -> Result<Abilities, FsError> {
        self.blocking(|beneath| abilities::try_out(beneath)).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Beneath>) -> Result<T, FsError> + Send + 'static,
    ) -> Result<T, FsError> {
        let beneath = Arc::clone(&self.beneath);
        run(move || work(&beneath)).await
    }
}

/// Runs blocking work. That it panicked is told as an error, and the task that waits goes on.
async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FsError> + Send + 'static,
) -> Result<T, FsError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(FsError::Io {
            act: "work with",
            path: RelPath::root(),
            cause: std::io::Error::other(error),
        })
    })
}

#[async_trait]
impl FileSystem for LinuxFs {
    async fn root(&self) -> Result<Root, FsError> {
        self.blocking(|beneath| beneath.root()).await
    }

    async fn mark(&self, marker: &Marker) -> Result<(), FsError> {
        let marker = marker.clone();
        self.blocking(move |beneath| beneath.mark(&marker)).await
    }

    async fn list(&self, folder: &RelPath) -> Result<Listing, FsError> {
        let folder = folder.clone();
        self.blocking(move |beneath| beneath.list(&folder)).await
    }

    async fn look(&self, path: &RelPath) -> Result<Option<Found>, FsError> {
        let path = path.clone();
        self.blocking(move |beneath| beneath.look(&path)).await
    }

    async fn read_start(&self, path: &RelPath, most: usize) -> Result<Option<Vec<u8>>, FsError> {
        let path = path.clone();
        self.blocking(move |beneath| source::read_start(beneath, &path, most))
            .await
    }

    async fn open(&self, path: &RelPath, expected: Fingerprint) -> Result<Arc<dyn Source>, FsError> {
        let path = path.clone();
        self.blocking(move |beneath| source::open(beneath, path, expected))
            .await
    }

    async fn create_folder(&self, path: &RelPath) -> Result<Fingerprint, FsError> {
        let path = path.clone();
        self.blocking(move |beneath| place::create_folder(beneath, &path))
            .await
    }

    async fn create_temp(&self, folder: &RelPath, tag: u64) -> Result<Box<dyn Temp>, FsError> {
        let folder = folder.clone();
        self.blocking(move |beneath| temp::create(beneath, &folder, tag))
            .await
    }

    async fn resume_temp(
        &self,
        folder: &RelPath,
        tag: u64,
        size: u64,
    ) -> Result<(Box<dyn Temp>, u64), FsError> {
        let folder = folder.clone();
        self.blocking(move |beneath| temp::resume(beneath, &folder, tag, size))
            .await
    }

    async fn place(&self, temp: &Written, name: &str) -> Result<Fingerprint, FsError> {
        let (temp, name) = (temp.clone(), name.to_owned());
        self.blocking(move |beneath| place::place(beneath, &temp, &name, || ()))
            .await
    }

    async fn replace(
        &self,
        temp: &Written,
        name: &str,
        expected: Fingerprint,
        aside: &Aside,
    ) -> Result<Fingerprint, FsError> {
        let (temp, name, aside) = (temp.clone(), name.to_owned(), aside.clone());
        self.blocking(move |beneath| place::replace(beneath, &temp, &name, expected, &aside, |_| ()))
            .await
    }

    async fn rename(&self, from: &RelPath, expected: Found, to: &RelPath) -> Result<Fingerprint, FsError> {
        let (from, to) = (from.clone(), to.clone());
        self.blocking(move |beneath| place::rename(beneath, &from, expected, &to, || ()))
            .await
    }

    async fn discard(&self, path: &RelPath, inventory: &Inventory, label: &str) -> Result<(), FsError> {
        let (path, inventory, label) = (path.clone(), inventory.clone(), label.to_owned());
        self.blocking(move |beneath| trash::discard(beneath, &path, &inventory, &label, || ()))
            .await
    }

    async fn sweep(&self, leftover: &RelPath, label: &str) -> Result<(), FsError> {
        let (leftover, label) = (leftover.clone(), label.to_owned());
        self.blocking(move |beneath| trash::sweep(beneath, &leftover, &label))
            .await
    }

    async fn empty_trash(&self, before: &str) -> Result<(), FsError> {
        let before = before.to_owned();
        self.blocking(move |beneath| trash::empty(beneath, &before)).await
    }

    async fn abandon(&self, temp: &Written) {
        let temp = temp.clone();
        // What can't be removed is found by the next scan and goes to the trash then.
        let _ = self
            .blocking(move |beneath| temp::remove(beneath, &temp.path, &temp.fingerprint))
            .await;
    }

    async fn settle(&self, touched: &[RelPath]) -> Result<(), FsError> {
        let touched = touched.to_vec();
        self.blocking(move |beneath| beneath.settle(&touched)).await
    }
}

#[cfg(test)]
mod tests;
