//! Errors as RFC 9457 problem details: the only place where a code becomes an HTTP status.

use axum::response::{IntoResponse, Response};
use bitvault_api::{Code, Conflict, Node, Problem};
use bitvault_platform::{Error, telemetry};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

/// Media type of problem details.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";
/// Seconds to wait before repeating what a rate limit refused.
const RETRY_EXHAUSTED_S: u64 = 10;
/// Seconds to wait before repeating what a missing part refused.
const RETRY_UNAVAILABLE_S: u64 = 1;

/// An answer that is not a success.
#[derive(Debug)]
pub(crate) struct Refusal {
    error: Error,
    /// Where HTTP has a finer status than the code's own.
    status: Option<StatusCode>,
    /// What a precondition met instead, for the extension member `current`.
    current: Option<Current>,
}

/// What is there now.
#[derive(Debug, serde::Serialize)]
#[serde(untagged)]
pub(crate) enum Current {
    Node(Box<Node>),
    Conflict(Box<Conflict>),
}

impl From<Node> for Current {
    fn from(node: Node) -> Self {
        Self::Node(Box::new(node))
    }
}

impl From<Conflict> for Current {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(Box::new(conflict))
    }
}

pub(crate) type Answer<T> = Result<T, Refusal>;

impl Refusal {
    /// An `invalid` request that HTTP has a status of its own for.
    pub(crate) fn http(status: StatusCode, reason: &str, message: impl Into<String>) -> Self {
        Self {
            error: Error::new(Code::Invalid, reason, message),
            status: Some(status),
            current: None,
        }
    }

    /// Shows what is there now, so that a client needs no second request to decide.
    pub(crate) fn with_current(mut self, current: impl Into<Current>) -> Self {
        self.current = Some(current.into());
        self
    }

    /// Whether a stated precondition did not hold.
    pub(crate) fn is_precondition(&self) -> bool {
        self.error.code() == Code::Precondition
    }

    fn status(&self) -> StatusCode {
        self.status.unwrap_or_else(|| status_of(self.error.code()))
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            error,
            status: None,
            current: None,
        }
    }
}

impl From<tonic::Status> for Refusal {
    fn from(status: tonic::Status) -> Self {
        Error::from(status).into()
    }
}

#[derive(serde::Serialize)]
struct Document {
    #[serde(flatten)]
    problem: Problem,
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<Current>,
}

/// The HTTP status of a code, as `bitvault_api::Code` documents it.
pub(crate) fn status_of(code: Code) -> StatusCode {
    match code {
        Code::Invalid => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::Denied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Conflict => StatusCode::CONFLICT,
        Code::Precondition => StatusCode::PRECONDITION_FAILED,
        Code::Exhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The problem of one item inside a successful answer.
pub(crate) fn of_item(error: Error) -> Problem {
    body(&error, status_of(error.code()))
}

fn body(error: &Error, status: StatusCode) -> Problem {
    Problem {
        kind: "about:blank".to_owned(),
        title: status.canonical_reason().unwrap_or("Error").to_owned(),
        status: status.as_u16(),
        detail: error.message().to_owned(),
        code: error.code(),
        reason: error.reason().to_owned(),
        trace_id: telemetry::propagation::trace_id(),
        fields: error.fields().to_vec(),
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        let document = Document {
            problem: body(&self.error, status),
            current: self.current,
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            // Waiting does not help who has used a limit up.
            StatusCode::TOO_MANY_REQUESTS if self.error.reason() != "quota_exceeded" => {
                headers.insert(RETRY_AFTER, RETRY_EXHAUSTED_S.into());
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, RETRY_UNAVAILABLE_S.into());
            }
            _ => {}
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_status_and_waits_are_told() {
        let table = [
            (Code::Invalid, 400, None),
            (Code::Unauthenticated, 401, None),
            (Code::Denied, 403, None),
            (Code::NotFound, 404, None),
            (Code::Conflict, 409, None),
            (Code::Precondition, 412, None),
            (Code::Exhausted, 429, Some("10")),
            (Code::Unavailable, 503, Some("1")),
            (Code::Internal, 500, None),
        ];
        for (code, status, retry) in table {
            let response = Refusal::from(Error::new(code, "why", "what")).into_response();
            assert_eq!(response.status(), status, "{code:?}");
            assert_eq!(response.headers()[CONTENT_TYPE], PROBLEM_JSON);
            let told = response
                .headers()
                .get(RETRY_AFTER)
                .map(|value| value.to_str().unwrap());
            assert_eq!(told, retry, "{code:?}");
        }
    }
}
