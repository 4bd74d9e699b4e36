use crate::{Node, Problem};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A node in the trash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrashItem {
    /// The node; its `parent_id` is the folder that it was in.
    pub node: Node,
    /// When it was moved to the trash.
    #[serde(with = "time::serde::rfc3339")]
    pub trashed_at: OffsetDateTime,
    /// From when on it is removed for good, as things stand.
    #[serde(with = "time::serde::rfc3339")]
    pub purge_at: OffsetDateTime,
    /// The account that did it, `acc_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trashed_by: Option<String>,
    /// The folder that it was in; absent when you may not see that folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_id: Option<String>,
    /// That folder's path: with a slash in front below your home, else beginning with the name of the topmost folder that
    /// you may see. Absent when it is longer than 4,096 bytes as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_path: Option<String>,
}

/// Body of `POST /v1/nodes/{id}/restore`; may be empty.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RestoreNode {
    /// The folder to restore it to; `root` is an alias. Left out: where it was, else the top of its tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// Its name there. Left out: its own, or a free one made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Answer of `DELETE /v1/trash`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EmptiedTrash {
    /// Nodes that are gone for good, those below others included.
    pub removed: u64,
    /// More is left than one call removes: call again.
    pub more: bool,
}

/// Body of `POST /v1/batch/moves`: at most 500 changes, made one after the other in one transaction.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BatchMoves {
    /// The changes.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 500))]
    pub items: Vec<MoveItem>,
}

/// A node with its new name, its new folder, or both.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MoveItem {
    /// `nod_…`
    pub id: String,
    /// Its new name, at most 255 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The folder it moves to; `root` is an alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// Refused with `precondition` when the node has another revision by then, earlier items included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
}

/// What became of one item of `POST /v1/batch/moves`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MoveResult {
    /// The node as this item left it.
    Node(Node),
    /// It was refused.
    Error(Problem),
}

/// Body of `POST /v1/batch/deletes`: at most 500 nodes, deleted one after the other in one transaction.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BatchDeletes {
    /// The nodes.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 500))]
    pub items: Vec<DeleteItem>,
}

/// A node to delete.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DeleteItem {
    /// `nod_…`
    pub id: String,
    /// Remove a node that is in the trash for good.
    #[serde(default)]
    pub permanent: bool,
    /// Refused with `precondition` when the node has another revision by then, earlier items included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
    /// To the trash only: refused with `tree_changed` unless just these nodes are there, itself and below it, without what is in the
    /// trash already, by earlier items too. In hex: SHA-256 over a line `ID REVISION` for each, ended by a line feed, in the order
    /// of the ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-fA-F]{64}$"))]
    pub covers: Option<String>,
}

/// What became of one item of `POST /v1/batch/deletes`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeleteResult {
    /// It is deleted: the node's id.
    Deleted(String),
    /// It was refused.
    Error(Problem),
}
