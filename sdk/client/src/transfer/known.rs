//! Uploads of content whose hash is known before: what a device's sync sends.

use super::source::{Source, Whole};
use super::upload::{FileJob, Origin, Place};
use super::{Transfer, WHOLE_BYTES_MAX, blocking};
use crate::{Error, Result};
use bitvault_api::Node;
use bytes::Bytes;
use std::path::PathBuf;
use std::sync::Arc;
use tracing::Instrument as _;

/// A small file in memory.
#[derive(Debug, Clone)]
pub struct KnownFile {
    /// Where it goes.
    pub place: Place,
    /// Where it comes from.
    pub origin: Origin,
    /// Its content.
    pub bytes: Bytes,
    /// SHA-256 of that, in hex.
    pub sha256: String,
}

impl Transfer {
    /// Uploads small files, at most [`bitvault_api::limits::BATCH_ITEMS`], in one batch; a result per file, in order. One
    /// that fails does not hold the others back.
    pub async fn put_known(&self, files: Vec<KnownFile>) -> Vec<Result<Node, Arc<Error>>> {
        let span = tracing::info_span!("put batch", otel.name = "put batch", bitvault.files = files.len());
        async move {
            let _held = self
                .memory_for(files.iter().map(|file| file.bytes.len() as u64).sum())
                .await;
            let (jobs, wholes): (Vec<_>, Vec<_>) = files
                .into_iter()
                .map(|file| {
                    let job = FileJob {
                        local: PathBuf::new(),
                        remote: String::new(),
                        place: file.place,
                        origin: file.origin,
                    };
                    let whole = Whole {
                        bytes: file.bytes,
                        sha256: file.sha256,
                    };
                    (job, whole)
                })
                .unzip();
            let results = jobs.iter().map(|_| None).collect();
            let ready = jobs
                .iter()
                .zip(wholes)
                .enumerate()
                .map(|(index, (job, whole))| (index, job, whole))
                .collect();
            let results = self.put_ready(ready, results).await;
            results.into_iter().map(|result| Ok(result?.node)).collect()
        }
        .instrument(span)
        .await
    }

    /// Uploads a file of any size that must hash to `sha256`, in hex: otherwise nothing is committed.
    ///
    /// # Errors
    /// [`Error::Changed`]; as [`Transfer::put_file`].
    pub async fn put_exactly(&self, job: &FileJob, sha256: &str) -> Result<Node> {
        let span = tracing::info_span!("put file", otel.name = "put file", bitvault.path = %job.remote);
        async move {
            let path = job.local.clone();
            let source = blocking(move || Source::open(&path)).await?;
            let size = source.before.size;
            if size > WHOLE_BYTES_MAX {
                return self.put_stream(job, source, Some(sha256)).await;
            }
            drop(source);
            let _held = self.memory_for(size).await;
            let path = job.local.clone();
            let whole = blocking(move || super::source::read_whole(&path, WHOLE_BYTES_MAX)).await?;
            if whole.sha256 != sha256 {
                return Err(Error::Changed {
                    path: job.local.clone(),
                });
            }
            Ok(self.put_whole(job, &whole).await?.node)
        }
        .instrument(span)
        .await
    }
}
