//! From S3's answers to error records with stable codes.

use crate::bindings::bitvault::plugin::types::{Error, Response};
use crate::xml;

pub(crate) fn new(code: &str, retryable: bool, message: String) -> Error {
    Error {
        code: code.to_owned(),
        retryable,
        retry_after_ms: None,
        message,
    }
}

pub(crate) fn invalid(message: String) -> Error {
    new("invalid", false, message)
}

/// The store answered something that is not S3.
pub(crate) fn protocol(message: String) -> Error {
    new("protocol", false, message)
}

/// Whether the answer is a success that does not carry an error in its body.
pub(crate) fn check(what: &str, response: &Response) -> Result<(), Error> {
    // Copy and complete answer 200 at once and tell a failure in the body.
    let hidden = response.status == 200 && xml::is_error(&response.body);
    if (200..300).contains(&response.status) && !hidden {
        return Ok(());
    }
    Err(from_response(what, response))
}

/// The error record of an answer that is none of success.
pub(crate) fn from_response(what: &str, response: &Response) -> Error {
    let told = xml::error(&response.body);
    let (code, retryable) = classify(response.status, told.as_ref().map(|told| told.code.as_str()));
    let message = match &told {
        Some(told) => format!(
            "{what}: the store answered {} {}: {}",
            response.status, told.code, told.message
        ),
        None => format!("{what}: the store answered {}", response.status),
    };
    Error {
        retry_after_ms: retry_after(response),
        ..new(code, retryable, message)
    }
}

/// The code and whether trying again may help. S3's own code goes before the status.
pub(crate) fn classify(status: u16, s3: Option<&str>) -> (&'static str, bool) {
    match s3.unwrap_or_default() {
        "NoSuchKey" | "NoSuchUpload" | "NotFound" => ("not_found", false),
        "NoSuchBucket" => ("container_not_found", false),
        "BucketAlreadyOwnedByYou" => ("exists", false),
        "PreconditionFailed" => ("precondition_failed", false),
        "ConditionalRequestConflict" | "OperationAborted" => ("conflict", true),
        "BadDigest" | "InvalidDigest" | "XAmzContentChecksumMismatch" | "XAmzContentSHA256Mismatch" => {
            ("checksum_mismatch", false)
        }
        "AccessDenied"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "RequestTimeTooSkewed"
        | "ExpiredToken" => ("access_denied", false),
        "SlowDown" | "SlowDownRead" | "SlowDownWrite" | "TooManyRequests" => ("slow_down", true),
        "EntityTooLarge" | "EntityTooSmall" => ("too_large", false),
        "NotImplemented" => ("unsupported", false),
        "InsufficientStorage" | "XMinioStorageFull" => ("full", false),
        "RequestTimeout" | "InternalError" | "ServiceUnavailable" => ("unavailable", true),
        _ => match status {
            304 => ("not_modified", false),
            301 | 307 | 308 => ("wrong_endpoint", false),
            401 | 403 => ("access_denied", false),
            404 => ("not_found", false),
            409 => ("conflict", true),
            411 => ("invalid", false),
            412 => ("precondition_failed", false),
            413 => ("too_large", false),
            429 => ("slow_down", true),
            501 => ("unsupported", false),
            503 => ("slow_down", true),
            507 => ("full", false),
            500..=599 => ("unavailable", true),
            400..=499 => ("invalid", false),
            _ => ("protocol", false),
        },
    }
}

fn retry_after(response: &Response) -> Option<u32> {
    let seconds: u32 = header(response, "retry-after")?.parse().ok()?;
    seconds.checked_mul(1000)
}

/// A header's value, if it is text.
pub(crate) fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    let (_, value) = response
        .headers
        .iter()
        .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Response {
        Response {
            status,
            headers: vec![("retry-after".into(), b"2".to_vec())],
            body: body.into(),
        }
    }

    #[test]
    fn an_error_in_the_body_of_a_200_is_an_error() {
        let body = "<?xml version=\"1.0\"?>\n<Error><Code>SlowDown</Code><Message>later</Message></Error>";
        let error = check("copy", &answer(200, body)).unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.retryable, error.retry_after_ms),
            ("slow_down", true, Some(2000))
        );
        assert!(check("copy", &answer(200, "<CopyObjectResult/>")).is_ok());
    }

    #[test]
    fn answers_without_a_body_are_told_by_their_status() {
        assert_eq!(from_response("head", &answer(404, "")).code, "not_found");
        assert_eq!(
            from_response("put", &answer(412, "<html>")).code,
            "precondition_failed"
        );
    }
}
