use crate::{Node, NodeRole, Problem, UploadPart};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Body of `POST /v1/devices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateDevice {
    /// What people call it, up to 128 bytes.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 128))]
    pub name: String,
    /// What it runs on, up to 64 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 64))]
    pub platform: Option<String>,
}

/// A device that follows changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Device {
    /// `dev_…`
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// When it was made known.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it last asked for changes, to the minute.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_seen_at: Option<OffsetDateTime>,
    /// The entry of the tenant's journal that it has been told up to; absent before it has come with a cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
    /// Entries of the journal, of everybody, that it has not been told of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<i64>,
}

/// What a change does to what the caller sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The node is there, as `node` shows it.
    Upsert,
    /// The node and all that was seen below it is out of sight.
    Remove,
}

/// Why something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChangeCause {
    /// The reading began.
    Snapshot,
    /// It was made.
    Created,
    /// It has other content, tags or fields.
    Changed,
    /// It has another name or folder.
    Moved,
    /// It came back from the trash.
    Restored,
    /// The caller was given a role on it, or above it.
    AccessGiven,
    /// The caller has another role there.
    AccessChanged,
    /// It came from where the caller sees nothing.
    MovedIn,
    /// Somebody moved it, or what it was in, to the trash.
    Trashed,
    /// It is gone for good.
    Deleted,
    /// It went to where the caller sees nothing. Nobody deleted it.
    MovedOut,
    /// The caller may not see it any more. Nobody deleted it.
    AccessLost,
    /// Something that this client does not know.
    #[serde(other)]
    Other,
}

/// One change of what the caller sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Change {
    /// The last entry of the tenant's journal that this tells of; of what is told anew, where the reading stood.
    pub seq: i64,
    /// What it does.
    pub kind: ChangeKind,
    /// Why.
    pub cause: ChangeCause,
    /// `nod_…`
    pub node_id: String,
    /// Of an upsert: the node as it is now. Without `parent_id` when the caller does not see what it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Node>,
    /// Of an upsert: what the caller may do there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<NodeRole>,
    /// The account whose act it was, `acc_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// When.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub at: Option<OffsetDateTime>,
}

/// Answer of `GET /v1/changes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangePage {
    /// The changes, to be applied in this order.
    pub items: Vec<Change>,
    /// Give this as `cursor` to read on. Keep it once the items have been dealt with.
    pub next_cursor: String,
    /// There is more to read at once.
    pub has_more: bool,
}

/// Body of `POST /v1/changes`: at most 500 writes, carried out in this order.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PushChanges {
    /// The device that writes, `dev_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// The writes.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 500))]
    pub items: Vec<PushItem>,
}

/// One write of `POST /v1/changes`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PushItem {
    /// A new folder.
    CreateFolder(PushFolder),
    /// An upload whose bytes have been sent.
    Commit(PushCommit),
    /// Another name, another folder, or both.
    Move(PushMove),
    /// To the trash.
    Delete(PushDelete),
}

/// A new folder.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PushFolder {
    /// What later items of this call name it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The folder that it is made in; `root` is an alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// Or the key of one that an earlier item makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_key: Option<String>,
    /// At most 255 bytes.
    pub name: String,
}

/// An upload whose bytes have been sent. Its start named the file, and the version that is replaced.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PushCommit {
    /// `upl_…`
    pub upload_id: String,
    /// Every part of a multipart upload, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<UploadPart>,
    /// SHA-256 of the whole content in hex, when start did not name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<String>,
    /// The file that it is a version of: with it a conflict shows the file as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<String>,
    /// The folder that a new file goes into; `root` is an alias. With it and `name` a conflict shows who has the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// The name of a new file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Another name, another folder, or both.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PushMove {
    /// `nod_…`
    pub id: String,
    /// Its new name, at most 255 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The folder it moves to; `root` is an alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// Or the key of one that an earlier item makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_key: Option<String>,
    /// Refused with `precondition` when the node has another revision by then, earlier items included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
}

/// To the trash.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PushDelete {
    /// `nod_…`
    pub id: String,
    /// Refused with `precondition` when the node has another revision by then, earlier items included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
    /// Refused with `tree_changed` unless just these nodes are there, itself and below it, without what is in the
    /// trash already, by earlier items too. In hex: SHA-256 over a line `ID REVISION` for each, ended by a line feed, in the order
    /// of the ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-fA-F]{64}$"))]
    pub covers: Option<String>,
}

/// What became of one item of `POST /v1/changes`: one of `node`, `deleted` and `error` is there.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PushResult {
    /// The node as this item left it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Node>,
    /// The id of a node that went to the trash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<String>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// With a conflict: what is there instead, as it is now. The node that has changed, or the one that has the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Node>,
}
