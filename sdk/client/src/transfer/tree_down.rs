//! Download of a tree: folders are listed side by side and created, then files fetched side by side.

use super::{Event, Item, Outcome, Transfer, blocking};
use crate::{Error, RemotePath, Result};
use bitvault_api::{Node, NodeKind};
use futures::StreamExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracing::Instrument as _;

/// A folder to list, or a file to fetch.
struct Wanted {
    node: Node,
    remote: RemotePath,
    local: PathBuf,
}

impl Transfer {
    /// Downloads everything below the folder `node`, which is at `remote`, into the local folder `local`, creating
    /// that. What becomes of each file is told as an [`Event::Item`].
    ///
    /// # Errors
    /// Only when the tree could not be begun; a file that fails is an event and the rest goes on.
    pub async fn get_tree(&self, node: &Node, remote: &RemotePath, local: &Path) -> Result<()> {
        let span = tracing::info_span!("get tree", otel.name = "get tree", bitvault.path = %remote);
        let root = Wanted {
            node: node.clone(),
            remote: remote.clone(),
            local: local.to_owned(),
        };
        self.get_below(root).instrument(span).await
    }

    async fn get_below(&self, root: Wanted) -> Result<()> {
        make_folder(root.local.clone()).await?;
        let mut files = Vec::new();
        let mut level = vec![root];
        while !level.is_empty() {
            let listed: Vec<_> = futures::stream::iter(level)
                .map(|folder| self.list(folder))
                .buffer_unordered(self.options.jobs)
                .collect()
                .await;
            level = Vec::new();
            for child in listed.into_iter().flatten() {
                match child.node.kind {
                    NodeKind::Folder => level.push(child),
                    NodeKind::File => {
                        self.progress.event(Event::Planned {
                            files: 1,
                            bytes: child.node.size.unwrap_or(0),
                        });
                        files.push(child);
                    }
                }
            }
        }
        futures::stream::iter(files)
            .map(|file| async move {
                let outcome = match self.get_file(&file.node, &file.local).await {
                    Ok(got) => Outcome::Done {
                        node_id: file.node.id.clone(),
                        sha256: Some(got.sha256),
                    },
                    Err(error) => Outcome::Failed(Arc::new(error)),
                };
                self.tell(file, outcome);
            })
            .buffer_unordered(self.options.jobs)
            .for_each(|()| async {})
            .await;
        Ok(())
    }

    /// The children of a folder, with local folders made for those that are folders.
    async fn list(&self, folder: Wanted) -> Vec<Wanted> {
        let children = match self.client.all_children(&folder.node.id).await {
            Ok(children) => children,
            Err(error) => {
                self.tell(folder, Outcome::Failed(Arc::new(error)));
                return Vec::new();
            }
        };
        let mut wanted = Vec::with_capacity(children.len());
        for node in children {
            let remote = folder.remote.join(&node.name);
            let local = folder.local.join(&node.name);
            let checked = check_name(&node.name);
            let child = Wanted { node, remote, local };
            let made = match (checked, child.node.kind) {
                (Err(error), _) => Err(error),
                (Ok(()), NodeKind::Folder) => make_folder(child.local.clone()).await,
                (Ok(()), NodeKind::File) => Ok(()),
            };
            match made {
                Ok(()) => wanted.push(child),
                Err(error) => self.tell(child, Outcome::Failed(Arc::new(error))),
            }
        }
        wanted
    }

    fn tell(&self, done: Wanted, outcome: Outcome) {
        let size = done.node.size.unwrap_or(0);
        let remote = done.remote.to_string();
        self.progress.event(Event::Item(Item {
            local: done.local,
            remote,
            size,
            outcome,
        }));
    }
}

/// Creates a folder unless it is there. Its parent must exist.
async fn make_folder(path: PathBuf) -> Result<()> {
    blocking(move || match std::fs::create_dir(&path) {
        Err(_) if path.is_dir() => Ok(()),
        Err(cause) => Err(Error::Local { path, cause }),
        Ok(()) => Ok(()),
    })
    .await
}

/// Refuses a name that would lead out of the folder it is written to, whatever the server says.
///
/// # Errors
/// [`Error::Protocol`] for `.`, `..`, empty names and names that hold a separator or NUL.
pub fn check_name(name: &str) -> Result<()> {
    let bad = name.is_empty()
        || name == "."
        || name == ".."
        || name.contains(['/', '\0'])
        || (cfg!(windows) && name.contains(['\\', ':']));
    if bad {
        return Err(Error::protocol(format!(
            "the server names a file {name:?}, which can't be a name here"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["", ".", "..", "a/b", "/etc/passwd", "a\0"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        for name in ["a", "...", ".profile", "ä b"] {
            check_name(name).expect(name);
        }
    }
}
