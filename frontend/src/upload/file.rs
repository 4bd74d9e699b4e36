//! One file by the commit protocol: start, send, commit.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bitvault_api::{Code, CommitUpload, Node, NodeKind, PartRequest, StartUpload, Upload, UploadPart};
use futures::{TryStreamExt, stream};
use web_sys::Blob;

use super::hash::{self, Unreadable, Whole};
use super::plan;
use super::queue::{Choice, Failure, Item, State};
use super::send::{self, Cancel, Sent};
use crate::api::{Api, ApiError};
use crate::browser;

/// What a run tells while it works.
pub(super) trait Report {
    /// Where it stands.
    fn state(&self, state: State);
    /// Bytes that have left.
    fn sent(&self, bytes: u64);
}

/// Why a run ended without the file being there.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The person gave up.
    Cancelled,
    /// The name is taken, or the file to replace has changed.
    Conflict,
    /// It did not work.
    Failed(Failure),
}

impl From<ApiError> for Stopped {
    fn from(error: ApiError) -> Self {
        if error.is_name_taken() || error.code() == Some(Code::Precondition) {
            Self::Conflict
        } else {
            Self::Failed(Failure {
                message: error.message(),
                trace_id: error.trace_id(),
            })
        }
    }
}

impl From<Unreadable> for Stopped {
    fn from(_: Unreadable) -> Self {
        failed("The file can't be read. It was moved or changed after you chose it; choose it again.")
    }
}

fn failed(message: &str) -> Stopped {
    Stopped::Failed(Failure {
        message: message.to_owned(),
        trace_id: None,
    })
}

/// Everything that one run needs.
pub(super) struct Run {
    pub(super) api: Api,
    pub(super) file: Blob,
    pub(super) cancel: Rc<Cancel>,
    pub(super) report: Rc<dyn Report>,
}

impl Run {
    /// Sends the file into the folder `parent_id`. Whatever ends it early, the upload is then given up on the server.
    pub(super) async fn upload(&self, item: &Item, parent_id: &str) -> Result<Node, Stopped> {
        let mut sha256 = None;
        if item.size <= plan::HASH_FIRST_BYTES {
            sha256 = Some(hash::range(&self.file, 0..item.size, None).await?);
        }
        let mut request = self.request(item, parent_id).await?;
        request.sha256.clone_from(&sha256);
        self.check_cancelled()?;
        let upload = match self.api.start_upload(&request).await {
            // A server whose parts are larger wants to know the hash of a larger file as well.
            Err(error) if sha256.is_none() && wants_hash(&error) => {
                let mut whole = Whole::default();
                for step in plan::steps(0..item.size) {
                    hash::range(&self.file, step, Some(&mut whole)).await?;
                    self.check_cancelled()?;
                }
                request.sha256 = Some(whole.finish());
                self.api.start_upload(&request).await?
            }
            started => started?,
        };

        let sent = self.send(&upload, item.size, request.sha256.is_some()).await;
        let outcome = match sent {
            Ok(commit) => {
                self.report.state(State::Committing);
                self.commit(&upload.upload_id, &commit).await
            }
            Err(stopped) => Err(stopped),
        };
        if outcome.is_err() {
            // If this is not heard, the upload expires by itself.
            let _ = self.api.abort_upload(&upload.upload_id).await;
        }
        outcome
    }

    async fn request(&self, item: &Item, parent_id: &str) -> Result<StartUpload, Stopped> {
        let content_type = Some(self.file.type_()).filter(|kind| !kind.is_empty());
        let new_file = StartUpload {
            parent_id: Some(parent_id.to_owned()),
            name: Some(item.target.name.clone()),
            size: item.size,
            content_type: content_type.clone(),
            ..StartUpload::default()
        };
        if item.target.on_conflict != Some(Choice::Replace) {
            return Ok(new_file);
        }
        match self.api.child_named(parent_id, &item.target.name).await? {
            Some(node) if node.kind == NodeKind::File => Ok(StartUpload {
                node_id: Some(node.id),
                base_version: node.version_id,
                size: item.size,
                content_type,
                ..StartUpload::default()
            }),
            Some(_) => Err(failed(
                "A folder has this name, and a file can't replace it. Keep both instead.",
            )),
            // It was deleted in the meantime.
            None => Ok(new_file),
        }
    }

    async fn send(&self, upload: &Upload, size: u64, hash_is_known: bool) -> Result<CommitUpload, Stopped> {
        self.report.state(State::Sending);
        if upload.multipart {
            return self.send_parts(upload, size, hash_is_known).await;
        }
        let part = upload
            .parts
            .first()
            .ok_or_else(|| failed("The server named no place to send the file to."))?;
        let report = self.report.clone();
        let body = hash::slice(&self.file, &(0..size))?;
        self.put(
            &upload.upload_id,
            Some(part.clone()),
            1,
            None,
            &body,
            move |bytes| report.sent(bytes),
        )
        .await?;
        Ok(CommitUpload::default())
    }

    /// Parts are read and hashed one after the other, because the whole file's hash wants them in order, and sent
    /// several at a time.
    async fn send_parts(
        &self,
        upload: &Upload,
        size: u64,
        hash_is_known: bool,
    ) -> Result<CommitUpload, Stopped> {
        let progress: Rc<RefCell<BTreeMap<u32, u64>>> = Rc::default();
        let whole = (!hash_is_known).then(Whole::default);
        let hashed = stream::try_unfold((1_u32, whole), |(number, mut whole)| async move {
            let Some(range) = plan::part(number, upload.part_size, size) else {
                return Ok::<_, Stopped>(None);
            };
            self.check_cancelled()?;
            let sha256 = hash::range(&self.file, range.clone(), whole.as_mut()).await?;
            let last = range.end == size;
            // With the last part the whole file's hash is complete.
            let finished = if last {
                whole.take().map(Whole::finish)
            } else {
                None
            };
            Ok(Some(((number, range, sha256, finished), (number + 1, whole))))
        });
        let mut parts: Vec<(UploadPart, Option<String>)> = hashed
            .map_ok(|(number, range, sha256, finished)| {
                let progress = progress.clone();
                let report = self.report.clone();
                async move {
                    let body = hash::slice(&self.file, &range)?;
                    let tell = move |bytes| {
                        progress.borrow_mut().insert(number, bytes);
                        let total = progress.borrow().values().sum();
                        report.sent(total);
                    };
                    let etag = self
                        .put(&upload.upload_id, None, number, Some(sha256), &body, tell)
                        .await?;
                    if etag.is_empty() {
                        return Err(failed(
                            "The store hid the tag of a part (ETag). Its CORS rules must expose it.",
                        ));
                    }
                    Ok((UploadPart { number, etag }, finished))
                }
            })
            .try_buffer_unordered(plan::PARTS_AT_ONCE)
            .try_collect()
            .await?;
        parts.sort_by_key(|(part, _)| part.number);
        let sha256 = parts.iter_mut().find_map(|(_, finished)| finished.take());
        Ok(CommitUpload {
            parts: parts.into_iter().map(|(part, _)| part).collect(),
            sha256,
        })
    }

    /// Sends one part, with patience: trouble is waited out, an ended signature is renewed.
    async fn put(
        &self,
        upload_id: &str,
        mut presigned: Option<PartRequest>,
        number: u32,
        sha256: Option<String>,
        body: &Blob,
        progress: impl Fn(u64) + Clone + 'static,
    ) -> Result<String, Stopped> {
        let mut attempt = 0;
        loop {
            self.check_cancelled()?;
            attempt += 1;
            let part = match presigned.take() {
                Some(part) => Ok(part),
                None => self.presign(upload_id, number, sha256.clone()).await,
            };
            let problem = match part {
                Ok(part) => match send::put(&part, body, &self.cancel, progress.clone()).await {
                    Sent::Stored { etag } => return Ok(etag),
                    // Commit verifies what is there.
                    Sent::AlreadyThere => return Ok(String::new()),
                    Sent::Cancelled => return Err(Stopped::Cancelled),
                    Sent::WrongBytes => {
                        return Err(failed(
                            "The store refused the bytes. The file may have changed while it was sent; try again.",
                        ));
                    }
                    Sent::Refused => failed("The store refused the transfer. Try again."),
                    Sent::Trouble => {
                        presigned = Some(part);
                        failed("The store can't be reached. Check your connection and try again.")
                    }
                },
                Err(error) if error.may_pass() => error.into(),
                Err(error) => return Err(error.into()),
            };
            progress(0);
            match plan::pause_ms(attempt) {
                Some(pause) => self.pause(pause).await,
                None => return Err(problem),
            }
        }
    }

    async fn presign(
        &self,
        upload_id: &str,
        number: u32,
        sha256: Option<String>,
    ) -> Result<PartRequest, ApiError> {
        let parts = self.api.presign_part(upload_id, number, sha256).await?;
        parts
            .parts
            .into_iter()
            .find(|part| part.number == number)
            .ok_or(ApiError::Odd { status: 200 })
    }

    /// Commit is idempotent: it may be repeated when the answer was lost.
    async fn commit(&self, upload_id: &str, request: &CommitUpload) -> Result<Node, Stopped> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.api.commit_upload(upload_id, request).await {
                Ok(node) => return Ok(node),
                Err(error) if error.may_pass() => match plan::pause_ms(attempt) {
                    Some(pause) => self.pause(pause).await,
                    None => return Err(error.into()),
                },
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits, and as long as there is no network.
    async fn pause(&self, milliseconds: u32) {
        /// How often the network is looked for, in milliseconds.
        const LOOK_MS: u32 = 1_000;
        browser::sleep_ms(milliseconds).await;
        while !browser::is_online() && !self.cancel.is_cancelled() {
            browser::sleep_ms(LOOK_MS).await;
        }
    }

    fn check_cancelled(&self) -> Result<(), Stopped> {
        if self.cancel.is_cancelled() {
            Err(Stopped::Cancelled)
        } else {
            Ok(())
        }
    }
}

fn wants_hash(error: &ApiError) -> bool {
    match error {
        ApiError::Problem(problem) => {
            problem.code == Code::Invalid
                && (problem.reason.contains("sha256")
                    || problem.fields.iter().any(|field| field.field == "sha256"))
        }
        _ => false,
    }
}
