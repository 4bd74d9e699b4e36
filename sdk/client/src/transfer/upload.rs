//! Upload of one file.

use super::multipart::Content;
use super::record::{Begun, Key, Record, SentPart};
use super::source::{Source, Whole, hash_file, read_whole};
use super::store::{Stored, Traced};
use super::{Event, STEP_BYTES, Transfer, WHOLE_BYTES_MAX, blocking};
use crate::{Error, Result};
use bitvault_api::{
    Code, CommitUpload, ConflictOf, Node, PartRequest, PartWanted, StartUpload, Upload, UploadState,
};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tokio::sync::SemaphorePermit;
use tracing::Instrument as _;

/// How often a presigned URL that has ended is asked for again, per part.
pub(super) const PRESIGN_ATTEMPTS: u32 = 3;

/// Where a file goes.
#[derive(Debug, Clone)]
pub enum Place {
    /// A new file in this folder.
    New {
        /// The folder's id.
        parent_id: String,
        /// The file's name.
        name: String,
    },
    /// A new version of this file, which must still be in the version seen here.
    Replace(Node),
    /// The same for a file of which only this is known.
    Version {
        /// The file's id.
        node_id: String,
        /// The version that must be the current one.
        base_version: String,
    },
}

/// Where a file's content comes from, for people to see beside its version.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The device, as it calls itself.
    pub device: Option<String>,
    /// Of a new file: what it is a conflicted copy of.
    pub conflict_of: Option<ConflictOf>,
}

/// One file to upload.
#[derive(Debug, Clone)]
pub struct FileJob {
    /// The local file.
    pub local: PathBuf,
    /// Its path on the server, for messages and the resume record.
    pub remote: String,
    /// Where it goes.
    pub place: Place,
    /// Where it comes from.
    pub origin: Origin,
}

/// An upload that ended well.
#[derive(Debug, Clone)]
pub struct Put {
    /// The file on the server.
    pub node: Node,
    /// Its content was there already, and nothing was sent.
    pub unchanged: bool,
}

impl FileJob {
    /// The body that starts the upload.
    pub(super) fn start(&self, size: u64, sha256: Option<String>) -> StartUpload {
        let start = StartUpload {
            size,
            sha256,
            device: self.origin.device.clone(),
            conflict_of: self.origin.conflict_of.clone(),
            ..StartUpload::default()
        };
        match &self.place {
            Place::New { parent_id, name } => StartUpload {
                parent_id: Some(parent_id.clone()),
                name: Some(name.clone()),
                ..start
            },
            Place::Replace(node) => StartUpload {
                node_id: Some(node.id.clone()),
                base_version: node.version_id.clone(),
                ..start
            },
            Place::Version {
                node_id,
                base_version,
            } => StartUpload {
                node_id: Some(node_id.clone()),
                base_version: Some(base_version.clone()),
                ..start
            },
        }
    }

    /// The node that holds exactly this content already.
    pub(super) fn same(&self, size: u64, sha256: &str) -> Option<&Node> {
        match &self.place {
            Place::Replace(node) => {
                (node.size == Some(size) && node.sha256.as_deref() == Some(sha256)).then_some(node)
            }
            Place::New { .. } | Place::Version { .. } => None,
        }
    }
}

impl Transfer {
    /// Uploads one file. A large one goes in parts and, with a state folder, resumes after a kill.
    ///
    /// # Errors
    /// Local reading, [`Error::Changed`], [`Error::Busy`], and whatever the server or the store refuse.
    pub async fn put_file(&self, job: &FileJob) -> Result<Put> {
        let span = tracing::info_span!("put file", otel.name = "put file", bitvault.path = %job.remote);
        self.put_any(job).instrument(span).await
    }

    async fn put_any(&self, job: &FileJob) -> Result<Put> {
        let path = job.local.clone();
        let source = blocking(move || Source::open(&path)).await?;
        let size = source.before.size;
        if size <= WHOLE_BYTES_MAX {
            drop(source);
            let _held = self.memory_for(size).await;
            let path = job.local.clone();
            let whole = blocking(move || read_whole(&path, WHOLE_BYTES_MAX)).await?;
            return self.put_whole(job, &whole).await;
        }
        if matches!(&job.place, Place::Replace(node) if node.size == Some(size)) {
            let path = job.local.clone();
            let sha256 = blocking(move || hash_file(&path)).await?;
            if let Some(node) = job.same(size, &sha256) {
                self.progress
                    .event(Event::Moved(i64::try_from(size).unwrap_or(i64::MAX)));
                return Ok(Put {
                    node: node.clone(),
                    unchanged: true,
                });
            }
        }
        let node = self.put_stream(job, source, None).await?;
        Ok(Put {
            node,
            unchanged: false,
        })
    }

    /// Room for content in memory; waits for it.
    pub(super) async fn memory_for(&self, bytes: u64) -> Option<SemaphorePermit<'_>> {
        let units = bytes.div_ceil(STEP_BYTES as u64).max(1);
        // The semaphore is never closed.
        self.memory
            .acquire_many(u32::try_from(units).unwrap_or(u32::MAX))
            .await
            .ok()
    }

    /// Uploads content that is in memory. One that the server's collector took meanwhile is started once more.
    pub(super) async fn put_whole(&self, job: &FileJob, whole: &Whole) -> Result<Put> {
        let size = whole.bytes.len() as u64;
        if let Some(node) = job.same(size, &whole.sha256) {
            self.progress
                .event(Event::Moved(i64::try_from(size).unwrap_or(i64::MAX)));
            return Ok(Put {
                node: node.clone(),
                unchanged: true,
            });
        }
        let mut again = true;
        loop {
            match self.put_whole_once(job, whole, size).await {
                Err(error) if again && upload_ended(&error) => again = false,
                result => {
                    return Ok(Put {
                        node: result?,
                        unchanged: false,
                    });
                }
            }
        }
    }

    async fn put_whole_once(&self, job: &FileJob, whole: &Whole, size: u64) -> Result<Node> {
        let upload = self
            .client
            .start_upload(&job.start(size, Some(whole.sha256.clone())))
            .await?;
        let sent = self.send_whole(&upload, whole, size).await;
        let result = match sent {
            Ok(commit) => self.client.commit_upload(&upload.upload_id, &commit).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &result {
            self.give_up(&upload.upload_id, error).await;
        }
        result
    }

    async fn send_whole(&self, upload: &Upload, whole: &Whole, size: u64) -> Result<CommitUpload> {
        if upload.multipart {
            let (parts, _) = self
                .send_parts(upload, size, Content::Whole(whole.bytes.clone()), None, None)
                .await?;
            return Ok(CommitUpload { parts, sha256: None });
        }
        let part = upload.parts.first().cloned();
        let part = part.ok_or_else(|| Error::protocol("the server started an upload without a request"))?;
        self.put_single(&upload.upload_id, part, &whole.bytes, &whole.sha256, Traced::Span)
            .await?;
        Ok(CommitUpload::default())
    }

    /// Sends the one part of an upload; a URL that has ended is asked for again.
    pub(super) async fn put_single(
        &self,
        upload_id: &str,
        mut part: PartRequest,
        bytes: &Bytes,
        sha256: &str,
        traced: Traced,
    ) -> Result<Stored> {
        let mut attempt = 1;
        loop {
            match self.store.put(&part, bytes.clone(), traced).await {
                Err(Error::Store { status: 403, .. }) if attempt < PRESIGN_ATTEMPTS => attempt += 1,
                result => return result,
            }
            part = self.presign(upload_id, part.number, sha256).await?;
        }
    }

    /// A presigned request for one part, bound to its hash.
    pub(super) async fn presign(&self, upload_id: &str, number: u32, sha256: &str) -> Result<PartRequest> {
        let wanted = vec![PartWanted {
            number,
            sha256: Some(sha256.to_owned()),
        }];
        let parts = self.client.presign_parts(upload_id, wanted).await?.parts;
        let part = parts.into_iter().find(|part| part.number == number);
        part.ok_or_else(|| Error::protocol(format!("the server did not presign part {number}")))
    }

    /// Tells the server that an upload will not be committed, so that its bytes are reclaimed soon. Where that fails
    /// the server's collector does it later.
    async fn give_up(&self, upload_id: &str, why: &Error) {
        if why.is_transient() {
            return;
        }
        if let Err(error) = self.client.abort_upload(upload_id).await {
            tracing::debug!(upload_id, %error, "give up upload");
        }
    }

    /// Uploads a large file in parts. With `expected`, nothing is committed unless it hashes to that.
    pub(super) async fn put_stream(
        &self,
        job: &FileJob,
        source: Source,
        expected: Option<&str>,
    ) -> Result<Node> {
        let size = source.before.size;
        let (mut record, begun) = self.open_record(job, &source).await?;
        let resumed = match &begun {
            Some(begun) => self.still_open(&begun.upload_id).await?,
            None => None,
        };
        let known = if resumed.is_some() {
            begun.map(|begun| begun.parts)
        } else {
            None
        };
        let upload = match resumed {
            Some(upload) => upload,
            None => {
                let upload = self.client.start_upload(&job.start(size, None)).await?;
                if !upload.multipart {
                    self.give_up(&upload.upload_id, &Error::protocol("")).await;
                    return Err(Error::protocol(format!(
                        "the server wants {size} bytes in one part"
                    )));
                }
                if let Some(mut open) = record.take() {
                    let id = upload.upload_id.clone();
                    record = Some(blocking(move || open.begin(&id).map(|()| open)).await?);
                }
                upload
            }
        };
        let known = known.unwrap_or_default();
        let result = self
            .stream_and_commit(&upload, source, record.as_mut(), (known, expected, &job.local))
            .await;
        let ended = match &result {
            Ok(_) => true,
            // What a later run would meet again, or what makes the sent parts useless.
            Err(error) => {
                let ended = matches!(error, Error::Changed { .. })
                    || matches!(
                        error.code(),
                        Some(Code::Conflict | Code::Precondition | Code::NotFound)
                    );
                if ended {
                    self.give_up(&upload.upload_id, error).await;
                }
                ended
            }
        };
        if let (true, Some(record)) = (ended, record) {
            blocking(move || record.remove()).await?;
        }
        result
    }

    async fn stream_and_commit(
        &self,
        upload: &Upload,
        source: Source,
        record: Option<&mut Record>,
        (known, expected, path): (BTreeMap<u32, SentPart>, Option<&str>, &Path),
    ) -> Result<Node> {
        let size = source.before.size;
        let (parts, sha256) = self
            .send_parts(upload, size, Content::File(source), record, Some(known))
            .await?;
        if expected.is_some_and(|expected| sha256.as_deref() != Some(expected)) {
            let path = path.to_owned();
            return Err(Error::Changed { path });
        }
        self.client
            .commit_upload(&upload.upload_id, &CommitUpload { parts, sha256 })
            .await
    }

    async fn open_record(&self, job: &FileJob, source: &Source) -> Result<(Option<Record>, Option<Begun>)> {
        let Some(state_dir) = self.options.state_dir.clone() else {
            return Ok((None, None));
        };
        let server = self.client.base().to_string();
        let (account, remote) = (self.options.account.clone(), job.remote.clone());
        let (path, fingerprint) = (job.local.clone(), source.before);
        blocking(move || {
            let local = path
                .canonicalize()
                .map_err(|cause| Error::Local { path, cause })?;
            let (record, begun) = Record::open(
                &state_dir,
                Key {
                    server,
                    account,
                    remote,
                    local,
                    fingerprint,
                },
            )?;
            Ok((Some(record), begun))
        })
        .await
    }

    /// The upload that an earlier run began, when bytes may still be sent to it.
    async fn still_open(&self, upload_id: &str) -> Result<Option<Upload>> {
        match self.client.upload(upload_id).await {
            Ok(upload) => Ok((upload.state == UploadState::Staging && upload.multipart).then_some(upload)),
            Err(error) if error.code() == Some(Code::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether the server says that the upload itself has ended, so that a new one may do better.
pub(super) fn upload_ended(error: &Error) -> bool {
    matches!(error.reason(), Some("upload_expired" | "upload_gone"))
}
