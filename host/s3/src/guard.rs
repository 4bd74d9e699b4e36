//! What is refused before s3s looks at a request.
//!
//! A signature covers the headers that it names and no others. Were an unsigned `x-amz-*` header obeyed, the holder of a
//! presigned PUT could add `x-amz-copy-source` and copy any object of the bucket to where the URL points. So, as S3 does,
//! a request with an `x-amz-*` header that isn't among the signed ones is refused. Signature version 2 and HTML form
//! uploads, which s3s would accept, are refused as well: nothing needs them.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{Method, header::HeaderName};
use s3s::{S3Error, s3_error};

/// Headers whose value is bound otherwise: the body's hash is checked against the body.
const UNSIGNED_ALLOWED: [&str; 1] = ["x-amz-content-sha256"];

/// An error if the request must not reach the service.
pub(crate) fn check(request: &Parts) -> Result<(), S3Error> {
    // Decoded as s3s decodes them: a name written `X%2DAmz-…` means the same to it.
    let query: Vec<_> =
        url::form_urlencoded::parse(request.uri.query().unwrap_or_default().as_bytes()).collect();
    let has = |wanted: &str| query.iter().any(|(name, _)| name == wanted);
    let authorization = request
        .headers
        .get(AUTHORIZATION)
        .map(|value| value.to_str().unwrap_or_default());
    let version2 = authorization.is_some_and(|value| value.starts_with("AWS ")) || has("Signature");
    let form = request.method == Method::POST
        && request.headers.get(CONTENT_TYPE).is_some_and(|value| {
            value
                .as_bytes()
                .to_ascii_lowercase()
                .starts_with(b"multipart/form-data")
        });
    if version2 || form {
        return Err(s3_error!(
            AccessDenied,
            "Sign the request with AWS signature version 4."
        ));
    }
    let signed: Vec<String> = if has("X-Amz-Signature") {
        let mut lists = query.iter().filter(|(name, _)| name == "X-Amz-SignedHeaders");
        match (lists.next(), lists.next()) {
            (Some((_, list)), None) => list.split(';').map(str::to_ascii_lowercase).collect(),
            _ => {
                return Err(s3_error!(
                    AuthorizationQueryParametersError,
                    "Name the signed headers once."
                ));
            }
        }
    } else if let Some(value) = authorization {
        let list = value
            .split(',')
            .find_map(|part| part.trim().split_once("SignedHeaders="))
            .map(|part| part.1);
        list.unwrap_or_default()
            .split(';')
            .map(str::to_ascii_lowercase)
            .collect()
    } else {
        return Err(s3_error!(AccessDenied, "The request is not signed."));
    };
    let stray = |name: &&HeaderName| {
        let name = name.as_str();
        name.starts_with("x-amz-")
            && !UNSIGNED_ALLOWED.contains(&name)
            && !signed.iter().any(|signed| signed == name)
    };
    match request.headers.keys().find(stray) {
        Some(name) => Err(s3_error!(
            AccessDenied,
            "The header {name} is present and was not signed."
        )),
        None => Ok(()),
    }
}
