//! Upload of a tree: folders first, then small files in batches, middling ones side by side, large ones one by one.

use super::batch::{BATCH_BYTES, BATCH_FILES, SMALL_BYTES_MAX, Small, item};
use super::folders::{Folder, Had};
use super::upload::{FileJob, Origin, Place};
use super::walk::{Found, walk};
use super::{Event, Item, Outcome, Transfer, WHOLE_BYTES_MAX, blocking};
use crate::{Error, RemotePath, Result};
use bitvault_api::{Node, NodeKind};
use futures::StreamExt as _;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use tracing::Instrument as _;

/// Batches on their way at once: while one is committed the next is sent and one more is read.
const BATCHES_AT_ONCE: usize = 4;

// A batch fits the contract, and all batches fit the memory.
const _: () = {
    assert!(BATCH_FILES <= bitvault_api::limits::BATCH_ITEMS);
    assert!(SMALL_BYTES_MAX <= WHOLE_BYTES_MAX && SMALL_BYTES_MAX <= BATCH_BYTES);
    assert!(BATCH_BYTES * (BATCHES_AT_ONCE as u64) < super::MEMORY_BYTES as u64 / 2);
};

impl Transfer {
    /// Uploads everything below the local folder `local` into the folder `into`, which is at `remote`. `fresh` says that
    /// the folder was created just now and need not be listed. What becomes of each file and folder is told as an
    /// [`Event::Item`]; symbolic links and special files as [`Event::Ignored`].
    ///
    /// # Errors
    /// Only when the tree could not be begun; a file that fails is an event and the rest goes on.
    pub async fn put_tree(&self, local: &Path, into: &Node, remote: &RemotePath, fresh: bool) -> Result<()> {
        let span = tracing::info_span!("put tree", otel.name = "put tree", bitvault.path = %remote);
        self.put_below(local, into, remote, fresh).instrument(span).await
    }

    async fn put_below(&self, local: &Path, into: &Node, remote: &RemotePath, fresh: bool) -> Result<()> {
        let path = local.to_owned();
        let walked = blocking(move || Ok(walk(&path))).await?;
        let bytes = walked.files.iter().map(|file| file.size).sum();
        self.progress.event(Event::Planned {
            files: walked.files.len() as u64,
            bytes,
        });
        for (path, why) in walked.ignored {
            self.progress.event(Event::Ignored { path, why });
        }
        for (path, cause) in walked.failed {
            let error = Arc::new(Error::Local {
                path: path.clone(),
                cause,
            });
            let shown = path
                .strip_prefix(local)
                .unwrap_or(&path)
                .to_string_lossy()
                .into_owned();
            let remote = remote.join(&shown).to_string();
            self.progress.event(Event::Item(Item {
                local: path,
                remote,
                size: 0,
                outcome: Outcome::Failed(error),
            }));
        }
        let root = if fresh {
            Folder {
                id: into.id.clone(),
                path: remote.clone(),
                children: HashMap::new(),
            }
        } else {
            self.listed(into, remote.clone()).await?
        };
        let folders = self.folders(root, &walked.dirs).await;
        let jobs = walked.files.into_iter().filter_map(|file| {
            let size = file.size;
            Some((self.placed(file, &folders)?, size))
        });
        self.put_jobs(jobs.collect()).await;
        Ok(())
    }

    /// Uploads many files, each with its size as it was seen. What becomes of each is told as an [`Event::Item`].
    pub async fn put_jobs(&self, jobs: Vec<(FileJob, u64)>) {
        // A single file is told in full detail, and its start and commit need no batch.
        let one = jobs.len() == 1;
        let mut small = Vec::new();
        let mut middling = Vec::new();
        let mut large = Vec::new();
        for (job, size) in jobs {
            match size {
                ..=SMALL_BYTES_MAX if !one => small.push(Small { job, size }),
                ..=WHOLE_BYTES_MAX => middling.push((job, size)),
                _ => large.push((job, size)),
            }
        }
        futures::join!(
            self.put_small(small),
            self.put_singly(middling, self.options.jobs),
            // Each of these fills the line by itself with its parts.
            self.put_singly(large, 1),
        );
    }

    /// Where a file goes; none (and an event) when it can't go anywhere.
    fn placed(&self, file: Found, folders: &[Had]) -> Option<FileJob> {
        let fail = |remote: String, error: Arc<Error>| {
            let (local, size) = (file.path.clone(), file.size);
            self.progress.event(Event::Item(Item {
                local,
                remote,
                size,
                outcome: Outcome::Failed(error),
            }));
            None
        };
        let folder = match &folders[file.dir] {
            Ok(folder) => folder,
            Err(error) => return fail(file.name.clone(), Arc::clone(error)),
        };
        let remote = folder.path.join(&file.name).to_string();
        let place = match folder.children.get(&file.name) {
            None => Place::New {
                parent_id: folder.id.clone(),
                name: file.name.clone(),
            },
            Some(node) if node.kind == NodeKind::File => Place::Replace(node.clone()),
            Some(_) => {
                let error = Error::Mismatch {
                    what: remote.clone(),
                    there: "folder",
                };
                return fail(remote, Arc::new(error));
            }
        };
        Some(FileJob {
            local: file.path,
            remote,
            place,
            origin: Origin::default(),
        })
    }

    async fn put_small(&self, files: Vec<Small>) {
        futures::stream::iter(batches(files))
            .map(|batch| self.put_batch(batch))
            .buffer_unordered(BATCHES_AT_ONCE)
            .for_each(|items| async {
                for item in items {
                    self.progress.event(Event::Item(item));
                }
            })
            .await;
    }

    async fn put_singly(&self, files: Vec<(FileJob, u64)>, at_once: usize) {
        futures::stream::iter(files)
            .map(|(job, size)| async move {
                let result = self.put_file(&job).await.map_err(Arc::new);
                self.progress.event(Event::Item(item(job, size, result)));
            })
            .buffer_unordered(at_once)
            .for_each(|()| async {})
            .await;
    }
}

/// Cuts files into batches that are full by number or by bytes.
fn batches(files: Vec<Small>) -> Vec<Vec<Small>> {
    let mut all: Vec<Vec<Small>> = Vec::new();
    let mut bytes = BATCH_BYTES;
    for file in files {
        match all.last_mut() {
            Some(batch) if batch.len() < BATCH_FILES && bytes + file.size <= BATCH_BYTES => {
                bytes += file.size;
                batch.push(file);
            }
            _ => {
                bytes = file.size;
                all.push(vec![file]);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(sizes: impl IntoIterator<Item = u64>) -> Vec<usize> {
        let place = Place::New {
            parent_id: "root".into(),
            name: "f".into(),
        };
        let job = FileJob {
            local: "f".into(),
            remote: "/f".into(),
            place,
            origin: Origin::default(),
        };
        let files = sizes
            .into_iter()
            .map(|size| Small {
                job: job.clone(),
                size,
            })
            .collect();
        batches(files).iter().map(Vec::len).collect()
    }

    #[test]
    fn batches_are_full_by_number_or_by_bytes() {
        assert_eq!(sizes([]), [0; 0]);
        assert_eq!(
            sizes(vec![4096; 2 * BATCH_FILES + 1]),
            [BATCH_FILES, BATCH_FILES, 1]
        );
        assert_eq!(sizes(vec![SMALL_BYTES_MAX; 9]), [4, 4, 1]);
        assert_eq!(sizes([0, 0]), [2]);
    }
}
