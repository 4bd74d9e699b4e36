//! What the engine needs of the file system that holds the synced folder.
//!
//! Owns the trait, its errors and the implementation on Linux. Called by scan and engine; the simulator has an
//! implementation of its own.
//!
//! Invariants, of every implementation:
//! - Paths are opened beneath the root; no symbolic link is followed and no other file system entered.
//! - Nothing is ever overwritten or removed by name: what makes place goes to the device's trash, after it was looked at
//!   once more behind the rename that took it away. An edit that came between gets its place back.
//! - What was written is durable only after [`FileSystem::settle`].
//! - Entries called as in [`own`] are the engine's; no listing names them.

mod aside;
#[cfg(target_os = "linux")]
mod linux;
pub mod own;
mod path;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bitvault_planner::{Fingerprint, LocalKind, Name, Sha256};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use aside::Aside;
#[cfg(target_os = "linux")]
pub use linux::{Abilities, LinuxFs, free_bytes};
pub use path::RelPath;

/// How often a step that must not be left half done is tried when the disk answers with an error.
pub const DISK_TRIES: u32 = 3;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum FsError {
    /// What is there is not what was expected: edited, replaced, moved or gone. Nothing was done.
    #[error("it is no longer what it was")]
    Changed,
    /// Something has the name already. Nothing was done.
    #[error("something has the name already")]
    Occupied,
    /// No space is left, or the quota is used up.
    #[error("no space is left on the device")]
    Full,
    /// The synced folder is not there: unmounted, renamed, or another one has its name.
    #[error("the folder is not there any more: {0}")]
    RootGone(String),
    /// Anything else that the file system refused.
    #[error("{act} {path}: {cause}")]
    Io {
        /// What was tried.
        act: &'static str,
        /// With what.
        path: RelPath,
        /// What the system said.
        cause: std::io::Error,
    },
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// What it is. Another file system that is mounted there is [`LocalKind::Other`].
    pub kind: LocalKind,
    /// What the file system tells of it.
    pub fingerprint: Fingerprint,
}

/// An entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: Name,
    /// What is there.
    pub found: Found,
}

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Its entries, by name; the engine's own left out.
    pub entries: Vec<Entry>,
    /// Names that are not Unicode, as well as they can be shown: they can't be synced.
    pub unnameable: Vec<String>,
    /// Names of entries where another file system is mounted; they are among the entries too.
    pub mounts: Vec<Name>,
    /// Names of temporary files of the engine's that a crash left.
    pub leftovers: Vec<String>,
}

/// The file in the synced folder that tells which state belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// The state's id.
    pub state: String,
    /// Renewed each time that the state is opened: an older copy of either is noticed.
    pub seal: String,
}

/// The synced folder itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// What the file system tells of it.
    pub fingerprint: Fingerprint,
    /// The marker in it.
    pub marker: Option<Marker>,
}

/// A file that is written under a name of the engine's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where it is.
    pub path: RelPath,
    /// What the file system tells of it.
    pub fingerprint: Fingerprint,
    /// The hash of what was written.
    pub sha256: Sha256,
}

/// What must lie at and below an entry so that it may go.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// Paths below the entry, itself as the root path, and what is expected there. Of folders only the inode counts.
    pub expected: BTreeMap<RelPath, Found>,
    /// Paths below the entry that go along whatever they are.
    pub ignored: BTreeSet<RelPath>,
}

/// The file system that holds the synced folder.
#[async_trait]
pub trait FileSystem: Send + Sync {
    /// Looks at the synced folder: [`FsError::RootGone`] when it is not the one that was opened.
    async fn root(&self) -> Result<Root, FsError>;
    /// Writes the marker, durably.
    async fn mark(&self, marker: &Marker) -> Result<(), FsError>;
    /// Lists a folder.
    async fn list(&self, folder: &RelPath) -> Result<Listing, FsError>;
    /// What is at a path, if anything.
    async fn look(&self, path: &RelPath) -> Result<Option<Found>, FsError>;
    /// The first bytes of a small file of the engine's interest; none when there is no such file.
    async fn read_start(&self, path: &RelPath, most: usize) -> Result<Option<Vec<u8>>, FsError>;
    /// Opens a file that must be as expected.
    async fn open(&self, path: &RelPath, expected: Fingerprint) -> Result<Arc<dyn Source>, FsError>;
    /// Creates a folder under a name that is free.
    async fn create_folder(&self, path: &RelPath) -> Result<Fingerprint, FsError>;
    /// Begins a file in a folder, under a name of the engine's own that ends in `tag`.
    async fn create_temp(&self, folder: &RelPath, tag: u64) -> Result<Box<dyn Temp>, FsError>;
    /// Begins a file as [`Self::create_temp`] does, or goes on with what an earlier run left of it: tells how many bytes
    /// that is. Room for `size` bytes is taken at once, so that what does not fit fails before it is fetched and leaves the
    /// room to others.
    ///
    /// How much of it survives a power cut is for the file system: who calls checks the hash of the whole.
    async fn resume_temp(
        &self,
        folder: &RelPath,
        tag: u64,
        size: u64,
    ) -> Result<(Box<dyn Temp>, u64), FsError>;
    /// Gives a written file its name, which must be free. Done is done: also when somebody takes it away right after.
    async fn place(&self, temp: &Written, name: &str) -> Result<Fingerprint, FsError>;
    /// Puts a written file in the place of one that must be as expected, which goes to the trash. What can't go there now stays
    /// under a name of the engine's own, for [`Self::sweep`]. What somebody wrote into the written file before it was taken back
    /// becomes a conflicted copy.
    async fn replace(
        &self,
        temp: &Written,
        name: &str,
        expected: Fingerprint,
        aside: &Aside,
    ) -> Result<Fingerprint, FsError>;
    /// Renames or moves what must be as expected to where nothing is.
    async fn rename(&self, from: &RelPath, expected: Found, to: &RelPath) -> Result<Fingerprint, FsError>;
    /// Moves an entry to the device's trash, into a folder of this label, if it holds what is listed and nothing else.
    async fn discard(&self, path: &RelPath, inventory: &Inventory, label: &str) -> Result<(), FsError>;
    /// Clears a temporary file that a crash left: removes it, or moves it to the device's trash when it may be what made
    /// place for a download.
    async fn sweep(&self, leftover: &RelPath, label: &str) -> Result<(), FsError>;
    /// Removes folders of the trash whose label comes before this one: labels begin with the day.
    async fn empty_trash(&self, before: &str) -> Result<(), FsError>;
    /// Removes a written file that finds no place.
    async fn abandon(&self, temp: &Written);
    /// Makes these files and folders durable, content and entries.
    async fn settle(&self, touched: &[RelPath]) -> Result<(), FsError>;
}

/// A file that is open for reading.
#[async_trait]
pub trait Source: Send + Sync {
    /// Its length in bytes.
    fn size(&self) -> u64;
    /// Its whole content and the hash of that, if it held still. For small files.
    async fn whole(&self) -> Result<(Bytes, Sha256), FsError>;
    /// The hash of its content, if it held still.
    async fn hash(&self) -> Result<Sha256, FsError>;
    /// Fails when it is no longer as it was opened.
    async fn still(&self) -> Result<(), FsError>;
    /// A path by which this process can open the very same file; none where there is no real file.
    fn reopen(&self) -> Option<PathBuf>;
}

/// A file that is being written.
#[async_trait]
pub trait Temp: Send {
    /// Appends.
    async fn write(&mut self, bytes: Bytes) -> Result<(), FsError>;
    /// Ends the file. It is not durable yet.
    async fn finish(self: Box<Self>) -> Result<Written, FsError>;
}

/// Whether nothing but the change time differs, which a rename moves.
pub fn untouched(now: &Fingerprint, before: &Fingerprint) -> bool {
    Fingerprint { changed: 0, ..*now }
        == Fingerprint {
            changed: 0,
            ..*before
        }
}

/// What to keep of a file behind our own rename: what it tells now, unless somebody wrote to it meanwhile. Then what it
/// told before, so that the next scan sees the difference.
pub fn after_rename(now: Fingerprint, before: Fingerprint) -> Fingerprint {
    if untouched(&now, &before) { now } else { before }
}

/// What to keep of a written file that was given its name: what is there now tells, as [`after_rename`]. A file that is not
/// there any more, or that the file system can't tell of, was in its place all the same: whoever took it away has moved or
/// deleted it, and the next scan sees which.
pub fn after_placing(now: Result<Found, FsError>, temp: &Written) -> Fingerprint {
    now.map_or(temp.fingerprint, |now| {
        after_rename(now.fingerprint, temp.fingerprint)
    })
}
