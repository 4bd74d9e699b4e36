use crate::Node;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// By what a folder is listed. Equal ones come in the order of their ids.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NodeSort {
    /// By name, upper and lower case alike.
    #[default]
    Name,
    /// By the time of the last change.
    UpdatedAt,
    /// By the time of creation.
    CreatedAt,
    /// By size. Folders count as empty.
    Size,
}

impl NodeSort {
    /// As it stands in a query.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::UpdatedAt => "updated_at",
            Self::CreatedAt => "created_at",
            Self::Size => "size",
        }
    }
}

/// Which way round a listing goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SortOrder {
    /// The least first.
    #[default]
    Asc,
    /// The greatest first.
    Desc,
}

impl SortOrder {
    /// As it stands in a query.
    pub fn name(self) -> &'static str {
        match self {
            Self::Asc => "asc",
            Self::Desc => "desc",
        }
    }
}

/// Tags and fields of a node: everybody sees them who sees the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Metadata {
    /// `nod_…`
    pub node_id: String,
    /// The node's revision; it grows when tags and fields change as well.
    pub revision: i64,
    /// Folded to lower case, in order.
    pub tags: Vec<String>,
    /// Texts by the names of the fields, which are folded to lower case.
    pub fields: BTreeMap<String, String>,
}

/// Body of `PATCH /v1/nodes/{id}/metadata`. What is not named stays as it is; something has to be named.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateMetadata {
    /// Tags to add, each at most 64 bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add_tags: Vec<String>,
    /// Tags to remove.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove_tags: Vec<String>,
    /// Fields to set: names of at most 64 bytes, texts of at most 1,024.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set_fields: BTreeMap<String, String>,
    /// Names of fields to remove.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove_fields: Vec<String>,
}

/// A node that the caller marked to come back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Favourite {
    /// The node.
    pub node: Node,
    /// When it was marked.
    #[serde(with = "time::serde::rfc3339")]
    pub added_at: OffsetDateTime,
}
