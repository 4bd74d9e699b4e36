use crate::bounds;
use crate::{ConflictOf, Node, Problem};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// Body of `POST /v1/uploads`. Either `parent_id` and `name` (a new file) or `node_id` (a new version of a file).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StartUpload {
    /// The folder of a new file; `root` is an alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// The name of a new file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Bytes that will be sent.
    #[serde(deserialize_with = "bounds::size")]
    #[cfg_attr(feature = "openapi", schema(maximum = 9_223_372_036_854_775_807_u64))]
    pub size: u64,
    /// SHA-256 of the whole content, 64 hex digits. May be left out of a multipart upload when commit names it, so that
    /// a large file is read once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<String>,
    /// Media type; told by the file's name when left out, of a new version too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The file that gets a new version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<String>,
    /// With `node_id`: the version that the new one replaces; commit answers 412 when another came between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_version: Option<String>,
    /// The device that the content comes from, as it calls itself: 1 to 128 bytes, shown with the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Of a new file: what it is a conflicted copy of; `device` has to be there then. The conflict is written with the file.
    /// Where the other file is gone by then, or not to be seen, this is a file like any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict_of: Option<ConflictOf>,
}

/// Where an upload stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// Bytes may be sent, and committed.
    Staging,
    /// The file is there.
    Committed,
    /// Given up or expired; the collector reclaims what was sent.
    Orphaned,
    /// Being reclaimed, or reclaimed: start again.
    Deleted,
}

/// Answer of `POST /v1/uploads` and `GET /v1/uploads/{id}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Upload {
    /// `upl_…`
    pub upload_id: String,
    /// Where it stands.
    pub state: UploadState,
    /// Whether the content travels in several parts. If not, there is one part, the whole content.
    pub multipart: bool,
    /// Bytes of each part but the last.
    pub part_size: u64,
    /// How many parts there are.
    pub part_count: u32,
    /// Presigned requests for the first parts; the rest come from `POST /v1/uploads/{id}/parts`. Empty in the answer
    /// of GET.
    pub parts: Vec<PartRequest>,
    /// Parts that the store already holds, in the answer of GET.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uploaded: Vec<UploadedPart>,
    /// When the presigned requests end. The upload itself lives longer; ask for new parts.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// One presigned request: send these bytes with this method and these headers to this URL, without our bearer token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PartRequest {
    /// Number of the part, from 1.
    pub number: u32,
    /// HTTP method, `PUT`.
    pub method: String,
    /// The store's URL.
    pub url: String,
    /// Headers that are part of the signature; `content-length` is among them and is set by most HTTP clients.
    pub headers: BTreeMap<String, String>,
    /// Where the part begins in the content.
    pub offset: u64,
    /// Bytes of the part.
    pub size: u64,
}

/// A part that the store holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadedPart {
    /// Number of the part, from 1.
    pub number: u32,
    /// The store's tag of it.
    pub etag: String,
    /// Bytes of it.
    pub size: u64,
}

/// Body of `POST /v1/uploads/{id}/parts`: the parts to presign (again).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WantedParts {
    /// At most 100 parts.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 100))]
    pub parts: Vec<PartWanted>,
}

/// One part to presign.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PartWanted {
    /// Number of the part, from 1.
    #[serde(deserialize_with = "bounds::part_number")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 2_147_483_647))]
    pub number: u32,
    /// SHA-256 of the part's bytes in hex: bound into the request, so that the store refuses other bytes. If every part
    /// is bound like this, commit need not read the content back to verify it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<String>,
}

/// Answer of `POST /v1/uploads/{id}/parts`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Parts {
    /// Presigned requests for the parts that were asked for.
    pub parts: Vec<PartRequest>,
    /// When they end.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// Body of `POST /v1/uploads/{id}/commit`; empty for an upload of one part.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CommitUpload {
    /// Every part of a multipart upload, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<UploadPart>,
    /// SHA-256 of the whole content in hex, when start did not name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<String>,
}

/// A part that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UploadPart {
    /// Number of the part, from 1.
    #[serde(deserialize_with = "bounds::part_number")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 2_147_483_647))]
    pub number: u32,
    /// The `ETag` that the store answered.
    pub etag: String,
}

/// Body of `POST /v1/batch/uploads`: at most 500 files.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BatchUploads {
    /// One item a file; each small enough for one part.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 500))]
    pub items: Vec<StartUpload>,
}

/// What became of one item of `POST /v1/batch/uploads`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum StartUploadResult {
    /// It has begun.
    Upload(Upload),
    /// It was refused.
    Error(Problem),
}

/// Body of `POST /v1/batch/commits`: at most 500 uploads, committed in one transaction.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BatchCommits {
    /// The uploads.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 500))]
    pub items: Vec<BatchCommitItem>,
}

/// One upload to commit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BatchCommitItem {
    /// `upl_…`
    pub upload_id: String,
}

/// What became of one item of `POST /v1/batch/commits`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CommitResult {
    /// The file is there.
    Node(Node),
    /// It was refused.
    Error(Problem),
}

/// Answer of both batch calls: a result per item, in the order of the items.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BatchResults<T> {
    /// One result an item.
    pub items: Vec<T>,
}
