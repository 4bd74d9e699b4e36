//! `StorageService` over the loaded plugin.

use crate::backend::Storage;
use crate::error::{self, invalid};
use crate::probe::FOLDER;
use crate::{heads, presign};
use bitvault_platform::{Code, Error};
use bitvault_proto::internal::v1 as rpc;
use bitvault_proto::internal::v1::storage_service_server::StorageService;
use bitvault_proto::v1::UploadedPart;
use bitvault_wasm::{Auth, Egress, GetOptions, Object, Part, PutOptions, StorageAdapter};
use object_store::path::Path;
use object_store::{ObjectStore as _, PutMode};
use sha2::{Digest as _, Sha256};
use tonic::{Request, Response, Status};

/// Keys that one call looks up or removes.
const MAX_KEYS: usize = 10_000;
/// Keys that one plugin call removes.
const DELETE_BATCH: usize = 1000;
/// Objects on a page unless asked otherwise.
const DEFAULT_PAGE: u32 = 1000;

type Answer<T> = Result<Response<T>, Status>;

impl Storage {
    fn store(&self) -> &StorageAdapter {
        &self.backend().store
    }

    async fn hash_object(&self, key: &str) -> Result<rpc::HashObjectResponse, Error> {
        let store = self.store();
        let mut call = store.call("plan-get").await.map_err(error::plugin)?;
        let signed = call.plan_get(key, &GetOptions::none(), Auth::Header).await;
        let signed = signed.map_err(error::plugin)?;
        drop(call);
        let broken = |error| error::plugin(outside(store, error));
        let mut response = store
            .egress()
            .transfer(signed, Vec::new().into())
            .await
            .map_err(broken)?;
        if !response.status().is_success() {
            let response = Egress::small(response).await.map_err(broken)?;
            let mut call = store.call("parse-get").await.map_err(error::plugin)?;
            let told = call.parse_get(key, &response).await;
            return Err(match told {
                Err(error) => error::plugin(error),
                Ok(_) => Error::internal("read an object", "the plugin takes an error for an object"),
            });
        }
        let mut hash = Sha256::new();
        let mut size = 0;
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| broken(Egress::broken(error)))?
        {
            size += chunk.len() as u64;
            hash.update(&chunk);
        }
        Ok(rpc::HashObjectResponse {
            size,
            sha256: hash.finalize().to_vec(),
        })
    }

    /// A finish whose answer was lost finds no upload when it is repeated; the object tells that it had worked, because
    /// keys are never reused.
    async fn finish(&self, request: rpc::FinishMultipartRequest) -> Result<rpc::StoredObject, Error> {
        let parts: Vec<Part> = request
            .parts
            .into_iter()
            .map(|part| Part {
                number: part.number,
                tag: part.etag,
                len: part.size,
                sha256: None,
            })
            .collect();
        let mut call = self.store().call("finish-upload").await.map_err(error::plugin)?;
        let finished = call.finish_upload(&request.key, &request.multipart, &parts).await;
        drop(call);
        match finished.map_err(error::plugin) {
            Ok(object) => Ok(stored(object)),
            Err(error) if error.code() == Code::NotFound => {
                let object = heads::head(self, &request.key).await?;
                object.map(stored).ok_or_else(|| {
                    let text = "the multipart upload is not there any more; begin again";
                    Error::new(Code::NotFound, "multipart_not_found", text)
                })
            }
            Err(error) => Err(error),
        }
    }
}

#[tonic::async_trait]
impl StorageService for Storage {
    async fn get_backend(&self, _: Request<rpc::GetBackendRequest>) -> Answer<rpc::Backend> {
        let facts = self.facts().await?;
        let capabilities = &facts.capabilities;
        Ok(Response::new(rpc::Backend {
            name: self.backend().name.clone(),
            min_part: capabilities.min_part,
            max_part: capabilities.max_part,
            max_parts: capabilities.max_parts,
            max_single_put: capabilities.max_single_put,
            features: facts.features.iter().map(|&feature| feature.to_owned()).collect(),
        }))
    }

    async fn presign_puts(
        &self,
        request: Request<rpc::PresignPutsRequest>,
    ) -> Answer<rpc::PresignedResponse> {
        Ok(Response::new(presign::puts(self, request.into_inner()).await?))
    }

    async fn presign_parts(
        &self,
        request: Request<rpc::PresignPartsRequest>,
    ) -> Answer<rpc::PresignedResponse> {
        Ok(Response::new(presign::parts(self, request.into_inner()).await?))
    }

    async fn presign_gets(
        &self,
        request: Request<rpc::PresignGetsRequest>,
    ) -> Answer<rpc::PresignedResponse> {
        Ok(Response::new(presign::gets(self, request.into_inner()).await?))
    }

    async fn head_objects(
        &self,
        request: Request<rpc::HeadObjectsRequest>,
    ) -> Answer<rpc::HeadObjectsResponse> {
        self.facts().await?;
        let keys = request.into_inner().keys;
        few(keys.len())?;
        let found = heads::lookup(self, &keys).await?;
        let results = found.into_iter().map(|object| rpc::HeadResult {
            object: object.map(stored),
        });
        Ok(Response::new(rpc::HeadObjectsResponse {
            results: results.collect(),
        }))
    }

    async fn hash_object(&self, request: Request<rpc::HashObjectRequest>) -> Answer<rpc::HashObjectResponse> {
        self.facts().await?;
        Ok(Response::new(self.hash_object(&request.into_inner().key).await?))
    }

    async fn begin_multipart(
        &self,
        request: Request<rpc::BeginMultipartRequest>,
    ) -> Answer<rpc::BeginMultipartResponse> {
        self.facts().await?;
        let request = request.into_inner();
        let mut options = PutOptions::none();
        options.content_type = Some(request.content_type).filter(|kind| !kind.is_empty());
        let mut call = self.store().call("begin-upload").await.map_err(error::plugin)?;
        let multipart = call
            .begin_upload(&request.key, &options, false)
            .await
            .map_err(error::plugin)?;
        Ok(Response::new(rpc::BeginMultipartResponse { multipart }))
    }

    async fn list_parts(&self, request: Request<rpc::ListPartsRequest>) -> Answer<rpc::ListPartsResponse> {
        self.facts().await?;
        let request = request.into_inner();
        let mut call = self.store().call("list-parts").await.map_err(error::plugin)?;
        let parts = call
            .list_parts(&request.key, &request.multipart)
            .await
            .map_err(error::plugin)?;
        let parts = parts.into_iter().map(|part| UploadedPart {
            number: part.number,
            etag: part.tag,
            size: part.len,
        });
        Ok(Response::new(rpc::ListPartsResponse {
            parts: parts.collect(),
        }))
    }

    async fn finish_multipart(
        &self,
        request: Request<rpc::FinishMultipartRequest>,
    ) -> Answer<rpc::StoredObject> {
        self.facts().await?;
        Ok(Response::new(self.finish(request.into_inner()).await?))
    }

    async fn abort_multipart(
        &self,
        request: Request<rpc::AbortMultipartRequest>,
    ) -> Answer<rpc::AbortMultipartResponse> {
        self.facts().await?;
        let request = request.into_inner();
        let mut call = self.store().call("abort-upload").await.map_err(error::plugin)?;
        call.abort_upload(&request.key, &request.multipart)
            .await
            .map_err(error::plugin)?;
        Ok(Response::new(rpc::AbortMultipartResponse {}))
    }

    async fn list_multiparts(
        &self,
        request: Request<rpc::ListMultipartsRequest>,
    ) -> Answer<rpc::ListMultipartsResponse> {
        self.facts().await?;
        let prefix = request.into_inner().prefix;
        let mut call = self.store().call("list-uploads").await.map_err(error::plugin)?;
        let pending = call.list_uploads(&prefix).await.map_err(error::plugin)?;
        let told = pending.into_iter().filter(|pending| told(&prefix, &pending.key));
        let items = told.map(|pending| rpc::Multipart {
            key: pending.key,
            multipart: pending.upload,
            begun_at: pending.begun_ms.map(timestamp),
        });
        Ok(Response::new(rpc::ListMultipartsResponse {
            items: items.collect(),
        }))
    }

    async fn delete_objects(
        &self,
        request: Request<rpc::DeleteObjectsRequest>,
    ) -> Answer<rpc::DeleteObjectsResponse> {
        self.facts().await?;
        let keys = request.into_inner().keys;
        few(keys.len())?;
        let mut failures = Vec::new();
        for batch in keys.chunks(DELETE_BATCH) {
            let mut call = self.store().call("delete").await.map_err(error::plugin)?;
            let failed = call.delete(batch).await.map_err(error::plugin)?;
            failures.extend(failed.into_iter().map(|(key, error)| rpc::DeleteFailure {
                key,
                message: error.message,
            }));
        }
        Ok(Response::new(rpc::DeleteObjectsResponse { failures }))
    }

    async fn list_objects(
        &self,
        request: Request<rpc::ListObjectsRequest>,
    ) -> Answer<rpc::ListObjectsResponse> {
        self.facts().await?;
        let request = request.into_inner();
        let limit = if request.limit == 0 {
            DEFAULT_PAGE
        } else {
            request.limit
        };
        let mut call = self.store().call("list-objects").await.map_err(error::plugin)?;
        let page = call
            .list_objects(&request.prefix, None, None, request.cursor.as_deref(), limit)
            .await;
        let page = page.map_err(error::plugin)?;
        let told = page
            .objects
            .into_iter()
            .filter(|object| told(&request.prefix, &object.key));
        let objects = told.map(stored).collect();
        Ok(Response::new(rpc::ListObjectsResponse {
            objects,
            next_cursor: page.next,
        }))
    }

    async fn put_object(&self, request: Request<rpc::PutObjectRequest>) -> Answer<rpc::PutObjectResponse> {
        self.facts().await?;
        let request = request.into_inner();
        let key = Path::parse(&request.key).map_err(|error| invalid("key_invalid", error.to_string()))?;
        let create = object_store::PutOptions::from(PutMode::Create);
        match self
            .adapter()
            .put_opts(&key, request.content.into(), create)
            .await
        {
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => {
                Ok(Response::new(rpc::PutObjectResponse {}))
            }
            Err(error) => Err(error::store(&error).into()),
        }
    }
}

/// Whether a listing of `prefix` tells of this key: what probes leave is nobody else's.
fn told(prefix: &str, key: &str) -> bool {
    prefix.starts_with(FOLDER) || !key.starts_with(FOLDER)
}

fn few(keys: usize) -> Result<(), Error> {
    if keys <= MAX_KEYS {
        return Ok(());
    }
    Err(invalid(
        "too_many",
        format!("one call takes at most {MAX_KEYS} keys"),
    ))
}

fn stored(object: Object) -> rpc::StoredObject {
    rpc::StoredObject {
        key: object.key,
        size: object.size,
        etag: object.etag,
        sha256: object.sha256,
        modified_at: object.modified_ms.map(timestamp),
    }
}

fn timestamp(millis: u64) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: i64::try_from(millis / 1000).unwrap_or(i64::MAX),
        nanos: i32::try_from(millis % 1000 * 1_000_000).unwrap_or_default(),
    }
}

/// A transfer of our own that nobody answered, as the error of the plugin whose plan it was.
pub(crate) fn outside(store: &StorageAdapter, error: bitvault_wasm::GuestError) -> bitvault_wasm::Error {
    bitvault_wasm::Error::Outside {
        plugin: store.name().to_owned(),
        error,
    }
}
