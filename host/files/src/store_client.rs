//! What this module asks of the module storage. Calls are made in the name of the daemon, within the tenant: keys are
//! ours, and who may touch them was decided before.

use crate::config::Config;
use crate::domain::plan::Limits;
use bitvault_platform::ids::TenantId;
use bitvault_platform::rpc::Transport;
use bitvault_platform::{Code, Ctx, Error, Result};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::internal::v1::storage_service_client::StorageServiceClient;
use bitvault_proto::v1;
use futures::future::BoxFuture;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::OnceCell;
use tonic::body::Body;
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;

/// Longest wait for an answer that needs no transfer of content.
const CALL_LIMIT: Duration = Duration::from_secs(60);
/// Longest wait for an assembled or hashed object: a store copies and we read at 100 MiB/s or more.
const CONTENT_LIMIT: Duration = Duration::from_secs(6 * 3600);
/// Largest answer: a page of a listing, or 500 presigned requests.
const MESSAGE_BYTES: usize = 32 << 20;

/// Requests and when they end.
#[derive(Debug, Clone)]
pub(crate) struct Presigned {
    pub(crate) requests: Vec<v1::PresignedRequest>,
    pub(crate) expires_at: Option<prost_types::Timestamp>,
}

/// A failure of the transport as a type with a name: behind a bare box the compiler can't prove that calls are `Send`.
/// tonic finds a status within it by [`std::error::Error::source`].
#[derive(Debug, thiserror::Error)]
#[error("call the storage module")]
struct Broken(#[source] tower::BoxError);

type Port = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Broken>;

/// The storage module, as this one uses it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Store {
    client: StorageServiceClient<Port>,
    limits: std::sync::Arc<OnceCell<Limits>>,
    lifetime_s: u32,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

/// In whose name a call is made.
fn caller(tenant: Option<TenantId>) -> Ctx {
    match tenant {
        Some(tenant) => Ctx::system("files").within(tenant),
        None => Ctx::system("files"),
    }
}

/// Boxed, because the compiler can't prove otherwise that the callers' futures are `Send`.
async fn bounded<T>(
    limit: Duration,
    call: BoxFuture<'static, Result<tonic::Response<T>, tonic::Status>>,
) -> Result<T> {
    match tokio::time::timeout(limit, call).await {
        Ok(answer) => Ok(answer?.into_inner()),
        Err(elapsed) => Err(Error::unavailable("store", elapsed)),
    }
}

/// One call of the storage module, within a limit.
macro_rules! call {
    ($self:ident, $limit:expr, $method:ident, $request:ident) => {{
        let mut client = $self.client.clone();
        bounded($limit, Box::pin(async move { client.$method($request).await }))
    }};
}

impl Store {
    pub(crate) fn new(transport: Transport, config: &Config) -> Self {
        Self {
            client: StorageServiceClient::new(BoxCloneSyncService::new(transport.map_err(Broken)))
                .max_decoding_message_size(MESSAGE_BYTES)
                .max_encoding_message_size(MESSAGE_BYTES),
            limits: std::sync::Arc::default(),
            lifetime_s: u32::try_from(config.presign_lifetime.as_secs()).unwrap_or(u32::MAX),
        }
    }

    /// What bounds an upload; asked of the backend once.
    pub(crate) async fn limits(&self, config: &Config) -> Result<Limits> {
        let limits = self.limits.get_or_try_init(|| async {
            let request = caller(None).request(internal::GetBackendRequest {});
            let backend = call!(self, CALL_LIMIT, get_backend, request).await?;
            Ok::<_, Error>(Limits {
                single_max: config.multipart_threshold.as_u64().min(backend.max_single_put),
                part_size: config.part_size.as_u64(),
                min_part: backend.min_part,
                max_part: backend.max_part,
                max_parts: backend.max_parts,
            })
        });
        limits.await.copied()
    }

    pub(crate) async fn presign_puts(
        &self,
        tenant: TenantId,
        puts: Vec<internal::PutWanted>,
    ) -> Result<Presigned> {
        let count = puts.len();
        let request = caller(Some(tenant)).request(internal::PresignPutsRequest {
            puts,
            lifetime_s: self.lifetime_s,
        });
        presigned(call!(self, CALL_LIMIT, presign_puts, request).await?, count)
    }

    pub(crate) async fn presign_parts(
        &self,
        tenant: TenantId,
        key: String,
        multipart: String,
        parts: Vec<internal::PartWanted>,
    ) -> Result<Presigned> {
        let count = parts.len();
        let request = caller(Some(tenant)).request(internal::PresignPartsRequest {
            key,
            multipart,
            parts,
            lifetime_s: self.lifetime_s,
        });
        presigned(call!(self, CALL_LIMIT, presign_parts, request).await?, count)
    }

    /// `most_s`: when they end at the latest, in seconds.
    pub(crate) async fn presign_gets(
        &self,
        tenant: TenantId,
        gets: Vec<internal::GetWanted>,
        most_s: Option<u32>,
    ) -> Result<Presigned> {
        let count = gets.len();
        let lifetime_s = most_s.map_or(self.lifetime_s, |most| most.min(self.lifetime_s));
        let request = caller(Some(tenant)).request(internal::PresignGetsRequest { gets, lifetime_s });
        presigned(call!(self, CALL_LIMIT, presign_gets, request).await?, count)
    }

    /// The size of each object, in the order of the keys; `None` where the store has none.
    pub(crate) async fn sizes(
        &self,
        tenant: Option<TenantId>,
        keys: Vec<String>,
    ) -> Result<Vec<Option<u64>>> {
        let count = keys.len();
        let request = caller(tenant).request(internal::HeadObjectsRequest { keys });
        let answer = call!(self, CALL_LIMIT, head_objects, request).await?;
        if answer.results.len() != count {
            return Err(Error::internal(
                "look objects up",
                "the answer has another length",
            ));
        }
        Ok(answer
            .results
            .into_iter()
            .map(|result| result.object.map(|object| object.size))
            .collect())
    }

    pub(crate) async fn hash(&self, tenant: TenantId, key: String) -> Result<internal::HashObjectResponse> {
        let request = caller(Some(tenant)).request(internal::HashObjectRequest { key });
        call!(self, CONTENT_LIMIT, hash_object, request).await
    }

    pub(crate) async fn begin_multipart(
        &self,
        tenant: TenantId,
        key: String,
        content_type: String,
    ) -> Result<String> {
        let request = caller(Some(tenant)).request(internal::BeginMultipartRequest { key, content_type });
        Ok(call!(self, CALL_LIMIT, begin_multipart, request).await?.multipart)
    }

    /// Parts that the store holds; `None` when it doesn't know the multipart upload (any more).
    pub(crate) async fn list_parts(
        &self,
        tenant: TenantId,
        key: String,
        multipart: String,
    ) -> Result<Option<Vec<v1::UploadedPart>>> {
        let request = caller(Some(tenant)).request(internal::ListPartsRequest { key, multipart });
        let answer = call!(self, CALL_LIMIT, list_parts, request).await;
        Ok(found(answer)?.map(|answer| answer.parts))
    }

    /// Assembles the object; `false` when the store doesn't know the multipart upload (any more).
    pub(crate) async fn finish_multipart(
        &self,
        tenant: TenantId,
        key: String,
        multipart: String,
        parts: Vec<v1::UploadedPart>,
    ) -> Result<bool> {
        let request = caller(Some(tenant)).request(internal::FinishMultipartRequest {
            key,
            multipart,
            parts,
        });
        let answer = call!(self, CONTENT_LIMIT, finish_multipart, request).await;
        Ok(found(answer)?.is_some())
    }

    pub(crate) async fn abort_multipart(
        &self,
        tenant: Option<TenantId>,
        key: String,
        multipart: String,
    ) -> Result<()> {
        let request = caller(tenant).request(internal::AbortMultipartRequest { key, multipart });
        let answer = call!(self, CALL_LIMIT, abort_multipart, request).await;
        found(answer).map(|_| ())
    }

    /// Multipart uploads that have not ended. A listing of more than one key may name some that have (MinIO answers it
    /// from memory, where an upload stays whose end was cut off): ask [`Self::is_pending`] before one counts.
    pub(crate) async fn list_multiparts(&self, prefix: String) -> Result<Vec<internal::Multipart>> {
        let request = caller(None).request(internal::ListMultipartsRequest { prefix });
        Ok(call!(self, CALL_LIMIT, list_multiparts, request).await?.items)
    }

    /// Whether a listed multipart upload is really there.
    pub(crate) async fn is_pending(&self, listed: &internal::Multipart) -> Result<bool> {
        let pending = self.list_multiparts(listed.key.clone()).await?;
        Ok(pending.iter().any(|one| one.multipart == listed.multipart))
    }

    /// Removes objects; answers the keys that could not be removed.
    pub(crate) async fn delete(&self, keys: Vec<String>) -> Result<Vec<internal::DeleteFailure>> {
        let request = caller(None).request(internal::DeleteObjectsRequest { keys });
        Ok(call!(self, CALL_LIMIT, delete_objects, request).await?.failures)
    }

    /// Writes a small object; one that is there under this key already stays.
    pub(crate) async fn put(&self, key: String, content: Vec<u8>) -> Result<()> {
        let request = caller(None).request(internal::PutObjectRequest { key, content });
        call!(self, CALL_LIMIT, put_object, request).await.map(|_| ())
    }

    /// Objects whose keys begin with `prefix`, in the order of their keys.
    pub(crate) async fn list(
        &self,
        prefix: String,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<internal::ListObjectsResponse> {
        let request = caller(None).request(internal::ListObjectsRequest {
            prefix,
            cursor,
            limit,
        });
        call!(self, CALL_LIMIT, list_objects, request).await
    }
}

fn found<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.code() == Code::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn presigned(answer: internal::PresignedResponse, count: usize) -> Result<Presigned> {
    if answer.requests.len() != count {
        return Err(Error::internal("presign", "the answer has another length"));
    }
    Ok(Presigned {
        requests: answer.requests,
        expires_at: answer.expires_at,
    })
}

/// An instant on the wire.
pub(crate) fn timestamp(at: OffsetDateTime) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: at.unix_timestamp(),
        nanos: i32::try_from(at.nanosecond()).unwrap_or_default(),
    }
}
