//! Small requests on objects and the bucket: head, delete, list, copy.

use crate::bindings::bitvault::plugin::egress;
use crate::bindings::bitvault::plugin::types::{Error, Request, Response};
use crate::bindings::exports::bitvault::plugin::storage::{Object, Page};
use crate::plan::{self, Headers, push};
use crate::settings::Settings;
use crate::{error, url, xml};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest as _, Md5};
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

/// How many keys one multi-object delete takes.
pub(crate) const MAX_DELETE: u32 = 1000;
/// Most keys that S3 puts on a page.
const MAX_PAGE: u32 = 1000;
/// The region that must not be named when a bucket is made.
const DEFAULT_REGION: &str = "us-east-1";

pub(crate) fn send(
    method: &str,
    url: String,
    headers: Headers,
    body: Option<String>,
) -> Result<Response, Error> {
    let body = body.map(String::into_bytes);
    egress::send(&Request {
        method: method.to_owned(),
        url,
        headers,
        body,
    })
}

pub(crate) fn create_bucket(settings: &Settings) -> Result<(), Error> {
    let body = (settings.region != DEFAULT_REGION).then(|| xml::create_bucket(&settings.region));
    let response = send("PUT", url::bucket(settings, &[]), Headers::new(), body)?;
    match error::check("create bucket", &response) {
        Err(error) if error.code == "exists" => Ok(()),
        other => other,
    }
}

pub(crate) fn head(settings: &Settings, key: String) -> Result<Object, Error> {
    let mut headers = Headers::new();
    push(&mut headers, "x-amz-checksum-mode", "ENABLED");
    let response = send("HEAD", url::object(settings, &key, &[])?, headers, None)?;
    parse_head(key, &response)
}

/// Reads the headers of a HEAD or GET answer.
pub(crate) fn parse_head(key: String, response: &Response) -> Result<Object, Error> {
    error::check("read object", response)?;
    let size = match error::header(response, "content-range") {
        Some(range) => range.rsplit('/').next(),
        None => error::header(response, "content-length"),
    };
    let Some(size) = size.and_then(|size| size.parse().ok()) else {
        return Err(error::protocol(
            "read object: the store told no length".to_owned(),
        ));
    };
    let standard = [
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
    ];
    let meta = response.headers.iter().filter_map(|(name, value)| {
        let name = name.to_ascii_lowercase();
        let name = name
            .strip_prefix("x-amz-meta-")
            .or_else(|| standard.contains(&name.as_str()).then_some(&name))?;
        Some((name.to_owned(), value.clone()))
    });
    Ok(Object {
        size,
        etag: error::header(response, "etag").map(str::to_owned),
        sha256: plan::told_sha256(response),
        modified_ms: error::header(response, "last-modified").and_then(http_date),
        content_type: error::header(response, "content-type").map(str::to_owned),
        meta: meta.collect(),
        key,
    })
}

pub(crate) fn delete(settings: &Settings, keys: Vec<String>) -> Result<Vec<(String, Error)>, Error> {
    if let [key] = keys.as_slice() {
        let response = send("DELETE", url::object(settings, key, &[])?, Headers::new(), None)?;
        return match error::check("delete object", &response) {
            Err(error) if error.code == "not_found" => Ok(Vec::new()),
            Err(error) if error.retryable => Err(error),
            Err(error) => Ok(vec![(key.clone(), error)]),
            Ok(()) => Ok(Vec::new()),
        };
    }
    let mut failures = Vec::new();
    for batch in keys.chunks(MAX_DELETE as usize) {
        let full: Vec<String> = batch
            .iter()
            .map(|key| url::full_key(settings, key))
            .collect::<Result<_, _>>()?;
        let body = xml::delete(&full);
        let mut headers = Headers::new();
        push(&mut headers, "content-type", "application/xml");
        push(
            &mut headers,
            "content-md5",
            &BASE64.encode(Md5::digest(body.as_bytes())),
        );
        let response = send(
            "POST",
            url::bucket(settings, &[("delete", None)]),
            headers,
            Some(body),
        )?;
        error::check("delete objects", &response)?;
        let told: xml::DeleteResult = xml::read(&response.body).map_err(error::protocol)?;
        for failed in told.error {
            let (code, retryable) = error::classify(0, Some(&failed.code));
            if code != "not_found" {
                let message = format!("delete object: {}: {}", failed.code, failed.message);
                failures.push((
                    relative(settings, &failed.key)?,
                    error::new(code, retryable, message),
                ));
            }
        }
    }
    Ok(failures)
}

pub(crate) fn list(
    settings: &Settings,
    prefix: &str,
    delimiter: Option<&str>,
    start_after: Option<&str>,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page, Error> {
    let full = format!("{}{prefix}", settings.prefix);
    let limit = limit.clamp(1, MAX_PAGE).to_string();
    let start = start_after.map(|key| format!("{}{key}", settings.prefix));
    let mut query = vec![
        ("encoding-type", Some("url")),
        ("list-type", Some("2")),
        ("max-keys", Some(limit.as_str())),
    ];
    query.push(("prefix", Some(full.as_str())));
    for (name, value) in [
        ("continuation-token", cursor),
        ("delimiter", delimiter),
        ("start-after", start.as_deref()),
    ] {
        if value.is_some() {
            query.push((name, value));
        }
    }
    let response = send("GET", url::bucket(settings, &query), Headers::new(), None)?;
    error::check("list objects", &response)?;
    let told: xml::ListBucket = xml::read(&response.body).map_err(error::protocol)?;
    let encoded = told.encoding_type.as_deref() == Some("url");
    let mut page = Page {
        objects: Vec::new(),
        prefixes: Vec::new(),
        next: None,
    };
    for content in told.contents {
        page.objects.push(Object {
            key: relative(settings, &plain(encoded, content.key)?)?,
            size: content.size,
            etag: content.etag,
            sha256: None,
            modified_ms: content.last_modified.as_deref().and_then(iso_date),
            content_type: None,
            meta: Vec::new(),
        });
    }
    for common in told.common_prefixes {
        page.prefixes
            .push(relative(settings, &plain(encoded, common.prefix)?)?);
    }
    if told.is_truncated {
        page.next = told.next_continuation_token;
        if page.next.is_none() {
            return Err(error::protocol(
                "list objects: more is there, but no continuation token".to_owned(),
            ));
        }
    }
    Ok(page)
}

pub(crate) fn copy(
    settings: &Settings,
    source: &str,
    target: String,
    if_none_match: bool,
) -> Result<Object, Error> {
    if if_none_match {
        let message = "copy: S3 stores do not agree on refusing to overwrite in a copy".to_owned();
        return Err(error::new("unsupported", false, message));
    }
    let mut headers = Headers::new();
    push(&mut headers, "x-amz-copy-source", &copy_source(settings, source)?);
    let response = send("PUT", url::object(settings, &target, &[])?, headers, None)?;
    error::check("copy object", &response)?;
    let told: xml::Tagged = xml::read(&response.body).map_err(error::protocol)?;
    let copied = head(settings, target)?;
    Ok(Object {
        etag: told.etag.or(copied.etag.clone()),
        ..copied
    })
}

/// `/bucket/key`, encoded, as copies want it.
pub(crate) fn copy_source(settings: &Settings, key: &str) -> Result<String, Error> {
    Ok(format!(
        "/{}/{}",
        settings.bucket,
        url::encode(&url::full_key(settings, key)?, true)
    ))
}

/// Takes `encoding-type=url` off where the store applied it.
pub(crate) fn plain(encoded: bool, key: String) -> Result<String, Error> {
    if !encoded {
        return Ok(key);
    }
    url::decode(&key).ok_or_else(|| error::protocol("list: a key is not percent-encoded UTF-8".to_owned()))
}

/// The key without the configured prefix.
pub(crate) fn relative(settings: &Settings, key: &str) -> Result<String, Error> {
    match key.strip_prefix(&settings.prefix) {
        Some(key) => Ok(key.to_owned()),
        None => Err(error::protocol(
            "the store answered a key outside of the prefix asked for".to_owned(),
        )),
    }
}

pub(crate) fn iso_date(text: &str) -> Option<u64> {
    millis(OffsetDateTime::parse(text, &Rfc3339).ok()?)
}

fn http_date(text: &str) -> Option<u64> {
    millis(OffsetDateTime::parse(text, &Rfc2822).ok()?)
}

fn millis(time: OffsetDateTime) -> Option<u64> {
    u64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok()
}
