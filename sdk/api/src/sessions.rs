use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Body of `POST /v1/sessions`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateSession {
    /// The account's mail address.
    pub email: String,
    /// The password, 8 to 128 characters.
    pub password: String,
    /// The tenant's name; needed only by an account that belongs to several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
}

/// Body of `POST /v1/sessions/refresh`. The refresh token is used up by it.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RefreshSession {
    /// The refresh token of the last answer.
    pub refresh_token: String,
}

/// A session that has begun or been refreshed. The tokens are shown here and nowhere else.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// Send as `Authorization: Bearer …`.
    pub access_token: String,
    /// Opens the next session when this one has ended; good for one use.
    pub refresh_token: String,
    /// When the access token ends.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// Who signed in.
    pub account: Account,
    /// Where.
    pub tenant: Tenant,
}

/// Answer of `GET /v1/me`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Me {
    /// Who is signed in.
    pub account: Account,
    /// Where.
    pub tenant: Tenant,
    /// The account's role in the tenant: `owner`, `admin`, `member` or `guest`.
    pub role: String,
    /// Whether this server keeps recent traces and takes clients' spans at `POST /v1/traces` (OTLP/HTTP, protobuf).
    pub traces: bool,
}

/// A person's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Account {
    /// `acc_…`
    pub id: String,
    /// Mail address, the sign-in name.
    pub email: String,
    /// The name shown to others.
    pub display_name: String,
}

/// An organisation on this server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tenant {
    /// `ten_…`
    pub id: String,
    /// Its short unique name.
    pub name: String,
}
