//! The real file system, but for a folder that it can't list: root may list all that is there, so no rights do it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bitvault_device::fs::{
    Aside, FileSystem, Found, FsError, Inventory, LinuxFs, Listing, Marker, RelPath, Root, Source, Temp,
    Written,
};
use bitvault_device::planner::Fingerprint;

/// Which folder can't be listed.
pub(crate) type Unlistable = Arc<Mutex<Option<String>>>;

pub(crate) struct UnlistableFs {
    pub(crate) fs: LinuxFs,
    pub(crate) unlistable: Unlistable,
}

#[async_trait]
impl FileSystem for UnlistableFs {
    async fn list(&self, folder: &RelPath) -> Result<Listing, FsError> {
        if self.unlistable.lock().unwrap().as_deref() == Some(folder.as_str()) {
            return Err(FsError::Io {
                act: "list",
                path: folder.clone(),
                cause: std::io::Error::other("input/output error"),
            });
        }
        self.fs.list(folder).await
    }

    async fn root(&self) -> Result<Root, FsError> {
        self.fs.root().await
    }

    async fn mark(&self, marker: &Marker) -> Result<(), FsError> {
        self.fs.mark(marker).await
    }

    async fn look(&self, path: &RelPath) -> Result<Option<Found>, FsError> {
        self.fs.look(path).await
    }

    async fn read_start(&self, path: &RelPath, most: usize) -> Result<Option<Vec<u8>>, FsError> {
        self.fs.read_start(path, most).await
    }

    async fn open(&self, path: &RelPath, expected: Fingerprint) -> Result<Arc<dyn Source>, FsError> {
        self.fs.open(path, expected).await
    }

    async fn create_folder(&self, path: &RelPath) -> Result<Fingerprint, FsError> {
        self.fs.create_folder(path).await
    }

    async fn create_temp(&self, folder: &RelPath, tag: u64) -> Result<Box<dyn Temp>, FsError> {
        self.fs.create_temp(folder, tag).await
    }

    async fn resume_temp(
        &self,
        folder: &RelPath,
        tag: u64,
        size: u64,
    ) -> Result<(Box<dyn Temp>, u64), FsError> {
        self.fs.resume_temp(folder, tag, size).await
    }

    async fn place(&self, temp: &Written, name: &str) -> Result<Fingerprint, FsError> {
        self.fs.place(temp, name).await
    }

    async fn replace(
        &self,
        temp: &Written,
        name: &str,
        expected: Fingerprint,
        aside: &Aside,
    ) -> Result<Fingerprint, FsError> {
        self.fs.replace(temp, name, expected, aside).await
    }

    async fn rename(&self, from: &RelPath, expected: Found, to: &RelPath) -> Result<Fingerprint, FsError> {
        self.fs.rename(from, expected, to).await
    }

    async fn discard(&self, path: &RelPath, inventory: &Inventory, label: &str) -> Result<(), FsError> {
        self.fs.discard(path, inventory, label).await
    }

    async fn sweep(&self, leftover: &RelPath, label: &str) -> Result<(), FsError> {
        self.fs.sweep(leftover, label).await
    }

    async fn empty_trash(&self, before: &str) -> Result<(), FsError> {
        self.fs.empty_trash(before).await
    }

    async fn abandon(&self, temp: &Written) {
        self.fs.abandon(temp).await;
    }

    async fn settle(&self, touched: &[RelPath]) -> Result<(), FsError> {
        self.fs.settle(touched).await
    }
}
