//! Downloads that lie in place, put there by an engine that did not live to note it.

use bitvault_planner::{Content, Fingerprint, LocalId, LocalKind, Name, NodeId, Place};

use super::{Engine, EngineError};
use crate::fs::{FsError, RelPath};
use crate::scan::path_of;

/// Where a new file was to be put.
struct Target {
    node: NodeId,
    content: Content,
    at: Place,
    parent: LocalId,
    name: Name,
    path: RelPath,
}

impl Engine {
    /// Notes downloads of new files that are in place although nobody noted it. To be called before the journal is read: what
    /// that tells of such a file, that it was deleted or moved, would find nothing here, and the file would look like a
    /// person's new one.
    pub(super) async fn find_fetched(&mut self) -> Result<(), EngineError> {
        let mut found = Vec::new();
        for target in self.fetched_targets() {
            match self.is_there(&target).await {
                Ok(Some(fingerprint)) => found.push((target, fingerprint)),
                Ok(None) => {}
                Err(error @ FsError::RootGone(_)) => return Err(error.into()),
                // The next look at the folder tells.
                Err(error) => tracing::warn!(path = %target.path, %error, "look for what was fetched"),
            }
        }
        let paths = found
            .iter()
            .flat_map(|(target, _)| [target.path.clone(), target.path.folder()]);
        self.io.fs.settle(&paths.collect::<Vec<_>>()).await?;
        for (target, fingerprint) in found {
            self.note_fetched(target, fingerprint);
        }
        self.flush()
    }

    /// Files that were about to be put in place as new ones.
    fn fetched_targets(&self) -> Vec<Target> {
        let trees = self.kept.trees();
        let target = |(node, content): (NodeId, Content)| {
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
            Some(Target {
                node,
                content,
                at,
                parent,
                path: path_of(trees, parent)?.join(name.as_str()),
                name,
            })
        };
        let fetched = trees.remote.all_fetched();
        let new = fetched.filter(|(node, _)| trees.synced.get(*node).is_none());
        new.filter_map(target).collect()
    }

    /// What the file system tells of the file, if it is the one that was fetched.
    async fn is_there(&self, target: &Target) -> Result<Option<Fingerprint>, FsError> {
        let Some(found) = self.io.fs.look(&target.path).await? else {
            return Ok(None);
        };
        let fingerprint = found.fingerprint;
        if found.kind != LocalKind::File || fingerprint.size != target.content.size {
            return Ok(None);
        }
        self.io.wait_for_tick(&fingerprint).await;
        let hash = self.io.fs.open(&target.path, fingerprint).await?.hash().await?;
        Ok((hash == target.content.sha256).then_some(fingerprint))
    }

    fn note_fetched(&mut self, target: Target, fingerprint: Fingerprint) {
        let trees = self.kept.trees();
        let known = trees.local.children(target.parent).find_map(|entry| {
            let is_it = entry.name == target.name;
            is_it.then(|| (entry.id, trees.synced.of_local(entry.id).is_some()))
        });
        match known {
            // It was something else before: the next look at the folder tells.
            Some((_, true)) => {}
            Some((known, false)) => {
                self.kept.hashed(known, fingerprint, target.content.sha256);
                self.kept.adopt(target.node, known);
            }
            None => {
                let to = (target.parent, target.name);
                self.kept
                    .downloaded(target.node, target.content, target.at, to, fingerprint);
            }
        }
    }
}
