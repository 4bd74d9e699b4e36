//! Mistakes on purpose: a search that does not find them is no search.
//!
//! Each is a wrapper around one of the engine's traits, so that the engine has no switch for it. Called by the test that
//! looks for them, by way of [`crate::Options`].

mod files;
mod line;
mod rest;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bitvault_device::engine::Parts;
use bitvault_device::fs::{Found, RelPath, Root};
use bitvault_device::planner::{NodeId, Sha256};

use crate::server::ModelServer;
use crate::store::SimStore;

/// A mistake of an engine, or of what it works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    // --- of the file system
    /// A file is replaced without a last look at it.
    ReplacesUnseen,
    /// An entry is renamed without a last look at it.
    RenamesUnseen,
    /// Something is removed without a last look at what is in it.
    RemovesUnseen,
    /// A new file is put in place over whatever has its name.
    PlacesOver,
    /// What is read need not hold still, and whatever was read is sent.
    SendsWhatIsThere,
    /// Nothing is made durable.
    NeverSettles,
    /// Files are made durable, and not their names.
    SettlesFilesOnly,
    /// Names are made durable, and not what is in the files.
    SettlesNamesOnly,
    /// All temporary files have one name.
    SharesTempNames,
    /// That the disk is not mounted goes unnoticed.
    ForgetsTheMarker,
    /// An edit that keeps size and modification time goes unnoticed.
    IgnoresChangeTime,
    /// What arrived is not compared with what was promised.
    TrustsDownloads,
    // --- of the line
    /// What the server does not list was deleted.
    TakesAbsenceForDeletion,
    /// Tombstones are passed over.
    DropsTombstones,
    /// That the server was put back to a backup is ignored.
    IgnoresEpoch,
    /// An upload names whatever version is the current one.
    UploadsOverAnything,
    /// A move names whatever revision is the current one.
    MovesUnseen,
    /// A delete names whatever is below the folder now.
    DeletesUnseen,
    // --- of the state, and of time
    /// What was sent is not noted.
    ForgetsWhatWasSent,
    /// What the server is asked for is not noted.
    ForgetsWhatItAskedFor,
    /// What is being put in place is not noted.
    ForgetsWhatWasFetched,
    /// That a folder is being made is not noted.
    ForgetsFoldersItMakes,
    /// The last commit is lost with the process.
    LosesTheLastCommit,
    /// A state that is not the folder's is used all the same.
    IgnoresTheSeal,
    /// What was just changed is read at once.
    NeverWaitsATick,
    /// What went to the trash when, and how old it is, is taken from the machine's own clock.
    TrustsItsClock,
}

impl Mistake {
    /// Those that the search finds within the seeds that its test states.
    pub const FOUND: [Self; 19] = [
        Self::ReplacesUnseen,
        Self::RenamesUnseen,
        Self::RemovesUnseen,
        Self::PlacesOver,
        Self::NeverSettles,
        Self::SettlesFilesOnly,
        Self::SettlesNamesOnly,
        Self::SharesTempNames,
        Self::ForgetsTheMarker,
        Self::IgnoresChangeTime,
        Self::TrustsDownloads,
        Self::TakesAbsenceForDeletion,
        Self::DropsTombstones,
        Self::IgnoresEpoch,
        Self::UploadsOverAnything,
        Self::DeletesUnseen,
        Self::ForgetsWhatWasFetched,
        Self::LosesTheLastCommit,
        Self::IgnoresTheSeal,
    ];

    /// Those that it does not find within so few: each needs several accidents at once.
    pub const RARE: [Self; 7] = [
        Self::MovesUnseen,
        Self::SendsWhatIsThere,
        Self::ForgetsWhatWasSent,
        Self::ForgetsWhatItAskedFor,
        Self::ForgetsFoldersItMakes,
        Self::NeverWaitsATick,
        Self::TrustsItsClock,
    ];
}

/// A device's mistake, and what it has to remember for it.
#[derive(Clone)]
pub(crate) struct Mistaken {
    mistake: Mistake,
    memory: Arc<Mutex<Memory>>,
}

#[derive(Default)]
struct Memory {
    /// The folder as it was seen first.
    root: Option<Root>,
    /// Nodes that the server ever named.
    known: BTreeSet<NodeId>,
    /// What was last told of a path.
    found: BTreeMap<RelPath, Found>,
    /// What a download that ended early hashes to, and what was promised.
    promised: BTreeMap<Sha256, Sha256>,
    /// Commits that are not written yet.
    unwritten: Option<bitvault_device::state::Changes>,
}

impl Mistaken {
    pub(crate) fn new(mistake: Mistake) -> Self {
        Self {
            mistake,
            memory: Arc::default(),
        }
    }

    /// Makes the mistake with what an engine is given.
    pub(crate) fn make(&self, parts: Parts, store: &SimStore, server: &ModelServer) -> Parts {
        self.lock().unwritten = None;
        let Parts {
            fs,
            remote,
            world,
            store: kept,
            progress,
        } = parts;
        Parts {
            fs: Arc::new(files::WrongFs::new(fs, self.clone(), store.clone())),
            remote: Arc::new(line::WrongRemote::new(
                remote,
                world.clone(),
                self.clone(),
                server.clone(),
            )),
            world: Arc::new(rest::WrongWorld::new(world, self.clone())),
            store: Box::new(rest::WrongStore::new(kept, self.clone())),
            progress,
        }
    }

    fn is(&self, mistake: Mistake) -> bool {
        self.mistake == mistake
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
