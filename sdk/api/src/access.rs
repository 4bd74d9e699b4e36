use crate::Node;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What somebody may do with a node and all that lies below it. Each may do all that the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NodeRole {
    /// See, list and read, old versions too.
    Viewer,
    /// Comment.
    Commenter,
    /// Add, change, move, trash and restore.
    Editor,
    /// Share, and delete for good.
    Owner,
}

impl NodeRole {
    /// As it stands in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Commenter => "commenter",
            Self::Editor => "editor",
            Self::Owner => "owner",
        }
    }
}

impl std::str::FromStr for NodeRole {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Viewer, Self::Commenter, Self::Editor, Self::Owner]
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| "use viewer, commenter, editor or owner".to_owned())
    }
}

/// A role that an account or a group was given on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Grant {
    /// The node that it was given on: the one that was asked about, or a folder above.
    pub node_id: String,
    /// An account, `acc_…`, or a group, `grp_…`.
    pub subject_id: String,
    /// The role.
    pub role: NodeRole,
    /// When it was given.
    #[serde(with = "time::serde::rfc3339")]
    pub granted_at: OffsetDateTime,
    /// Who gave it.
    pub granted_by: String,
}

/// Answer of `GET /v1/nodes/{id}/grants`: everybody who has access by a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Grants {
    /// The grants that count: the node's own and those from above.
    pub items: Vec<Grant>,
    /// Whether roles given above count here. Ownership always does.
    pub inherits: bool,
    /// What the caller may do there; absent for who only administers the space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<NodeRole>,
}

/// Body of `PUT /v1/nodes/{id}/grants`: `subject_id` or `email`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PutGrant {
    /// An account, `acc_…`, or a group, `grp_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_id: Option<String>,
    /// The mail address of somebody who belongs to the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The role, in place of the one that the subject had on this node.
    pub role: NodeRole,
}

/// Body of `PUT /v1/nodes/{id}/inheritance`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetInheritance {
    /// Whether roles given above count here. Ownership always does.
    pub inherits: bool,
}

/// Something that others have shared with the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SharedNode {
    /// What was shared.
    pub node: Node,
    /// The highest role that the caller has there.
    pub role: NodeRole,
    /// When it was given.
    #[serde(with = "time::serde::rfc3339")]
    pub granted_at: OffsetDateTime,
    /// Who gave it, `acc_…`.
    pub granted_by: String,
}

/// A group of accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Group {
    /// `grp_…`
    pub id: String,
    /// Its name, unique in the tenant.
    pub name: String,
    /// How many accounts are in it.
    pub members: u32,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// Body of `POST /v1/groups` and `PATCH /v1/groups/{id}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NameGroup {
    /// Its name, at most 255 bytes.
    pub name: String,
}

/// Somebody's place in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupMember {
    /// `acc_…`
    pub account_id: String,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub added_at: OffsetDateTime,
}

/// A tree that belongs to a group and not to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Space {
    /// Its top folder; the space goes by that node's id.
    pub node: Node,
    /// The group that owns it.
    pub group_id: String,
    /// What the caller may do in it; absent for who only administers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<NodeRole>,
}

/// Body of `POST /v1/spaces`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateSpace {
    /// Its name, unique among the tenant's spaces.
    pub name: String,
    /// The group that will own it.
    pub group_id: String,
}

/// Body of `PATCH /v1/spaces/{id}`. What is left out stays as it is; one of both has to be there.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateSpace {
    /// Its new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The group that owns it from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
}
