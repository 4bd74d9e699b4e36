//! The plugin behind object_store's traits: what workers use, and what that crate's own suite can judge.
//!
//! Bytes stream between the caller and the store over the host's client; the plugin only plans and reads answers. Every PUT
//! is bound to its length and SHA-256. Not supported, and said so: tags, versions, refusing to overwrite in a copy.

mod convert;
mod list;
mod multipart;
mod sign;

use crate::service::outside;
use async_trait::async_trait;
use bitvault_wasm::{Auth, Call, Egress, GetOptions as Get, PutOptions as Put, Signed, StorageAdapter};
use bytes::Bytes;
use convert::{attributes, http_date, meta, put_options, store_error, unsupported};
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::ops::Range;

/// Keys that one plugin call removes.
const DELETE_BATCH: usize = 1000;
/// Largest last byte that servers read as a number.
const LAST_BYTE: u64 = i64::MAX as u64;

/// A storage plugin as an object store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Adapter {
    store: StorageAdapter,
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plugin {}", self.store.name())
    }
}

impl Adapter {
    /// Presents a loaded plugin.
    pub fn new(store: StorageAdapter) -> Self {
        Self { store }
    }

    async fn call(&self, operation: &'static str, location: &Path) -> Result<Call> {
        self.store
            .call(operation)
            .await
            .map_err(|error| store_error(location.as_ref(), error))
    }

    /// Sends a signed plan.
    async fn transfer(
        &self,
        location: &Path,
        signed: Signed,
        body: reqwest::Body,
    ) -> Result<reqwest::Response> {
        let sent = self.store.egress().transfer(signed, body).await;
        sent.map_err(|error| store_error(location.as_ref(), outside(&self.store, error)))
    }

    /// Sends a signed PUT and answers what the store said.
    async fn send(
        &self,
        location: &Path,
        signed: Signed,
        payload: PutPayload,
    ) -> Result<bitvault_wasm::Response> {
        let response = self.transfer(location, signed, body(payload)).await?;
        let read = Egress::small(response).await;
        read.map_err(|error| store_error(location.as_ref(), outside(&self.store, error)))
    }

    /// First byte and number of bytes that a range asks for.
    async fn resolve(&self, location: &Path, range: Option<&GetRange>) -> Result<Option<(u64, u64)>> {
        Ok(match range {
            None => None,
            Some(GetRange::Bounded(range)) => Some((range.start, range.end.saturating_sub(range.start))),
            Some(GetRange::Offset(offset)) => Some((*offset, LAST_BYTE.saturating_sub(*offset))),
            Some(GetRange::Suffix(length)) => {
                let size = self.head_meta(location).await?.0.size;
                let length = size.min(*length);
                Some((size - length, length))
            }
        })
    }

    async fn head_meta(&self, location: &Path) -> Result<(ObjectMeta, object_store::Attributes)> {
        let mut call = self.call("head", location).await?;
        let object = call.head(location.as_ref()).await;
        let object = object.map_err(|error| store_error(location.as_ref(), error))?;
        let attributes = attributes(&object);
        Ok((meta(object)?, attributes))
    }
}

#[async_trait]
impl ObjectStore for Adapter {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let PutOptions {
            mode,
            tags,
            attributes,
            ..
        } = opts;
        let mut put = put_options(&tags, &attributes)?;
        let creates = mode == PutMode::Create;
        match mode {
            PutMode::Overwrite => {}
            PutMode::Create => put.if_none_match = true,
            PutMode::Update(version) => {
                let tag = version
                    .e_tag
                    .ok_or_else(|| unsupported("an update without an etag"))?;
                put.if_match = Some(tag);
            }
        }
        let len = payload.content_length() as u64;
        put.len = Some(len);
        put.sha256 = Some(hash(&payload));
        let key = location.as_ref();
        let fail = |error: bitvault_wasm::Error| match store_error(key, error) {
            Error::Precondition { path, source } if creates => Error::AlreadyExists { path, source },
            // An object that is gone can't have the wanted tag.
            Error::NotFound { path, source } if !creates => Error::Precondition { path, source },
            error => error,
        };
        let mut call = self.call("plan-put", location).await?;
        let signed = call.plan_put(key, &put, Auth::Header).await.map_err(fail)?;
        drop(call);
        let response = self.send(location, signed, payload).await?;
        let stored = self
            .call("parse-put", location)
            .await?
            .parse_put(key, len, &response)
            .await;
        Ok(PutResult {
            e_tag: stored.map_err(fail)?.etag,
            version: None,
            extensions: Default::default(),
        })
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let options = put_options(&opts.tags, &opts.attributes)?;
        Ok(Box::new(
            multipart::Upload::begin(self.clone(), location.clone(), &options).await?,
        ))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if options.version.is_some() {
            return Err(unsupported("versions"));
        }
        if options.head {
            let (meta, attributes) = self.head_meta(location).await?;
            options.check_preconditions(&meta)?;
            let payload = GetResultPayload::Stream(futures::stream::empty().boxed());
            return Ok(GetResult {
                payload,
                range: 0..meta.size,
                meta,
                attributes,
                extensions: Default::default(),
            });
        }
        let range = self.resolve(location, options.range.as_ref()).await?;
        if range.is_some_and(|(_, len)| len == 0) {
            return Err(unsupported("a range without a byte"));
        }
        let get = Get {
            range,
            if_match: options.if_match,
            if_none_match: options.if_none_match,
            if_modified_since: options.if_modified_since.map(http_date),
            if_unmodified_since: options.if_unmodified_since.map(http_date),
            ..Get::none()
        };
        let key = location.as_ref();
        let fail = |error| store_error(key, error);
        let signed = self
            .call("plan-get", location)
            .await?
            .plan_get(key, &get, Auth::Header)
            .await;
        let response = self
            .transfer(location, signed.map_err(fail)?, Vec::new().into())
            .await?;
        let head = if response.status().is_success() {
            Egress::head(&response)
        } else {
            let read = Egress::small(response).await;
            let head = read.map_err(|error| fail(outside(&self.store, error)))?;
            let parsed = self
                .call("parse-get", location)
                .await?
                .parse_get(key, &head)
                .await;
            return Err(match parsed {
                Err(error) => fail(error),
                Ok(_) => Error::Generic {
                    store: "plugin",
                    source: "an error was taken for an object".into(),
                },
            });
        };
        if range.is_some() && head.status != 206 {
            let source = "the store answered the whole object where a range was asked for".into();
            return Err(Error::NotSupported { source });
        }
        let object = self
            .call("parse-get", location)
            .await?
            .parse_get(key, &head)
            .await
            .map_err(fail)?;
        let attributes = attributes(&object);
        let meta = meta(object)?;
        let range = told_range(&response).unwrap_or(0..meta.size);
        let store = self.store.clone();
        let path = key.to_owned();
        let stream = response
            .bytes_stream()
            .map_err(move |error| store_error(&path, outside(&store, Egress::broken(error))));
        let payload = GetResultPayload::Stream(stream.boxed());
        Ok(GetResult {
            payload,
            meta,
            range,
            attributes,
            extensions: Default::default(),
        })
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let adapter = self.clone();
        locations
            .try_chunks(DELETE_BATCH)
            .map(move |batch| {
                let adapter = adapter.clone();
                async move { adapter.delete_batch(batch.map_err(|error| error.1)?).await }
            })
            .buffered(4)
            .map_ok(futures::stream::iter)
            .try_flatten()
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.list_from(prefix, None)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.list_from(prefix, Some(offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.list_level(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let creates = options.mode == CopyMode::Create;
        let mut call = self.call("copy", from).await?;
        let copied = call.copy(from.as_ref(), to.as_ref(), creates).await;
        copied
            .map(drop)
            .map_err(|error| store_error(from.as_ref(), error))
    }
}

impl Adapter {
    async fn delete_batch(&self, batch: Vec<Path>) -> Result<Vec<Result<Path>>> {
        let keys: Vec<String> = batch.iter().map(|path| path.as_ref().to_owned()).collect();
        let first = batch.first().cloned().unwrap_or_default();
        let failed = self.call("delete", &first).await?.delete(&keys).await;
        let failed = failed.map_err(|error| store_error(first.as_ref(), error))?;
        let mut failed: std::collections::HashMap<_, _> = failed.into_iter().collect();
        let results = batch.into_iter().map(|path| match failed.remove(path.as_ref()) {
            None => Ok(path),
            Some(error) => {
                let plugin = self.store.name().to_owned();
                Err(store_error(
                    path.as_ref(),
                    bitvault_wasm::Error::Guest { plugin, error },
                ))
            }
        });
        Ok(results.collect())
    }
}

/// The bytes that an answer holds of the object.
fn told_range(response: &reqwest::Response) -> Option<Range<u64>> {
    let text = response.headers().get("content-range")?.to_str().ok()?;
    let (first, last) = text.strip_prefix("bytes ")?.split('/').next()?.split_once('-')?;
    Some(first.parse().ok()?..last.parse::<u64>().ok()?.checked_add(1)?)
}

fn hash(payload: &PutPayload) -> Vec<u8> {
    let mut hash = Sha256::new();
    for chunk in payload {
        hash.update(chunk);
    }
    hash.finalize().to_vec()
}

fn body(payload: PutPayload) -> reqwest::Body {
    let chunks: Vec<std::io::Result<Bytes>> = payload.into_iter().map(Ok).collect();
    match chunks.len() {
        0 | 1 => reqwest::Body::from(chunks.into_iter().flatten().next().unwrap_or_default()),
        _ => reqwest::Body::wrap_stream(futures::stream::iter(chunks)),
    }
}

/// What a part's plan is bound to.
fn bound(payload: &PutPayload) -> (u64, Vec<u8>) {
    (payload.content_length() as u64, hash(payload))
}

/// Options of an upload that binds nothing.
fn plain() -> Put {
    Put::none()
}
