//! The folders of a tree on the server: each is created once, parents first; one that exists is listed once.

use super::walk::Dir;
use super::{Event, Item, Outcome, Transfer};
use crate::{Error, RemotePath, Result};
use bitvault_api::{Code, Node, NodeKind};
use futures::StreamExt as _;
use std::collections::HashMap;
use std::sync::Arc;

/// A folder that exists on the server now.
pub(super) struct Folder {
    pub(super) id: String,
    pub(super) path: RemotePath,
    /// What it held when it was listed, by name; nothing for one that was created just now.
    pub(super) children: HashMap<String, Node>,
}

/// A folder, or why it could not be had.
pub(super) type Had = Result<Arc<Folder>, Arc<Error>>;

impl Transfer {
    /// Brings the folders of a tree into being below `root`. The answer has one entry per local folder, in order.
    pub(super) async fn folders(&self, root: Folder, dirs: &[Dir]) -> Vec<Had> {
        let mut had: Vec<Option<Had>> = dirs.iter().map(|_| None).collect();
        if let Some(first) = had.first_mut() {
            *first = Some(Ok(Arc::new(root)));
        }
        let deepest = dirs.iter().map(|dir| dir.depth).max().unwrap_or(0);
        for depth in 1..=deepest {
            let level = dirs.iter().enumerate().filter(|(_, dir)| dir.depth == depth);
            let wanted: Vec<_> = level
                .map(|(index, dir)| (index, dir, had[dir.parent].clone()))
                .collect();
            let done: Vec<_> = futures::stream::iter(wanted)
                .map(|(index, dir, parent)| async move { (index, self.folder_in(parent, dir).await) })
                .buffer_unordered(self.options.jobs)
                .collect()
                .await;
            for (index, folder) in done {
                had[index] = Some(folder);
            }
        }
        let missed = || Err(Arc::new(Error::protocol("a folder was not tried")));
        had.into_iter()
            .map(|folder| folder.unwrap_or_else(missed))
            .collect()
    }

    async fn folder_in(&self, parent: Option<Had>, dir: &Dir) -> Had {
        let parent = match parent {
            Some(Ok(parent)) => parent,
            // Told once, for the folder that failed; its files are told one by one.
            Some(Err(error)) => return Err(error),
            None => return Err(Arc::new(Error::protocol("a folder came before its parent"))),
        };
        let result = self
            .folder(&parent, &dir.name)
            .await
            .map(|(folder, new)| (Arc::new(folder), new))
            .map_err(Arc::new);
        let remote = parent.path.join(&dir.name).to_string();
        let outcome = match &result {
            Ok((folder, true)) => Some(Outcome::Done {
                node_id: folder.id.clone(),
                sha256: None,
            }),
            Ok((_, false)) => None,
            Err(error) => Some(Outcome::Failed(Arc::clone(error))),
        };
        if let Some(outcome) = outcome {
            self.progress.event(Event::Item(Item {
                local: dir.path.clone(),
                remote,
                size: 0,
                outcome,
            }));
        }
        result.map(|(folder, _)| folder)
    }

    /// The folder, and whether it is new.
    async fn folder(&self, parent: &Folder, name: &str) -> Result<(Folder, bool)> {
        let path = parent.path.join(name);
        if let Some(node) = parent.children.get(name) {
            return Ok((self.listed(node, path).await?, false));
        }
        match self.client.create_folder(&parent.id, name).await {
            Ok(node) => Ok((
                Folder {
                    id: node.id,
                    path,
                    children: HashMap::new(),
                },
                true,
            )),
            // Somebody else made it since the parent was listed.
            Err(error) if error.code() == Some(Code::Conflict) => {
                let node = self.client.lookup(&path).await.map_err(|_| error)?;
                Ok((self.listed(&node, path).await?, false))
            }
            Err(error) => Err(error),
        }
    }

    /// A folder that exists, with what it holds.
    pub(super) async fn listed(&self, node: &Node, path: RemotePath) -> Result<Folder> {
        if node.kind != NodeKind::Folder {
            return Err(Error::Mismatch {
                what: path.to_string(),
                there: "file",
            });
        }
        let children = self.client.all_children(&node.id).await?;
        let children = children
            .into_iter()
            .map(|child| (child.name.clone(), child))
            .collect();
        Ok(Folder {
            id: node.id.clone(),
            path,
            children,
        })
    }
}
