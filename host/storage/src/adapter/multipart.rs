//! Multipart uploads: the low-level store and the handle.

use super::convert::{put_options, store_error};
use super::{Adapter, bound, plain};
use async_trait::async_trait;
use bitvault_wasm::{Auth, Part, PutOptions as Put};
use futures::FutureExt as _;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    Error, MultipartId, MultipartUpload, PutMultipartOptions, PutPayload, PutResult, Result, UploadPart,
};
use std::sync::{Arc, Mutex, PoisonError};

impl Adapter {
    async fn begin(&self, path: &Path, options: &Put) -> Result<MultipartId> {
        let begun = self
            .call("begin-upload", path)
            .await?
            .begin_upload(path.as_ref(), options, false)
            .await;
        begun.map_err(|error| store_error(path.as_ref(), error))
    }

    async fn send_part(&self, path: &Path, id: &str, number: u32, data: PutPayload) -> Result<Part> {
        let fail = |error| store_error(path.as_ref(), error);
        let (len, sha256) = bound(&data);
        let mut call = self.call("plan-part", path).await?;
        let signed = call
            .plan_part(path.as_ref(), id, number, len, Some(&sha256), Auth::Header)
            .await;
        drop(call);
        let response = self.send(path, signed.map_err(fail)?, data).await?;
        let part = self
            .call("parse-part", path)
            .await?
            .parse_part(number, len, &response)
            .await;
        // Uploads here declare nothing, and stores refuse at the end what was not declared.
        Ok(Part {
            sha256: None,
            ..part.map_err(fail)?
        })
    }

    async fn finish(&self, path: &Path, id: &str, parts: &[Part]) -> Result<PutResult> {
        let finished = self
            .call("finish-upload", path)
            .await?
            .finish_upload(path.as_ref(), id, parts)
            .await;
        let object = finished.map_err(|error| store_error(path.as_ref(), error))?;
        Ok(PutResult {
            e_tag: object.etag,
            version: None,
            extensions: Default::default(),
        })
    }
}

/// S3 numbers parts from 1.
fn number(index: usize) -> Result<u32> {
    let number = u32::try_from(index).ok().and_then(|index| index.checked_add(1));
    number.ok_or_else(|| Error::Generic {
        store: "plugin",
        source: "too many parts".into(),
    })
}

#[async_trait]
impl MultipartStore for Adapter {
    async fn create_multipart(&self, path: &Path) -> Result<MultipartId> {
        self.begin(path, &plain()).await
    }

    async fn create_multipart_opts(&self, path: &Path, opts: PutMultipartOptions) -> Result<MultipartId> {
        self.begin(path, &put_options(&opts.tags, &opts.attributes)?)
            .await
    }

    async fn put_part(
        &self,
        path: &Path,
        id: &MultipartId,
        part_idx: usize,
        data: PutPayload,
    ) -> Result<PartId> {
        let part = self.send_part(path, id, number(part_idx)?, data).await?;
        Ok(PartId { content_id: part.tag })
    }

    async fn complete_multipart(
        &self,
        path: &Path,
        id: &MultipartId,
        parts: Vec<PartId>,
    ) -> Result<PutResult> {
        let mut known = Vec::with_capacity(parts.len());
        for (index, part) in parts.into_iter().enumerate() {
            // The length matters only to those who know it.
            known.push(Part {
                number: number(index)?,
                tag: part.content_id,
                len: 0,
                sha256: None,
            });
        }
        if known.is_empty() {
            // S3 knows no upload without parts.
            known.push(
                self.send_part(path, id, number(0)?, PutPayload::default())
                    .await?,
            );
        }
        self.finish(path, id, &known).await
    }

    async fn abort_multipart(&self, path: &Path, id: &MultipartId) -> Result<()> {
        let aborted = self
            .call("abort-upload", path)
            .await?
            .abort_upload(path.as_ref(), id)
            .await;
        aborted.map_err(|error| store_error(path.as_ref(), error))
    }
}

/// An upload whose parts are numbered in the order in which they were given.
#[derive(Debug)]
pub(super) struct Upload {
    adapter: Adapter,
    path: Path,
    id: MultipartId,
    given: u32,
    parts: Arc<Mutex<Vec<Part>>>,
}

impl Upload {
    pub(super) async fn begin(adapter: Adapter, path: Path, options: &Put) -> Result<Self> {
        let id = adapter.begin(&path, options).await?;
        Ok(Self {
            adapter,
            path,
            id,
            given: 0,
            parts: Arc::default(),
        })
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.given += 1;
        let (adapter, path, id) = (self.adapter.clone(), self.path.clone(), self.id.clone());
        let (number, parts) = (self.given, Arc::clone(&self.parts));
        async move {
            let part = adapter.send_part(&path, &id, number, data).await?;
            parts.lock().unwrap_or_else(PoisonError::into_inner).push(part);
            Ok(())
        }
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if parts.len() != self.given as usize {
            let source = format!("{} of {} parts have arrived", parts.len(), self.given).into();
            return Err(Error::Generic {
                store: "plugin",
                source,
            });
        }
        if parts.is_empty() {
            // S3 knows no upload without parts.
            self.put_part(PutPayload::default()).await?;
            parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        }
        parts.sort_by_key(|part| part.number);
        self.adapter.finish(&self.path, &self.id, &parts).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.adapter.abort_multipart(&self.path, &self.id).await
    }
}
