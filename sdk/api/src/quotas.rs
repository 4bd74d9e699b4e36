use serde::{Deserialize, Serialize};

/// What a limit is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum QuotaKind {
    /// The whole tenant; set by who runs the server.
    Tenant,
    /// Somebody's own files.
    Home,
    /// A space.
    Space,
    /// A folder within one of these.
    Folder,
}

/// How many bytes may lie below a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Quota {
    /// What it is on.
    pub kind: QuotaKind,
    /// The folder, `nod_…`; absent for the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<String>,
    /// Whose home it is on, `acc_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The limit, in bytes.
    pub max_bytes: u64,
    /// Bytes of all versions below, the trash included. Absent while what was there is being counted; so long the limit does
    /// not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_bytes: Option<u64>,
    /// What uploads that are under way will add.
    pub reserved_bytes: u64,
}

/// Body of `PUT /v1/nodes/{id}/quota`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetQuota {
    /// The limit, in bytes, at most 2^60.
    #[cfg_attr(feature = "openapi", schema(maximum = 1_152_921_504_606_846_976_u64))]
    pub max_bytes: u64,
}

/// Body and answer of `/v1/quotas/homes`: the limit that homes begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HomeQuota {
    /// The limit, in bytes, at most 2^60.
    #[cfg_attr(feature = "openapi", schema(maximum = 1_152_921_504_606_846_976_u64))]
    pub max_bytes: u64,
}
