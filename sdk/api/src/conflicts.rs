use crate::Node;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// In a start of an upload: the file that the new one is a conflicted copy of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ConflictOf {
    /// `nod_…`
    pub node_id: String,
    /// The version of that file that the content was made from, `ver_…`, where the device knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_version: Option<String>,
}

/// A file, and the copy that a device kept beside it because somebody else had changed it as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Conflict {
    /// `cnf_…`
    pub id: String,
    /// The file that keeps its name: what the server had.
    pub theirs: ConflictSide,
    /// The conflicted copy: what the device had.
    pub mine: ConflictSide,
    /// The version of the file that the copy was made from, `ver_…`, where that is known. It may be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_version: Option<String>,
    /// The device that made the copy, as it calls itself.
    pub device: String,
    /// When the copy came to the server.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// The account that it came from, `acc_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// Grows with each change of either file; the `ETag`.
    pub revision: i64,
    /// How it was settled; absent while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<ConflictResolution>,
}

/// One of both files as it is now, and where its content comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConflictSide {
    /// The file.
    pub node: Node,
    /// When its content came to the server.
    #[serde(with = "time::serde::rfc3339")]
    pub changed_at: OffsetDateTime,
    /// Whose it is, `acc_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
    /// The device that it comes from, as that calls itself; absent when it was no device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

/// What is kept of a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// Both: the copy gets a name of its own.
    Both,
    /// The file as it is: the copy goes to the trash.
    Theirs,
    /// The copy's content: it becomes a new version of the file, and the copy goes to the trash.
    Mine,
}

/// How a conflict was settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConflictResolution {
    /// What was kept.
    pub keep: Keep,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// By whom, `acc_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// Body of `POST /v1/conflicts/{id}/resolve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ResolveConflict {
    /// What is kept.
    pub keep: Keep,
}
