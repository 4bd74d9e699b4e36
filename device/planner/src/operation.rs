//! What a plan consists of.
//!
//! Operations name nodes by id, never by path: where an entry lies, the engine reads from the local tree at the moment
//! that it acts. Each carries what must still hold at that moment; when it does not, the operation is given up, the
//! observation is put right, and the next plan knows better. A refused or skipped operation is never an error.

use crate::ids::{LocalId, NodeId, Sha256, VersionId};
use crate::names::{Name, Trouble};
use crate::trees::{Content, Fingerprint};

/// What is to be done now.
///
/// What came of an operation is told to the trees by the methods of [`crate::Trees`], one for each kind.
///
/// Invariants: the operations may be carried out in any order, side by side, or only some of them; none waits for another
/// one. What has to wait is in a later plan. An empty plan means that nothing is left to do but what `pauses` and
/// `problems` tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// What can be done at once.
    pub operations: Vec<Operation>,
    /// What waits for a person; everything else goes on.
    pub pauses: Vec<Pause>,
    /// Nodes that can't be synced as they are, each with its reason; everything else goes on.
    pub problems: Vec<Problem>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    // --- only the state changes
    /// Both sides have the same: note it in the synced tree. The engine checks nothing; it is the trees that agree.
    Adopt {
        /// Node of the server.
        node: NodeId,
        /// Entry of the device.
        local: LocalId,
    },
    /// Drop the node from the synced tree: the binding no longer means anything.
    Forget {
        /// Node of the server.
        node: NodeId,
    },
    /// Read the file and note its hash in the local tree.
    Hash {
        /// The file.
        local: LocalId,
        /// What the file system must tell before and after reading.
        expected: Fingerprint,
    },

    // --- on the server
    /// Create a folder on the server for one of the device, and bind them. Before it is asked for, that is noted
    /// ([`crate::Trees::asked_by`]).
    CreateRemoteFolder {
        /// The folder of the device.
        local: LocalId,
        /// Where on the server.
        parent: NodeId,
        /// Its name there.
        name: Name,
    },
    /// Send a file's content to the server, and bind both. Before it is sent, its hash is noted
    /// ([`crate::Trees::sending`]).
    Upload {
        /// The file of the device.
        local: LocalId,
        /// What the file system must tell before and after reading.
        expected: Fingerprint,
        /// What the bytes must hash to.
        sha256: Sha256,
        /// A new node, or a version of one.
        to: UploadTo,
    },
    /// Move or rename a node on the server (`If-Match: revision`). Before it is asked for, that is noted
    /// ([`crate::Trees::asked_by`]).
    MoveRemote {
        /// The node.
        node: NodeId,
        /// Its revision, which the server must still have.
        revision: i64,
        /// The folder it moves to, or that already holds it.
        parent: NodeId,
        /// Its name then.
        name: Name,
        /// What it is for.
        why: Why,
        /// The place that both sides know of once it is done, for the synced tree.
        agreed: Option<Place>,
    },
    /// Put a node, with all below it, into the server's trash (`If-Match: revision`).
    DeleteRemote {
        /// The node.
        node: NodeId,
        /// Its revision, which the server must still have.
        revision: i64,
        /// All live nodes that go with it, itself among them, and their revisions. When the server has others below it, newer
        /// ones or fewer, somebody has done something there that nobody here has seen, and nothing may go.
        covers: Vec<(NodeId, i64)>,
    },

    // --- on the device
    /// Create a folder on the device for one of the server, and bind them. Before it is made, that is noted
    /// ([`crate::Trees::fetching`]).
    CreateLocalFolder {
        /// The folder of the server.
        node: NodeId,
        /// Its place on the server, as it was planned.
        at: Place,
        /// Where on the device.
        parent: LocalId,
        /// Its name there; nothing may have that name yet.
        name: Name,
    },
    /// Fetch a file's content to the device, and bind both. Before the file is put in place, what it is is noted
    /// ([`crate::Trees::fetching`]).
    Download {
        /// The node of the server.
        node: NodeId,
        /// What to fetch: version, hash and size.
        content: Content,
        /// A new entry, or the content of one.
        to: DownloadTo,
    },
    /// Move or rename an entry of the device, never over another one.
    MoveLocal {
        /// The entry.
        local: LocalId,
        /// What the file system must tell of it, which must still be a file or a folder as it was; of a folder only the inode
        /// counts.
        expected: Fingerprint,
        /// The folder it moves to, or that already holds it.
        parent: LocalId,
        /// Its name then; nothing but the entry itself may have that name yet.
        name: Name,
        /// What it is for. [`Why::Conflict`] also ends the binding of a bound entry ([`crate::Trees::forget`]), and that is
        /// durable *before* the entry is renamed: a crash between leaves an unbound file where the server has another one,
        /// which is the same conflict.
        why: Why,
        /// The place that both sides know of once it is done, for the synced tree.
        agreed: Option<Place>,
    },
    /// Move an entry of the device, with all below it, to the device's trash.
    RemoveLocal {
        /// The entry.
        local: LocalId,
        /// All entries that go with it, itself among them, and what the file system must tell of each; of folders only the
        /// inode counts. What else turns up below, and is not `ignored`, makes the operation give up.
        covers: Vec<(LocalId, Fingerprint)>,
        /// Entries below that are never synced and that no one else has a copy of: they go to the device's trash as well,
        /// if they are still never synced.
        ignored: Vec<LocalId>,
        /// Who wants it.
        why: RemoveWhy,
    },
}

/// A place on the server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The folder.
    pub parent: NodeId,
    /// The name in it.
    pub name: Name,
}

/// Where an upload goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadTo {
    /// A new file on the server.
    New {
        /// The folder that gets it.
        parent: NodeId,
        /// Its name.
        name: Name,
    },
    /// A new version of a file on the server.
    Version {
        /// The file.
        node: NodeId,
        /// The version that must still be the current one.
        base: VersionId,
    },
}

/// Where a download goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DownloadTo {
    /// A new file on the device.
    New {
        /// Its place on the server, as it was planned.
        at: Place,
        /// The folder that gets it.
        parent: LocalId,
        /// Its name there; nothing may have that name yet.
        name: Name,
    },
    /// In place of a file's content.
    Replace {
        /// The file.
        local: LocalId,
        /// What the file system must tell of it at the moment that it is replaced.
        expected: Fingerprint,
    },
}

/// What a move or rename is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// The other side did so.
    Follow,
    /// It steps aside for a moment, under a name of its own, because others wait for its place and it for theirs.
    StepAside,
    /// Its name is another's: it stays what it is, under the name of a conflicted copy.
    Twin,
    /// The server has other content for it, or for its name: it becomes a conflicted copy, which is a file of its own.
    Conflict,
}

/// What a removal on the device is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RemoveWhy {
    /// The server has a tombstone for it.
    Gone,
    /// This device leaves it out; it stays on the server. That it may be missing is noted ([`crate::Trees::leaving`]), and durable
    /// *before* the first entry goes: after a crash between, nothing must look as if a person had deleted it.
    Excluded,
}

/// A side of the sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The server.
    Remote,
    /// The device.
    Local,
}

/// What waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// So many nodes would be deleted on one side that it may be a mistake. Agreed to by
    /// [`crate::Guard::agreed_remote`] or [`crate::Guard::agreed_local`].
    MassDelete {
        /// Where they would be deleted.
        side: Side,
        /// How many.
        deletes: usize,
        /// Of how many that are synced.
        synced: usize,
    },
    /// The folder on the server that the device syncs is gone or no longer to be seen. Nothing is planned.
    RootGone,
}

/// Why one node can't be synced as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The entry of the device, where it has one.
    pub local: Option<LocalId>,
    /// The node of the server, where it has one.
    pub node: Option<NodeId>,
    /// What is wrong.
    pub reason: Reason,
}

/// What keeps a node from being synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The server would not take the entry's name.
    NameInvalid(Trouble),
    /// What was changed here may not be changed there. It stays on the device as it is.
    ReadOnly,
    /// Something that is not synced has the name on the device: an ignored entry, a symbolic link.
    NameOccupied,
    /// The node is not listed, but nobody said that it is gone.
    Unexplained,
}
