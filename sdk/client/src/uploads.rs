//! The control side of uploads; bytes go to the store on the presigned requests that these calls answer.

use crate::call::Call;
use crate::{Client, Error, Result};
use bitvault_api::{
    BatchCommitItem, BatchCommits, BatchResults, BatchUploads, CommitResult, CommitUpload, Node, PartWanted,
    Parts, StartUpload, StartUploadResult, Upload, WantedParts,
};
use std::time::Duration;

/// How long a commit may take: the server verifies the object, and reads it back where its parts bound no hash.
const COMMIT_WITHIN: Duration = Duration::from_secs(600);

impl Client {
    /// `POST /v1/uploads`.
    ///
    /// # Errors
    /// `conflict` when the name is taken, `exhausted` when the quota is; as any call.
    pub async fn start_upload(&self, upload: &StartUpload) -> Result<Upload> {
        self.send(Call::post("/v1/uploads", [], upload)?).await
    }

    /// `GET /v1/uploads/{id}`: where it stands and which parts the store holds.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn upload(&self, id: &str) -> Result<Upload> {
        self.send(Call::get("/v1/uploads/{id}", [id])).await
    }

    /// `POST /v1/uploads/{id}/parts`: presigned requests for these parts, new or again.
    ///
    /// # Errors
    /// `conflict` when the upload has ended; as any call.
    pub async fn presign_parts(&self, id: &str, parts: Vec<PartWanted>) -> Result<Parts> {
        self.send(Call::post(
            "/v1/uploads/{id}/parts",
            [id],
            &WantedParts { parts },
        )?)
        .await
    }

    /// `POST /v1/uploads/{id}/commit`: verifies what was sent and makes the file visible.
    ///
    /// # Errors
    /// `precondition` when `base_version` is no longer current, `conflict` when the name was taken meanwhile or the
    /// upload has ended; as any call.
    pub async fn commit_upload(&self, id: &str, commit: &CommitUpload) -> Result<Node> {
        self.send(Call::post("/v1/uploads/{id}/commit", [id], commit)?.answer_within(COMMIT_WITHIN))
            .await
    }

    /// `DELETE /v1/uploads/{id}`: gives it up.
    ///
    /// # Errors
    /// As any call.
    pub async fn abort_upload(&self, id: &str) -> Result<()> {
        self.send(Call::delete("/v1/uploads/{id}", [id])).await
    }

    /// `POST /v1/batch/uploads`: at most [`bitvault_api::limits::BATCH_ITEMS`] small files; a result per item.
    ///
    /// # Errors
    /// As any call, for the whole batch.
    pub async fn start_uploads(&self, items: Vec<StartUpload>) -> Result<Vec<StartUploadResult>> {
        let count = items.len();
        let call = Call::post("/v1/batch/uploads", [], &BatchUploads { items })?.answer_within(COMMIT_WITHIN);
        one_each(self.send(call).await?, count)
    }

    /// `POST /v1/batch/commits`: at most [`bitvault_api::limits::BATCH_ITEMS`] uploads in one transaction; a result
    /// per item.
    ///
    /// # Errors
    /// As any call, for the whole batch.
    pub async fn commit_uploads(&self, upload_ids: Vec<String>) -> Result<Vec<CommitResult>> {
        let count = upload_ids.len();
        let items = upload_ids
            .into_iter()
            .map(|upload_id| BatchCommitItem { upload_id })
            .collect();
        let call = Call::post("/v1/batch/commits", [], &BatchCommits { items })?.answer_within(COMMIT_WITHIN);
        one_each(self.send(call).await?, count)
    }
}

pub(crate) fn one_each<T>(results: BatchResults<T>, count: usize) -> Result<Vec<T>> {
    if results.items.len() == count {
        return Ok(results.items);
    }
    Err(Error::protocol(format!(
        "the server answered {} results for {count} items",
        results.items.len()
    )))
}
