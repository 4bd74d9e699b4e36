//! Downloads and folders that lie in place, put there by an engine that did not live to note it.

use bitvault_planner::{Fingerprint, LocalId, Name, NodeId, Place, RemoteKind};

use super::{Engine, EngineError, TRIES};
use crate::fs::{FsError, RelPath};
use crate::scan::path_of;

/// Where a node of the server goes here.
pub(super) struct Spot {
    /// Its place on the server.
    pub(super) at: Place,
    /// The folder and the name here.
    pub(super) parent: LocalId,
    pub(super) name: Name,
    pub(super) path: RelPath,
}

/// A new file or folder that was to be put in place.
struct Target {
    node: NodeId,
    kind: RemoteKind,
    spot: Spot,
}

/// Looks again when the disk answers with an error: what is not found now is taken for a person's once the journal was read.
pub(super) async fn again<T>(look: impl AsyncFn() -> Result<T, FsError>) -> Result<T, FsError> {
    for _ in 1..TRIES {
        match look().await {
            Err(FsError::Io { .. }) => {}
            looked => return looked,
        }
    }
    look().await
}

impl Engine {
    /// Notes new files and folders that are in place although nobody noted it. To be called before the journal is read: what
    /// that tells of such a one, that it was deleted or moved, would find nothing here, and it would look like a person's new
    /// one.
    pub(super) async fn find_fetched(&mut self) -> Result<(), EngineError> {
        let mut found = Vec::new();
        for target in self.fetched_targets() {
            match again(async || self.is_there(&target).await).await {
                Ok(Some(fingerprint)) => found.push((target, fingerprint)),
                Ok(None) => {}
                Err(error @ FsError::RootGone(_)) => return Err(error.into()),
                // The next look at the folder tells.
                Err(error) => tracing::warn!(path = %target.spot.path, %error, "look for what was fetched"),
            }
        }
        let paths = found
            .iter()
            .flat_map(|(target, _)| [target.spot.path.clone(), target.spot.path.folder()]);
        self.io.fs.settle(&paths.collect::<Vec<_>>()).await?;
        for (target, fingerprint) in found {
            self.note_fetched(target, fingerprint);
        }
        self.flush()
    }

    /// What was about to be put in place as a new file or folder.
    fn fetched_targets(&self) -> Vec<Target> {
        let trees = self.kept.trees();
        let target = |(node, kind): (NodeId, RemoteKind)| {
            let spot = self.spot_of(node)?;
            Some(Target { node, kind, spot })
        };
        let fetched = trees.remote.all_fetched();
        let new = fetched.filter(|(node, _)| trees.synced.get(*node).is_none());
        new.filter_map(target).collect()
    }

    /// Where a node goes here, as far as the folder that holds it is here.
    pub(super) fn spot_of(&self, node: NodeId) -> Option<Spot> {
        let trees = self.kept.trees();
        let remote = trees.remote.get(node)?;
        let at = Place {
            parent: remote.parent?,
            name: remote.name.clone(),
        };
        let parent = match at.parent == trees.remote.root() {
            true => trees.local.root(),
            false => trees.synced.get(at.parent)?.local,
        };
        let name = self.config.names.to_local(&at.name);
        Some(Spot {
            at,
            parent,
            path: path_of(trees, parent)?.join(name.as_str()),
            name,
        })
    }

    /// What the file system tells of the file, if it is the one that was fetched, or of the folder.
    async fn is_there(&self, target: &Target) -> Result<Option<Fingerprint>, FsError> {
        let Some(found) = self.io.fs.look(&target.spot.path).await? else {
            return Ok(None);
        };
        let fingerprint = found.fingerprint;
        if found.kind != target.kind.local() {
            return Ok(None);
        }
        let Some(content) = target.kind.content() else {
            return Ok(Some(fingerprint));
        };
        if fingerprint.size != content.size {
            return Ok(None);
        }
        self.io.wait_for_tick(&fingerprint).await;
        let hash = self
            .io
            .fs
            .open(&target.spot.path, fingerprint)
            .await?
            .hash()
            .await?;
        Ok((hash == content.sha256).then_some(fingerprint))
    }

    fn note_fetched(&mut self, target: Target, fingerprint: Fingerprint) {
        let Target { node, kind, spot } = target;
        let trees = self.kept.trees();
        let known = trees.local.children(spot.parent).find_map(|entry| {
            let may_be_it = entry.kind == kind.local() && trees.synced.of_local(entry.id).is_none();
            (entry.name == spot.name).then_some((entry.id, may_be_it))
        });
        match (known, kind) {
            // It was something else before: the next look at the folder tells.
            (Some((_, false)), _) => {}
            (Some((known, true)), kind) => {
                if let Some(content) = kind.content() {
                    self.kept.hashed(known, fingerprint, content.sha256);
                }
                self.kept.adopt(node, known);
            }
            (None, RemoteKind::File(content)) => {
                let to = (spot.parent, spot.name);
                self.kept.downloaded(node, content, spot.at, to, fingerprint);
            }
            (None, RemoteKind::Folder) => {
                self.kept
                    .created_local(node, spot.at, spot.parent, spot.name, fingerprint);
            }
        }
    }
}
