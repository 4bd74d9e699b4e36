//! What an engine that did not live to its end left in the folder under names of its own.

use std::collections::BTreeSet;

use bitvault_planner::{Fingerprint, LocalId, LocalKind, Name, conflicted_copy};

use super::{Engine, EngineError};
use crate::fs::{Found, FsError, RelPath, own, untouched};
use crate::scan::path_of;

/// What a file is called whose name nobody knows any more.
const NAMELESS: &str = "recovered";

impl Engine {
    /// Clears what was found: removes what the server has, and gives what may be a person's a name again. Tells the folders that
    /// are to be listed once more. Beginnings of downloads wait until it is known whether they are gone on with.
    pub(super) async fn clear(&mut self, leftovers: Vec<RelPath>) -> Result<Vec<LocalId>, EngineError> {
        let mut folders = BTreeSet::new();
        for leftover in leftovers {
            let name = leftover.split().map_or("", |(_, name)| name);
            if own::is_partial(name) {
                self.partials.insert(leftover);
            } else if !own::is_swap(name) {
                self.sweep(&leftover).await;
            } else {
                match self.persons(&leftover).await {
                    Ok(None) => self.sweep(&leftover).await,
                    Ok(Some(found)) => {
                        self.name_again(&leftover, found).await?;
                        folders.insert(leftover.folder());
                    }
                    Err(error) => tracing::warn!(%leftover, %error, "look at what a crash left"),
                }
            }
        }
        Ok(self.known(&folders))
    }

    /// Clears what was left of downloads that nobody goes on with. To be called when nothing is left to fetch.
    pub(super) async fn sweep_partials(&mut self) -> Result<(), EngineError> {
        for partial in std::mem::take(&mut self.partials) {
            // Those that were gone on with have their place now.
            if matches!(self.io.fs.look(&partial).await, Ok(Some(_))) {
                self.sweep(&partial).await;
            }
        }
        self.flush()
    }

    async fn sweep(&mut self, leftover: &RelPath) {
        let label = self.io.label();
        match self.io.fs.sweep(leftover, &label).await {
            Ok(()) => self.log("sweep", leftover, "left by a crash"),
            Err(error) => tracing::warn!(%leftover, %error, "clear what a crash left"),
        }
    }

    /// What was about to change places with another one, unless that was the device's own: a download, or the version that was to
    /// make place. Somebody may have written right before the exchange.
    async fn persons(&self, leftover: &RelPath) -> Result<Option<Found>, FsError> {
        let Some(found) = self.io.fs.look(leftover).await? else {
            return Ok(None);
        };
        if found.kind != LocalKind::File {
            return Ok(Some(found));
        }
        if self.was_moved_here(&found).await? {
            return Ok(Some(found));
        }
        let trees = self.kept.trees();
        let made_place = |expected| untouched(&found.fingerprint, &expected);
        if trees
            .synced
            .iter()
            .any(|synced| synced.fingerprint.is_some_and(made_place))
        {
            return Ok(None);
        }
        self.io.wait_for_tick(&found.fingerprint).await;
        let hash = self.io.fs.open(leftover, found.fingerprint).await?.hash().await?;
        let of_server = trees.remote.iter().filter_map(|node| node.kind.content());
        let of_both = trees.synced.iter().filter_map(|synced| synced.kind.content());
        // The server may have gone on since it was fetched.
        let of_downloads = trees.remote.all_fetched().filter_map(|(_, kind)| kind.content());
        let mut known = of_server.chain(of_both).chain(of_downloads);
        let is_known = known.any(|content| content.sha256 == hash);
        Ok((!is_known).then_some(found))
    }

    /// Whether it is a file that nothing was to be fetched for, and its place is empty: somebody moved it to where the exchange was.
    async fn was_moved_here(&self, found: &Found) -> Result<bool, FsError> {
        let trees = self.kept.trees();
        for synced in trees.synced.iter() {
            let is_it = |before: Fingerprint| before.may_be_same_inode(&found.fingerprint);
            if !synced.fingerprint.is_some_and(is_it) || trees.remote.fetched(synced.node).is_some() {
                continue;
            }
            let Some(place) = path_of(trees, synced.local) else {
                return Ok(true);
            };
            if self.io.fs.look(&place).await?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What has this inode, as far as both sides know.
    fn name_of(&self, found: &Found) -> Name {
        let mut all = self.kept.trees().synced.iter();
        let was = all.find(|synced| {
            let before = synced.fingerprint;
            before.is_some_and(|before| before.may_be_same_inode(&found.fingerprint))
        });
        was.map_or_else(
            || Name::from(NAMELESS),
            |synced| self.config.names.to_local(&synced.name),
        )
    }

    /// Names it as a conflicted copy of what it was, as far as its inode tells.
    async fn name_again(&mut self, leftover: &RelPath, found: Found) -> Result<(), EngineError> {
        let name = self.name_of(&found);
        let is_folder = found.kind == LocalKind::Folder;
        let today = self.io.world.today();
        let mut number = 1;
        loop {
            let copy = conflicted_copy(&name, is_folder, &self.io.device, today, number);
            let to = leftover.folder().join(copy.as_str());
            match self.io.fs.rename(leftover, found, &to).await {
                Ok(_) => {
                    self.io.fs.settle(&[leftover.folder()]).await?;
                    self.log(
                        "recover",
                        &to,
                        "written right before another version took its place",
                    );
                    return Ok(());
                }
                Err(FsError::Occupied) => number += 1,
                Err(error @ FsError::RootGone(_)) => return Err(error.into()),
                Err(error) => {
                    tracing::warn!(%leftover, %error, "name what a crash left");
                    return Ok(());
                }
            }
        }
    }
}
