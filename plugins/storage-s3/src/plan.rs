//! Plans for reading and writing objects and parts, and what their answers mean.

use crate::bindings::bitvault::plugin::types::{Error, Request, Response};
use crate::bindings::exports::bitvault::plugin::storage::{Auth, GetOptions, Object, Part, Plan, PutOptions};
use crate::settings::Settings;
use crate::{error, url};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

pub(crate) type Headers = Vec<(String, Vec<u8>)>;

const SHA256_LEN: usize = 32;
const MAX_PART_NUMBER: u32 = 10_000;

pub(crate) fn get(settings: &Settings, key: &str, options: &GetOptions, auth: Auth) -> Result<Plan, Error> {
    let mut query = Vec::new();
    if let Some(kind) = &options.content_type {
        query.push(("response-content-type", Some(kind.as_str())));
    }
    if let Some(disposition) = &options.content_disposition {
        query.push(("response-content-disposition", Some(disposition.as_str())));
    }
    let mut headers = Headers::new();
    if let Some((offset, len)) = options.range {
        let last = len.checked_sub(1).and_then(|len| offset.checked_add(len));
        let Some(last) = last else {
            return Err(error::invalid("a range must have at least one byte".to_owned()));
        };
        push(&mut headers, "range", &format!("bytes={offset}-{last}"));
    }
    let conditions = [
        ("if-match", &options.if_match),
        ("if-none-match", &options.if_none_match),
        ("if-modified-since", &options.if_modified_since),
        ("if-unmodified-since", &options.if_unmodified_since),
    ];
    for (name, value) in conditions {
        if let Some(value) = value {
            push(&mut headers, name, value);
        }
    }
    let url = url::object(settings, key, &query)?;
    Ok(Plan {
        request: Request {
            method: "GET".to_owned(),
            url,
            headers,
            body: None,
        },
        auth,
    })
}

pub(crate) fn put(settings: &Settings, key: &str, options: &PutOptions, auth: Auth) -> Result<Plan, Error> {
    let mut headers = object_headers(options);
    if let Some(len) = options.len {
        push(&mut headers, "content-length", &len.to_string());
    }
    if let Some(sha256) = &options.sha256 {
        push(&mut headers, "x-amz-checksum-sha256", &checksum(sha256)?);
    }
    if options.if_none_match {
        push(&mut headers, "if-none-match", "*");
    }
    if let Some(tag) = &options.if_match {
        push(&mut headers, "if-match", tag);
    }
    let url = url::object(settings, key, &[])?;
    Ok(Plan {
        request: Request {
            method: "PUT".to_owned(),
            url,
            headers,
            body: None,
        },
        auth,
    })
}

pub(crate) fn part(
    settings: &Settings,
    key: &str,
    upload: &str,
    number: u32,
    len: u64,
    sha256: Option<&[u8]>,
    auth: Auth,
) -> Result<Plan, Error> {
    let number = part_number(number)?;
    let mut headers = Headers::new();
    push(&mut headers, "content-length", &len.to_string());
    if let Some(sha256) = sha256 {
        push(&mut headers, "x-amz-checksum-sha256", &checksum(sha256)?);
    }
    let url = url::object(
        settings,
        key,
        &[("partNumber", Some(&number)), ("uploadId", Some(upload))],
    )?;
    Ok(Plan {
        request: Request {
            method: "PUT".to_owned(),
            url,
            headers,
            body: None,
        },
        auth,
    })
}

pub(crate) fn parse_put(key: String, len: u64, response: &Response) -> Result<Object, Error> {
    error::check("write object", response)?;
    Ok(Object {
        key,
        size: len,
        etag: error::header(response, "etag").map(str::to_owned),
        sha256: told_sha256(response),
        modified_ms: None,
        content_type: None,
        meta: Vec::new(),
    })
}

pub(crate) fn parse_part(number: u32, len: u64, response: &Response) -> Result<Part, Error> {
    error::check("write part", response)?;
    let Some(tag) = error::header(response, "etag") else {
        return Err(error::protocol(
            "write part: the store answered no etag".to_owned(),
        ));
    };
    Ok(Part {
        number,
        tag: tag.to_owned(),
        len,
        sha256: told_sha256(response),
    })
}

/// Content type and user metadata.
pub(crate) fn object_headers(options: &PutOptions) -> Headers {
    let mut headers = Headers::new();
    if let Some(kind) = &options.content_type {
        push(&mut headers, "content-type", kind);
    }
    for (name, value) in &options.meta {
        // What HTTP itself knows travels under its own name, anything else as user metadata.
        let name = name.to_ascii_lowercase();
        let standard = [
            "cache-control",
            "content-disposition",
            "content-encoding",
            "content-language",
        ];
        if standard.contains(&name.as_str()) {
            headers.push((name, value.clone()));
        } else {
            headers.push((format!("x-amz-meta-{name}"), value.clone()));
        }
    }
    headers
}

pub(crate) fn push(headers: &mut Headers, name: &str, value: &str) {
    headers.push((name.to_owned(), value.as_bytes().to_vec()));
}

pub(crate) fn checksum(sha256: &[u8]) -> Result<String, Error> {
    if sha256.len() != SHA256_LEN {
        return Err(error::invalid(format!(
            "a SHA-256 has {SHA256_LEN} bytes, not {}",
            sha256.len()
        )));
    }
    Ok(BASE64.encode(sha256))
}

pub(crate) fn part_number(number: u32) -> Result<String, Error> {
    if !(1..=MAX_PART_NUMBER).contains(&number) {
        return Err(error::invalid(format!(
            "parts are numbered from 1 to {MAX_PART_NUMBER}"
        )));
    }
    Ok(number.to_string())
}

/// The whole object's SHA-256, where it is told and not one of parts (`…-3`).
pub(crate) fn told_sha256(response: &Response) -> Option<Vec<u8>> {
    decode_sha256(error::header(response, "x-amz-checksum-sha256")?)
}

pub(crate) fn decode_sha256(text: &str) -> Option<Vec<u8>> {
    BASE64
        .decode(text)
        .ok()
        .filter(|sha256| sha256.len() == SHA256_LEN)
}
