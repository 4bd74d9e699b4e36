use crate::Quota;
use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;

/// A version of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileVersion {
    /// `ver_…`
    pub id: String,
    /// Bytes of the content.
    pub size: u64,
    /// SHA-256 of the content in hex.
    pub sha256: String,
    /// Media type that the uploader named.
    pub content_type: String,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// The account that made it, `acc_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// What somebody called it. A version with a label is kept by every retention policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether it is what the file shows now.
    pub current: bool,
    /// The device that it comes from, as that calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

/// Body of `PATCH /v1/nodes/{id}/versions/{version_id}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LabelVersion {
    /// 1 to 255 bytes; null takes the label away. It has to be there.
    #[serde(deserialize_with = "present")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub label: Option<String>,
}

/// A field that may be null, but not left out.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(from)
}

/// Body of `PUT /v1/nodes/{id}/retention` and `PUT /v1/retention`: which versions are kept. The current one and those with a
/// label always are. Without any limit: all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetRetention {
    /// So many of the newest, 1 to 1,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000))]
    pub max_count: Option<u32>,
    /// Those younger than so many days, 1 to 1,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000))]
    pub max_age_days: Option<u32>,
    /// The older, the fewer: all of the last day, the last of each hour for a week, of each day for 90 days, then of each week.
    #[serde(default)]
    pub thin: bool,
}

/// Where a retention policy comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RetentionSource {
    /// Set on this very folder.
    Own,
    /// Set on a folder above.
    Inherited,
    /// Set for the tenant.
    Tenant,
    /// What the server does when nobody set anything.
    Default,
}

/// Which versions are kept, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Retention {
    /// So many of the newest; absent: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_count: Option<u32>,
    /// Those younger than so many days; absent: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_days: Option<u32>,
    /// Whether there are fewer, the older they are.
    pub thin: bool,
    /// Where this comes from.
    pub source: RetentionSource,
}

/// Answer of `GET /v1/usage`: the space of the caller's home. A copied file counts as if its bytes were there twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Usage {
    /// Files that are not in the trash.
    pub files: u64,
    /// Bytes of what they show now.
    pub bytes: u64,
    /// Their older versions.
    pub old_versions: u64,
    /// Bytes of these.
    pub old_version_bytes: u64,
    /// Files in the trash.
    pub trash_files: u64,
    /// Their bytes, with all versions.
    pub trash_bytes: u64,
    /// The limits on it: its own, and to admins the tenant's.
    #[serde(default)]
    pub limits: Vec<Quota>,
}
