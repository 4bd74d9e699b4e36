//! Small files, hundreds at a time: one call starts them, their PUTs run side by side, one call commits them.

use super::source::{Whole, read_whole};
use super::store::Traced;
use super::upload::{FileJob, Put, upload_ended};
use super::{Event, Item, Outcome, Transfer, blocking};
use crate::{Error, Result};
use bitvault_api::{CommitResult, PartRequest, StartUploadResult};
use futures::StreamExt as _;
use std::sync::Arc;
use tracing::Instrument as _;

/// Files larger than this are uploaded singly, in bytes.
pub(super) const SMALL_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Most files in one batch.
pub(super) const BATCH_FILES: usize = 250;
/// A batch is full with this many bytes of content.
pub(super) const BATCH_BYTES: u64 = 16 * 1024 * 1024;
/// PUTs of a batch that show in its trace; the others carry the trace's id but are not recorded.
const PUTS_WITH_SPAN: usize = 4;

/// A small file to upload.
pub(super) struct Small {
    pub(super) job: FileJob,
    /// Bytes when it was planned.
    pub(super) size: u64,
}

/// A file of a batch on its way: what is known of it grows from step to step.
struct Started {
    /// Its place in the batch.
    index: usize,
    job: FileJob,
    whole: Whole,
    upload_id: String,
    part: PartRequest,
}

impl Transfer {
    /// Uploads a batch; a result per file, in order. One that fails does not hold the others back.
    pub(super) async fn put_batch(&self, batch: Vec<Small>) -> Vec<Item> {
        let span = tracing::info_span!("put batch", otel.name = "put batch", bitvault.files = batch.len());
        async move {
            let results = self.put_each(&batch).await;
            batch
                .into_iter()
                .zip(results)
                .map(|(small, result)| item(small.job, small.size, result))
                .collect()
        }
        .instrument(span)
        .await
    }

    async fn put_each(&self, batch: &[Small]) -> Vec<Result<Put, Arc<Error>>> {
        let mut results: Vec<Option<Result<Put, Arc<Error>>>> = batch.iter().map(|_| None).collect();
        let _held = self.memory_for(batch.iter().map(|small| small.size).sum()).await;

        let paths: Vec<_> = batch
            .iter()
            .map(|small| (small.job.local.clone(), small.size))
            .collect();
        let read = blocking(move || {
            Ok(paths
                .iter()
                .map(|(path, size)| read_whole(path, (*size).max(1)))
                .collect::<Vec<_>>())
        });
        let wholes = match read.await {
            Ok(wholes) => wholes,
            Err(error) => return everyone(batch.len(), Arc::new(error)),
        };
        let mut ready = Vec::with_capacity(batch.len());
        for (index, (small, whole)) in batch.iter().zip(wholes).enumerate() {
            match whole {
                Err(error) => results[index] = Some(Err(Arc::new(error))),
                Ok(whole) => match small.job.same(whole.bytes.len() as u64, &whole.sha256) {
                    Some(node) => {
                        self.progress
                            .event(Event::Moved(i64::try_from(whole.bytes.len()).unwrap_or(i64::MAX)));
                        results[index] = Some(Ok(Put {
                            node: node.clone(),
                            unchanged: true,
                        }));
                    }
                    None => ready.push((index, &small.job, whole)),
                },
            }
        }

        self.put_ready(ready, results).await
    }

    /// Uploads what is ready; `results` has a place for each file, and answers of those that are not.
    pub(super) async fn put_ready(
        &self,
        ready: Vec<(usize, &FileJob, Whole)>,
        mut results: Vec<Option<Result<Put, Arc<Error>>>>,
    ) -> Vec<Result<Put, Arc<Error>>> {
        let started = self.start_batch(ready, &mut results).await;
        let stored = self.send_batch(started, &mut results).await;
        self.commit_batch(stored, &mut results).await;
        let unanswered = || Err(Arc::new(Error::protocol("a file of a batch got no result")));
        results
            .into_iter()
            .map(|result| result.unwrap_or_else(unanswered))
            .collect()
    }

    async fn start_batch(
        &self,
        ready: Vec<(usize, &FileJob, Whole)>,
        results: &mut [Option<Result<Put, Arc<Error>>>],
    ) -> Vec<Started> {
        if ready.is_empty() {
            return Vec::new();
        }
        let starts = ready
            .iter()
            .map(|(_, job, whole)| job.start(whole.bytes.len() as u64, Some(whole.sha256.clone())));
        let answers = match self.client.start_uploads(starts.collect()).await {
            Ok(answers) => answers,
            Err(error) => {
                let error = Arc::new(error);
                for (index, ..) in ready {
                    results[index] = Some(Err(Arc::clone(&error)));
                }
                return Vec::new();
            }
        };
        let mut started = Vec::with_capacity(ready.len());
        for ((index, job, whole), answer) in ready.into_iter().zip(answers) {
            match answer {
                StartUploadResult::Upload(upload) => {
                    let mut parts = upload.parts.into_iter();
                    match (parts.next(), parts.next()) {
                        (Some(part), None) => {
                            started.push(Started {
                                index,
                                job: job.clone(),
                                whole,
                                upload_id: upload.upload_id,
                                part,
                            });
                        }
                        _ => {
                            let error =
                                Error::protocol("the server wants a file of a batch in several parts");
                            results[index] = Some(Err(Arc::new(error)));
                        }
                    }
                }
                StartUploadResult::Error(problem) => {
                    results[index] = Some(Err(Arc::new(Error::Problem(Box::new(problem)))));
                }
            }
        }
        started
    }

    /// The files whose bytes are in the store.
    async fn send_batch(
        &self,
        started: Vec<Started>,
        results: &mut [Option<Result<Put, Arc<Error>>>],
    ) -> Vec<Started> {
        let sent: Vec<_> = futures::stream::iter(started.into_iter().enumerate())
            .map(|(nth, file)| async move {
                // The semaphore is never closed.
                let _permit = self.puts.acquire().await;
                let traced = if nth < PUTS_WITH_SPAN {
                    Traced::Context
                } else {
                    Traced::Unsampled
                };
                let part = file.part.clone();
                let sent = self.put_single(
                    &file.upload_id,
                    part,
                    &file.whole.bytes,
                    &file.whole.sha256,
                    traced,
                );
                let sent = sent.await;
                (file, sent)
            })
            .buffer_unordered(self.options.jobs)
            .collect()
            .await;
        let mut stored = Vec::with_capacity(sent.len());
        for (file, result) in sent {
            match result {
                Ok(_) => stored.push(file),
                Err(error) if upload_ended(&error) => results[file.index] = Some(self.put_again(&file).await),
                Err(error) => results[file.index] = Some(Err(Arc::new(error))),
            }
        }
        stored
    }

    async fn commit_batch(&self, stored: Vec<Started>, results: &mut [Option<Result<Put, Arc<Error>>>]) {
        if stored.is_empty() {
            return;
        }
        let ids = stored.iter().map(|file| file.upload_id.clone()).collect();
        let answers = match self.client.commit_uploads(ids).await {
            Ok(answers) => answers,
            Err(error) => {
                let error = Arc::new(error);
                for file in stored {
                    results[file.index] = Some(Err(Arc::clone(&error)));
                }
                return;
            }
        };
        for (file, answer) in stored.iter().zip(answers) {
            results[file.index] = Some(match answer {
                CommitResult::Node(node) => Ok(Put {
                    node,
                    unchanged: false,
                }),
                CommitResult::Error(problem) => match Error::Problem(Box::new(problem)) {
                    error if upload_ended(&error) => self.put_again(file).await,
                    error => Err(Arc::new(error)),
                },
            });
        }
    }

    /// The collector took the upload before it was committed: once more, singly.
    async fn put_again(&self, file: &Started) -> Result<Put, Arc<Error>> {
        self.put_whole(&file.job, &file.whole).await.map_err(Arc::new)
    }
}

fn everyone(count: usize, error: Arc<Error>) -> Vec<Result<Put, Arc<Error>>> {
    (0..count).map(|_| Err(Arc::clone(&error))).collect()
}

/// The event of a file that is done with.
pub(super) fn item(job: FileJob, planned: u64, result: Result<Put, Arc<Error>>) -> Item {
    let size = result
        .as_ref()
        .ok()
        .and_then(|put| put.node.size)
        .unwrap_or(planned);
    let outcome = match result {
        Ok(Put {
            node,
            unchanged: true,
        }) => Outcome::Unchanged { node_id: node.id },
        Ok(Put {
            node,
            unchanged: false,
        }) => Outcome::Done {
            node_id: node.id,
            sha256: node.sha256,
        },
        Err(error) => Outcome::Failed(error),
    };
    Item {
        local: job.local,
        remote: job.remote,
        size,
        outcome,
    }
}
