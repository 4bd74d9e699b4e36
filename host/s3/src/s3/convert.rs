//! Between s3s's types and ours.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use s3s::dto::*;
use s3s::stream::ByteStream as _;
use s3s::{S3Result, s3_error};

use crate::ingest::Claims;
use crate::store::object::{Attrs, Meta, Sums};

/// User metadata of one object in bytes, names and values, as in S3.
const USER_METADATA_MAX_BYTES: usize = 2048;

/// Collects the headers to keep from any input that has them.
macro_rules! attrs {
    ($input:expr) => {
        $crate::s3::convert::checked_attrs($crate::store::object::Attrs {
            content_type: $input.content_type.take(),
            cache_control: $input.cache_control.take(),
            content_disposition: $input.content_disposition.take(),
            content_encoding: $input
                .content_encoding
                .take()
                .and_then($crate::s3::convert::stored_encoding),
            content_language: $input.content_language.take(),
            expires: $input.expires.take().and_then($crate::s3::convert::format_time),
            user: $input.metadata.take().unwrap_or_default().into_iter().collect(),
        })
    };
}
pub(super) use attrs;

/// Collects what the client claims about a body from any input that has it.
macro_rules! claims {
    ($input:expr, $headers:expr) => {
        $crate::ingest::Claims {
            sums: $crate::s3::convert::sums!($input),
            md5: $input.content_md5.take(),
            verified_sha256: $crate::s3::convert::verified_sha256($headers),
        }
    };
}
pub(super) use claims;

/// Collects checksums from any input that has them.
macro_rules! sums {
    ($input:expr) => {
        $crate::store::object::Sums {
            crc32: $input.checksum_crc32.take(),
            crc32c: $input.checksum_crc32c.take(),
            crc64nvme: $input.checksum_crc64nvme.take(),
            sha1: $input.checksum_sha1.take(),
            sha256: $input.checksum_sha256.take(),
            composite: false,
        }
    };
}
pub(super) use sums;

pub(super) fn checked_attrs(attrs: Attrs) -> S3Result<Attrs> {
    let bytes: usize = attrs
        .user
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if bytes > USER_METADATA_MAX_BYTES {
        return Err(s3_error!(
            MetadataTooLarge,
            "User metadata may have {USER_METADATA_MAX_BYTES} bytes at most."
        ));
    }
    Ok(attrs)
}

/// `aws-chunked` is how the body travelled, not what it is.
pub(super) fn stored_encoding(value: String) -> Option<String> {
    let kept: Vec<_> = value
        .split(',')
        .map(str::trim)
        .filter(|one| *one != "aws-chunked" && !one.is_empty())
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

pub(super) fn format_time(time: Timestamp) -> Option<String> {
    let mut text = Vec::new();
    time.format(TimestampFormat::DateTime, &mut text).ok()?;
    String::from_utf8(text).ok()
}

pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    Timestamp::parse(TimestampFormat::DateTime, text).ok()
}

/// The body's SHA-256 if s3s checks it: signed in a header, not only claimed beside a presigned URL.
pub(super) fn verified_sha256(headers: &HeaderMap) -> Option<[u8; 32]> {
    headers.get(http::header::AUTHORIZATION)?;
    let text = headers.get("x-amz-content-sha256")?.as_bytes();
    let mut digest = [0; 32];
    hex::decode_to_slice(text, &mut digest).ok()?;
    Some(digest)
}

/// Checksums that came in trailers.
pub(super) fn add_trailers(claims: &mut Claims, trailers: Option<&s3s::TrailingHeaders>) {
    let Some(headers) = trailers.and_then(s3s::TrailingHeaders::take) else {
        return;
    };
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let slots = [
        ("x-amz-checksum-crc32", &mut claims.sums.crc32),
        ("x-amz-checksum-crc32c", &mut claims.sums.crc32c),
        ("x-amz-checksum-crc64nvme", &mut claims.sums.crc64nvme),
        ("x-amz-checksum-sha1", &mut claims.sums.sha1),
        ("x-amz-checksum-sha256", &mut claims.sums.sha256),
    ];
    for (name, slot) in slots {
        if let Some(value) = text(name) {
            *slot = Some(value);
        }
    }
}

/// Trailers that the request announces, comma separated.
pub(super) fn announced(headers: &HeaderMap) -> String {
    headers
        .get("x-amz-trailer")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}

/// The length of a body in bytes. A body without a declared length is known as empty, or chunked and refused.
pub(super) fn length(declared: Option<i64>, body: Option<&StreamingBlob>, max: u64) -> S3Result<u64> {
    let length = match declared {
        Some(declared) => u64::try_from(declared).ok(),
        None => body.map_or(Some(0), |body| {
            body.remaining_length().exact().map(|length| length as u64)
        }),
    };
    let Some(length) = length else {
        return Err(s3_error!(
            MissingContentLength,
            "You must provide the Content-Length header."
        ));
    };
    if length > max {
        return Err(s3_error!(
            EntityTooLarge,
            "One request may carry {max} bytes at most."
        ));
    }
    Ok(length)
}

pub(super) fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

pub(super) fn tag(etag: &str) -> ETag {
    ETag::Strong(etag.to_owned())
}

pub(super) fn checksum_type(sums: &Sums) -> ChecksumType {
    ChecksumType::from_static(if sums.composite {
        ChecksumType::COMPOSITE
    } else {
        ChecksumType::FULL_OBJECT
    })
}

/// HTTP dates have whole seconds, so comparisons do too.
pub(super) fn whole_seconds(time: SystemTime) -> SystemTime {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs()),
        Err(_) => SystemTime::UNIX_EPOCH,
    }
}

/// Conditions of a read or of a copy's source.
#[derive(Default)]
pub(super) struct ReadConditions {
    pub(super) matches: Option<ETagCondition>,
    pub(super) none_match: Option<ETagCondition>,
    pub(super) modified_since: Option<Timestamp>,
    pub(super) unmodified_since: Option<Timestamp>,
}

/// How a read's conditions came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Proceed,
    NotModified,
    Failed,
}

impl ReadConditions {
    /// In the order of RFC 9110, section 13.2.2.
    pub(super) fn check(&self, meta: &Meta, modified: SystemTime) -> Verdict {
        let modified = time::OffsetDateTime::from(whole_seconds(modified));
        let time = |time: &Timestamp| time::OffsetDateTime::from(time.clone());
        let names = |condition: &ETagCondition| match condition {
            ETagCondition::Any => true,
            ETagCondition::ETag(etag) => etag.value() == meta.etag,
        };
        match (&self.matches, &self.unmodified_since) {
            (Some(condition), _) if !names(condition) => return Verdict::Failed,
            (None, Some(limit)) if modified > time(limit) => return Verdict::Failed,
            _ => {}
        }
        match (&self.none_match, &self.modified_since) {
            (Some(condition), _) if names(condition) => Verdict::NotModified,
            (None, Some(limit)) if modified <= time(limit) => Verdict::NotModified,
            _ => Verdict::Proceed,
        }
    }
}
