//! Headers that a guest may set. A list of what is known to be harmless: everything else could authenticate, grant access
//! to others, or confuse who reads the request next.

use http::{HeaderMap, HeaderName, HeaderValue};

const ALLOWED: [&str; 20] = [
    "accept",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "range",
    "x-amz-checksum-algorithm",
    "x-amz-checksum-mode",
    "x-amz-checksum-sha256",
    "x-amz-copy-source",
    "x-amz-copy-source-range",
    "x-amz-metadata-directive",
    "x-amz-sdk-checksum-algorithm",
];
const ALLOWED_PREFIX: &str = "x-amz-meta-";
/// Headers of one request.
const MAX: usize = 64;

pub(super) fn check(headers: &[(String, Vec<u8>)]) -> Result<HeaderMap, String> {
    if headers.len() > MAX {
        return Err(format!("a request may have {MAX} headers, not {}", headers.len()));
    }
    let mut checked = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let Ok(parsed) = HeaderName::from_bytes(name.as_bytes()) else {
            return Err("a header's name is not a token".to_owned());
        };
        if !ALLOWED.contains(&parsed.as_str()) && !parsed.as_str().starts_with(ALLOWED_PREFIX) {
            return Err(format!("plugins may not set the header {parsed}"));
        }
        // Signatures are made over text.
        let value = std::str::from_utf8(value)
            .ok()
            .and_then(|value| HeaderValue::from_str(value).ok());
        let Some(value) = value else {
            return Err(format!("the value of the header {parsed} is not visible ASCII"));
        };
        if checked.insert(parsed.clone(), value).is_some() {
            return Err(format!("the header {parsed} is there twice"));
        }
    }
    Ok(checked)
}
