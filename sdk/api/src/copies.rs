use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Body of `POST /v1/nodes/{id}/copy`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CopyNode {
    /// The folder that the copy goes to; `root` is an alias.
    pub parent_id: String,
    /// The copy's name. Left out: the node's own, or `name (copy)` when that is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Where a large copy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CopyState {
    /// Nothing of it can be seen yet.
    Running,
    /// It is there.
    Done,
    /// It became impossible; nothing of it stays.
    Failed,
    /// It was given up; nothing of it stays.
    Cancelled,
}

/// A copy of a tree that is too large to be copied at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CopyJob {
    /// `cpy_…`
    pub id: String,
    /// Where it stands.
    pub state: CopyState,
    /// Nodes that were made so far.
    pub copied: u64,
    /// Nodes of the whole copy, once they are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The copy, `nod_…`, once it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<String>,
    /// Why it failed: a stable reason, as in a problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was begun.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}
