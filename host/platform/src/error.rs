//! The one error that crosses modules: a code of the closed list, a stable reason, a text for a person.
//!
//! On the wire it is a gRPC status with `ErrorInfo` (domain `bitvault`, the reason, and the code in its metadata) and,
//! for bad input, `BadRequest`. HTTP appears only in the gateway.

use bitvault_api::{Code, FieldError};
use prost::Message as _;
use std::collections::HashMap;
use std::fmt;
use tonic_types::{ErrorDetails, StatusExt as _};

const DOMAIN: &str = "bitvault";
const CODE_KEY: &str = "code";
/// SQLSTATE of a statement that found no space left.
const DISK_FULL: &str = "53100";

/// Result of whatever may cross a module's boundary.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error that a caller in another module, or a person, can act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    code: Code,
    reason: String,
    message: String,
    fields: Vec<FieldError>,
}

impl Error {
    /// `reason` is stable and documented; `message` says what happened and what to do next.
    pub fn new(code: Code, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
            message: message.into(),
            fields: Vec::new(),
        }
    }

    /// Bad input in one field.
    pub fn invalid_field(
        reason: impl Into<String>,
        field: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        let (field, detail) = (field.into(), detail.into());
        let mut error = Self::new(Code::Invalid, reason, format!("{field}: {detail}"));
        error.fields.push(FieldError { field, detail });
        error
    }

    /// Our own mistake or a failing machine. The cause is logged here, once, with the current trace; the caller learns
    /// only that it happened.
    pub fn internal(context: &str, cause: impl fmt::Display) -> Self {
        tracing::error!(%cause, "{context}");
        Self::new(
            Code::Internal,
            "internal",
            "something went wrong on the server; the log has the details",
        )
    }

    /// A part that is needed does not answer now. Logged here, once.
    pub fn unavailable(what: &str, cause: impl fmt::Display) -> Self {
        tracing::warn!(%cause, "{what} is unavailable");
        Self::new(
            Code::Unavailable,
            format!("{what}_unavailable"),
            format!("the {what} does not answer; try again"),
        )
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Its stable reason.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The text for a person.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The wrong fields, when that is the reason.
    pub fn fields(&self) -> &[FieldError] {
        &self.fields
    }

    /// The same error with each field's name below `prefix`, for items of a batch.
    #[must_use]
    pub fn below(mut self, prefix: &str) -> Self {
        for field in &mut self.fields {
            field.field = format!("{prefix}.{}", field.field);
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.reason)
    }
}

impl std::error::Error for Error {}

fn grpc(code: Code) -> tonic::Code {
    match code {
        Code::Invalid => tonic::Code::InvalidArgument,
        Code::Unauthenticated => tonic::Code::Unauthenticated,
        Code::Denied => tonic::Code::PermissionDenied,
        Code::NotFound => tonic::Code::NotFound,
        Code::Conflict => tonic::Code::AlreadyExists,
        Code::Precondition => tonic::Code::FailedPrecondition,
        Code::Exhausted => tonic::Code::ResourceExhausted,
        Code::Unavailable => tonic::Code::Unavailable,
        Code::Internal => tonic::Code::Internal,
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        let metadata = HashMap::from([(CODE_KEY.to_owned(), format!("{:?}", error.code).to_lowercase())]);
        let mut details = ErrorDetails::with_error_info(error.reason, DOMAIN, metadata);
        for FieldError { field, detail } in error.fields {
            details.add_bad_request_violation(field, detail);
        }
        Self::with_error_details(grpc(error.code), error.message, details)
    }
}

impl From<tonic::Status> for Error {
    fn from(status: tonic::Status) -> Self {
        let code = match status.code() {
            tonic::Code::InvalidArgument | tonic::Code::OutOfRange | tonic::Code::Unimplemented => {
                Code::Invalid
            }
            tonic::Code::Unauthenticated => Code::Unauthenticated,
            tonic::Code::PermissionDenied => Code::Denied,
            tonic::Code::NotFound => Code::NotFound,
            tonic::Code::AlreadyExists | tonic::Code::Aborted => Code::Conflict,
            tonic::Code::FailedPrecondition => Code::Precondition,
            tonic::Code::ResourceExhausted => Code::Exhausted,
            tonic::Code::Unavailable | tonic::Code::DeadlineExceeded | tonic::Code::Cancelled => {
                Code::Unavailable
            }
            _ => Code::Internal,
        };
        let details = status.get_error_details();
        let ours = details.error_info().filter(|info| info.domain == DOMAIN);
        let reason = match ours {
            Some(info) => info.reason.clone(),
            None => format!("{:?}", status.code()).to_lowercase(),
        };
        let violations = details
            .bad_request()
            .map(|bad| bad.field_violations.as_slice())
            .unwrap_or_default();
        let fields = violations
            .iter()
            .map(|bad| FieldError {
                field: bad.field.clone(),
                detail: bad.description.clone(),
            })
            .collect();
        Self {
            code,
            reason,
            message: status.message().to_owned(),
            fields,
        }
    }
}

/// For a result per item inside a successful answer: a call's status carries the same message encoded.
impl From<Error> for tonic_types::Status {
    fn from(error: Error) -> Self {
        let status = tonic::Status::from(error);
        Self::decode(status.details()).unwrap_or_else(|_| Self {
            code: status.code() as i32,
            message: status.message().to_owned(),
            details: Vec::new(),
        })
    }
}

impl From<tonic_types::Status> for Error {
    fn from(status: tonic_types::Status) -> Self {
        let details = status.encode_to_vec().into();
        tonic::Status::with_details(tonic::Code::from_i32(status.code), status.message, details).into()
    }
}

impl From<sqlx::Error> for Error {
    /// Losing the database is `unavailable`; anything else that a module did not expect is our mistake.
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Tls(_) => Self::unavailable("database", error),
            sqlx::Error::Database(database) => match database.code().as_deref() {
                Some(DISK_FULL) => {
                    tracing::error!(%error, "the database's disk is full");
                    Self::new(
                        Code::Unavailable,
                        "database_full",
                        "the database's disk is full: free space on it, then try again",
                    )
                }
                // Shutting down, starting up, connection exceptions, out of memory or connections.
                Some(code) if code.starts_with("57P") || code.starts_with("08") || code.starts_with("53") => {
                    Self::unavailable("database", error)
                }
                _ => Self::internal("query the database", error),
            },
            _ => Self::internal("query the database", error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_survives_both_wires() {
        let error = Error::invalid_field("name_invalid", "name", "holds a slash");
        assert_eq!(Error::from(tonic::Status::from(error.clone())), error);
        assert_eq!(Error::from(tonic_types::Status::from(error.clone())), error);
        let error = Error::new(Code::Conflict, "name_taken", "a file of this name exists");
        assert_eq!(Error::from(tonic::Status::from(error.clone())), error);
        assert_eq!(Error::from(tonic_types::Status::from(error.clone())), error);
    }
}
