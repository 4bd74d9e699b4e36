//! Moves of the server that were followed here by an engine that did not live to note it.

use bitvault_planner::{LocalId, LocalKind, SyncedNode};

use super::fetched::{Spot, again};
use super::{Engine, EngineError};
use crate::fs::{Found, FsError, RelPath, untouched};
use crate::scan::path_of;

/// What the server has moved, as far as is known here.
struct Moved {
    local: LocalId,
    from: RelPath,
    to: Spot,
}

impl Engine {
    /// Notes what lies where the server has it although nobody noted that it was moved there. To be called before the journal
    /// is read: when that tells of the next move, the one before would look like a person's, who moved it since.
    pub(super) async fn find_followed(&mut self) -> Result<(), EngineError> {
        let mut found = Vec::new();
        for moved in self.moved_there() {
            match again(async || self.is_followed(&moved).await).await {
                Ok(true) => found.push(moved),
                Ok(false) => {}
                Err(error @ FsError::RootGone(_)) => return Err(error.into()),
                // The next look at the folder tells.
                Err(error) => tracing::warn!(path = %moved.to.path, %error, "look for what was moved"),
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        let folders = found
            .iter()
            .flat_map(|moved| [moved.from.folder(), moved.to.path.folder()]);
        self.io.fs.settle(&folders.collect::<Vec<_>>()).await?;
        for moved in found {
            self.note_followed(moved);
        }
        self.flush()
    }

    fn moved_there(&self) -> Vec<Moved> {
        let trees = self.kept.trees();
        let moved = |synced: &SyncedNode| {
            let remote = trees.remote.get(synced.node)?;
            if remote.parent == Some(synced.parent) && remote.name == synced.name {
                return None;
            }
            let to = self.spot_of(synced.node)?;
            let from = path_of(trees, synced.local)?;
            (from != to.path).then_some(Moved {
                local: synced.local,
                from,
                to,
            })
        };
        trees.synced.iter().filter_map(moved).collect()
    }

    /// Whether the entry lies where the server has it, and no longer where it was.
    async fn is_followed(&self, moved: &Moved) -> Result<bool, FsError> {
        let now = self.io.fs.look(&moved.to.path).await?;
        let Some(now) = now.filter(|now| self.is_entry(moved.local, now)) else {
            return Ok(false);
        };
        // Both names may be of one file: by a hard link, or where case is folded.
        let before = self.io.fs.look(&moved.from).await?;
        let is_there_too =
            before.is_some_and(|before| before.fingerprint.may_be_same_inode(&now.fingerprint));
        Ok(!is_there_too)
    }

    /// Whether what is found is the entry, which may have been edited where the file system tells when it was made.
    fn is_entry(&self, local: LocalId, now: &Found) -> bool {
        let Some(entry) = self.kept.trees().local.get(local) else {
            return false;
        };
        let (there, here) = (&now.fingerprint, &entry.fingerprint);
        let looks_like_it = now.kind == LocalKind::Folder || untouched(there, here);
        now.kind == entry.kind
            && (there.is_same_inode(here) || there.may_be_same_inode(here) && looks_like_it)
    }

    /// The entry keeps what was known of it, so that a file is read once more: it may have been edited since.
    fn note_followed(&mut self, moved: Moved) {
        let Some(entry) = self.kept.trees().local.get(moved.local) else {
            return;
        };
        let fingerprint = entry.fingerprint;
        let Spot { at, parent, name, .. } = moved.to;
        self.kept
            .moved_local(moved.local, (parent, name), fingerprint, Some(at));
    }
}
