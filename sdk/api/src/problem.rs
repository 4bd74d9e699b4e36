use serde::{Deserialize, Serialize};

/// The closed list of error codes, the same over REST and gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The request is malformed or breaks a rule; repeating it unchanged can't help. HTTP 400.
    Invalid,
    /// Nobody is signed in, or the token has ended. HTTP 401.
    Unauthenticated,
    /// Signed in, but not allowed. HTTP 403.
    Denied,
    /// It does not exist, or belongs to somebody else: the two look the same. HTTP 404.
    NotFound,
    /// The current state is in the way (a name is taken, an upload has ended). HTTP 409.
    Conflict,
    /// A stated precondition (`If-Match`, `base_version`) no longer holds. HTTP 412.
    Precondition,
    /// A quota or a rate limit is used up. HTTP 429.
    Exhausted,
    /// A part of the service can't be reached now; repeat later. HTTP 503.
    Unavailable,
    /// Our mistake; the log holds the trace id. HTTP 500.
    Internal,
}

/// RFC 9457 problem details: the body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `about:blank`, or a page that explains the reason.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened and what to do next, for a person.
    pub detail: String,
    /// One of the closed list of codes.
    pub code: Code,
    /// Stable, documented string for programs, finer than `code`: `name_taken`, `upload_expired`, …
    pub reason: String,
    /// W3C trace id of the request, to be quoted in a report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The input fields that are wrong, when that is the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldError>,
}

/// One wrong input field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// The field's path in the request: `name`, `items[3].size`.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
}
