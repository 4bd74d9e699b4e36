use crate::NodeRole;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Somebody who belongs to the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Member {
    /// `acc_…`
    pub id: String,
    /// Mail address, the sign-in name.
    pub email: String,
    /// The name shown to others.
    pub display_name: String,
    /// `owner`, `admin`, `member` or `guest`.
    pub role: String,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub joined_at: OffsetDateTime,
    /// The account has no password yet: it can't sign in until its invitation is accepted.
    #[serde(default)]
    pub pending: bool,
}

/// Body of `POST /v1/members`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AddMember {
    /// Mail address. An account that has it is added; else one is made.
    pub email: String,
    /// `owner`, `admin`, `member` or `guest`.
    pub role: String,
    /// The name of a new account; the part of the address before the @ when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The password of a new account. Without one the account gets it through an invitation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// Answer of `POST /v1/members`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddedMember {
    /// The member.
    pub member: Member,
    /// Through which the account gets its password; only when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<CreatedInvitation>,
}

/// Body of `PATCH /v1/members/{account_id}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateMember {
    /// `owner`, `admin`, `member` or `guest`.
    pub role: String,
}

/// An invitation that nobody has accepted yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invitation {
    /// `inv_…`
    pub id: String,
    /// Who is invited.
    pub email: String,
    /// The role that is offered.
    pub role: String,
    /// The account that invited, `acc_…`.
    pub invited_by: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it ends.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// What it gives when it is accepted, as far as who invited owns it then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<InvitedGrant>,
}

/// A role on a node that an invitation carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct InvitedGrant {
    /// `nod_…`, or `root` for your home; you own it.
    pub node_id: String,
    /// The role.
    pub role: NodeRole,
}

/// Body of `POST /v1/invitations`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateInvitation {
    /// Mail address.
    pub email: String,
    /// `owner`, `admin`, `member` or `guest`. With `grants` it may be left out: as an open invitation of the address says,
    /// else `guest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Roles on your nodes, at most 50, given once the invitation is accepted. Those of an earlier invitation of yours stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<InvitedGrant>,
}

/// Answer of `POST /v1/invitations`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedInvitation {
    /// The invitation.
    pub invitation: Invitation,
    /// The link to hand on, when this server sends no mail. It is a secret and shown only here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Body of `POST /v1/invitations/lookup`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LookupInvitation {
    /// What stands behind `#token=` in the link.
    pub token: String,
}

/// What an invitation offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OfferedInvitation {
    /// The tenant's name as people see it.
    pub tenant: String,
    /// Who is invited.
    pub email: String,
    /// The role that is offered.
    pub role: String,
    /// The name of who invited; absent when it has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_by: Option<String>,
    /// When it ends.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// Whether accepting asks for the password that the address has already, or sets one.
    pub has_password: bool,
    /// What it shares.
    pub shares: Vec<OfferedShare>,
}

/// A node that an invitation shares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OfferedShare {
    /// As it was called when it was shared; empty for all files of who invited.
    pub name: String,
    /// The role.
    pub role: NodeRole,
}

/// Body of `POST /v1/invitations/accept`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AcceptInvitation {
    /// What stands behind `#token=` in the link.
    pub token: String,
    /// The password to be, 8 to 128 characters; of an account that has one already, that one.
    pub password: String,
    /// The name of an account that has no password yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

/// Body of `PUT /v1/me/password`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The password as it is.
    pub current: String,
    /// The password to be, 8 to 128 characters.
    pub new: String,
}

/// Body of `PATCH /v1/me`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateMe {
    /// The name shown to others, 1 to 128 characters.
    pub display_name: String,
}

/// A personal access token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessToken {
    /// `tok_…`
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// `read`, `write`.
    pub scopes: Vec<String>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it ends.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// Body of `POST /v1/tokens`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// What you call it, 1 to 128 characters; unique among your tokens.
    pub name: String,
    /// `read` for calls that change nothing, `write` for all others.
    pub scopes: Vec<String>,
    /// When it ends; as late as this server allows when left out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "time::serde::rfc3339::option"
    )]
    pub expires_at: Option<OffsetDateTime>,
}

/// Answer of `POST /v1/tokens`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedToken {
    /// The token's facts.
    #[serde(flatten)]
    pub token: AccessToken,
    /// Send as `Authorization: Bearer …`. Shown only here.
    pub secret: String,
}

/// Answer of `GET /v1/tenant`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TenantDetails {
    /// `ten_…`
    pub id: String,
    /// Its short unique name.
    pub name: String,
    /// The name shown to people.
    pub display_name: String,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// What it has settled.
    pub settings: TenantSettings,
}

/// What a tenant has settled for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TenantSettings {
    /// Who may make public links: `members` (guests never), `admins` or `nobody`. Links of who may not are closed.
    pub public_links: String,
    /// After how many days in the trash a node goes for good; absent: when the server says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trash_retention_days: Option<u32>,
    /// Who may invite guests: `admins`, or `members` as well.
    pub guest_invitations: String,
}

/// Body of `PATCH /v1/tenant`. What is left out stays as it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateTenant {
    /// The name shown to people, 1 to 128 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Settings to change.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "settings"
    )]
    pub settings: Option<UpdateTenantSettings>,
}

/// An object only: left to itself serde takes a list of the fields as well.
fn settings<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<UpdateTenantSettings>, D::Error> {
    let fields: Option<serde_json::Map<String, serde_json::Value>> = Option::deserialize(from)?;
    let settings = fields.map(|fields| UpdateTenantSettings::deserialize(serde_json::Value::Object(fields)));
    settings.transpose().map_err(serde::de::Error::custom)
}

/// Settings to change. What is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateTenantSettings {
    /// Who may make public links: `members` (guests never), `admins` or `nobody`. Those of who may not any more are closed,
    /// and open again when they may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_links: Option<String>,
    /// After how many days in the trash a node goes for good, 1 to 3650; 0 leaves it to the server again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trash_retention_days: Option<u32>,
    /// Who may invite guests: `admins`, or `members` as well. Members see and take back their own invitations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_invitations: Option<String>,
}

/// Answer of `DELETE /v1/tenant`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TenantDeletion {
    /// When everything in it goes for good.
    #[serde(with = "time::serde::rfc3339")]
    pub delete_after: OffsetDateTime,
}
