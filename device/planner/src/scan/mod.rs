//! What a scan found, before it is known what is what.

mod matching;

use crate::ids::{LocalId, Sha256};
use crate::names::Name;
use crate::trees::{Fingerprint, LocalKind};

/// What a scan found: of the whole folder, or of some of its folders only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scan {
    /// The known folders that were listed from the outside: the root for a whole scan, or those that the watcher named. A
    /// folder that can't be read must not be in here: what it holds is then left as it was known.
    pub listed: Vec<LocalId>,
    /// All entries of all listed folders; a folder before what it holds.
    pub entries: Vec<ScanEntry>,
}

/// The folder that holds a scanned entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanParent {
    /// One of [`Scan::listed`].
    Listed(LocalId),
    /// The folder that is an earlier entry of the same scan, by its index; that entry is `listed`.
    Entry(usize),
}

/// One entry that a scan found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanEntry {
    /// The folder that holds it.
    pub parent: ScanParent,
    /// Its name as the file system has it. A name that is not Unicode can't be synced; the scan leaves it out and tells.
    pub name: Name,
    /// What it is. Symbolic links are never followed.
    pub kind: LocalKind,
    /// What the file system tells of it.
    pub fingerprint: Fingerprint,
    /// The hash of its content, if the scan read it.
    pub content: Option<Sha256>,
    /// Whether the ignore rules name it.
    pub ignored: bool,
    /// Of a folder: whether its entries are part of this scan. A folder that is not is left as it was known.
    pub listed: bool,
}

/// What a scan changed in the local tree, to be kept by whoever keeps the tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observed {
    /// Entries that are new, moved, renamed or changed.
    pub changed: Vec<LocalId>,
    /// Entries that are gone.
    pub gone: Vec<LocalId>,
    /// Folders that were not looked into because they are ignored, and that turned out to be synced ones of another place.
    /// What they hold is still as it was known: they should be listed now.
    pub unlisted: Vec<LocalId>,
}
