//! GetObject and HeadObject.

use std::io;
use std::ops::Range as Bounds;

use bytes::Bytes;
use s3s::dto::*;
use s3s::{Body, S3Error, S3ErrorCode, S3Request, S3Result, s3_error};

use super::Backend;
use super::chunks::Chunks;
use super::convert::{ReadConditions, Verdict, checksum_type, parse_time, signed, tag};
use crate::error::{blocking, during};
use crate::store::object::Object;

/// Bodies up to this size are read together with the object's meta.
const INLINE_BYTES: u64 = 256 * 1024;

impl Backend {
    pub(super) async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<GetObjectOutput> {
        let input = request.input;
        let conditions = ReadConditions {
            matches: input.if_match,
            none_match: input.if_none_match,
            modified_since: input.if_modified_since,
            unmodified_since: input.if_unmodified_since,
        };
        let store = self.store.clone();
        let (range, part) = (input.range, input.part_number);
        let (object, bounds, inline) = blocking(move || {
            let object = store.open_object(&input.bucket, &input.key)?;
            conditions_hold(&conditions, &object)?;
            let bounds = bounds(&object, range.as_ref(), part)?;
            let wanted = bounds.clone().unwrap_or(0..object.meta.size);
            let inline = if wanted.end - wanted.start <= INLINE_BYTES {
                Some(read(&object, wanted)?)
            } else {
                None
            };
            Ok((object, bounds, inline))
        })
        .await?;
        let wanted = bounds.clone().unwrap_or(0..object.meta.size);
        let head = head(
            &object,
            bounds.as_ref(),
            input.checksum_mode.as_ref(),
            part.is_some(),
        );
        let body = match inline {
            Some(bytes) => Body::from(Bytes::from(bytes)),
            None => Body::http_body_unsync(Chunks::new(object, wanted, self.read_ahead.clone())),
        };
        Ok(GetObjectOutput {
            body: Some(StreamingBlob::from(body)),
            accept_ranges: head.accept_ranges,
            content_length: head.content_length,
            content_range: head.content_range,
            content_type: head.content_type,
            cache_control: head.cache_control,
            content_disposition: head.content_disposition,
            content_encoding: head.content_encoding,
            content_language: head.content_language,
            expires: head.expires,
            e_tag: head.e_tag,
            last_modified: head.last_modified,
            metadata: head.metadata,
            parts_count: head.parts_count,
            checksum_crc32: head.checksum_crc32,
            checksum_crc32c: head.checksum_crc32c,
            checksum_crc64nvme: head.checksum_crc64nvme,
            checksum_sha1: head.checksum_sha1,
            checksum_sha256: head.checksum_sha256,
            checksum_type: head.checksum_type,
            ..GetObjectOutput::default()
        })
    }

    pub(super) async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<HeadObjectOutput> {
        let input = request.input;
        let conditions = ReadConditions {
            matches: input.if_match,
            none_match: input.if_none_match,
            modified_since: input.if_modified_since,
            unmodified_since: input.if_unmodified_since,
        };
        let store = self.store.clone();
        blocking(move || {
            let object = store.open_object(&input.bucket, &input.key)?;
            conditions_hold(&conditions, &object)?;
            let bounds = bounds(&object, input.range.as_ref(), input.part_number)?;
            let mut head = head(
                &object,
                bounds.as_ref(),
                input.checksum_mode.as_ref(),
                input.part_number.is_some(),
            );
            let overrides = [
                (&mut head.content_type, input.response_content_type),
                (&mut head.cache_control, input.response_cache_control),
                (&mut head.content_disposition, input.response_content_disposition),
                (&mut head.content_encoding, input.response_content_encoding),
                (&mut head.content_language, input.response_content_language),
            ];
            for (slot, value) in overrides {
                if value.is_some() {
                    *slot = value;
                }
            }
            if input.response_expires.is_some() {
                head.expires = input.response_expires;
            }
            Ok(head)
        })
        .await
    }
}

fn conditions_hold(conditions: &ReadConditions, object: &Object) -> S3Result<()> {
    match conditions.check(&object.meta, object.modified) {
        Verdict::Proceed => Ok(()),
        Verdict::Failed => Err(s3_error!(
            PreconditionFailed,
            "At least one of the preconditions did not hold."
        )),
        Verdict::NotModified => {
            let mut answer = S3Error::new(S3ErrorCode::NotModified);
            if let Ok(etag) = tag(&object.meta.etag).to_http_header() {
                answer.set_headers(http::HeaderMap::from_iter([(http::header::ETAG, etag)]));
            }
            Err(answer)
        }
    }
}

/// What of the object is asked for; `None` is all of it.
fn bounds(object: &Object, range: Option<&Range>, part: Option<i32>) -> S3Result<Option<Bounds<u64>>> {
    match (range, part) {
        (Some(_), Some(_)) => Err(s3_error!(
            InvalidRequest,
            "Ask for a range or for a part, not both."
        )),
        (Some(range), None) => Ok(Some(range.check(object.meta.size)?)),
        (None, None) => Ok(None),
        (None, Some(number)) => {
            let index = usize::try_from(number)
                .ok()
                .and_then(|number| number.checked_sub(1));
            let whole = [(0, object.meta.size)];
            let parts = if object.meta.extents.is_empty() {
                &whole
            } else {
                object.meta.extents.as_slice()
            };
            let Some((index, part)) = index.and_then(|index| Some((index, parts.get(index)?))) else {
                return Err(s3_error!(InvalidRange, "The object has no such part."));
            };
            let start = parts[..index].iter().map(|part| part.1).sum::<u64>();
            Ok(Some(start..start + part.1))
        }
    }
}

fn head(
    object: &Object,
    bounds: Option<&Bounds<u64>>,
    mode: Option<&ChecksumMode>,
    by_part: bool,
) -> HeadObjectOutput {
    let meta = &object.meta;
    let attrs = meta.attrs.clone();
    let length = bounds.map_or(meta.size, |bounds| bounds.end - bounds.start);
    // A checksum of the whole would be checked against a part of it by clients.
    let sums = (bounds.is_none() && mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED))
        .then(|| meta.sums.clone());
    let kind = sums.as_ref().map(checksum_type);
    let sums = sums.unwrap_or_default();
    HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_length: Some(signed(length)),
        content_range: bounds
            .filter(|bounds| bounds.end > bounds.start)
            .map(|bounds| format!("bytes {}-{}/{}", bounds.start, bounds.end - 1, meta.size)),
        content_type: Some(
            attrs
                .content_type
                .unwrap_or_else(|| "application/octet-stream".to_owned()),
        ),
        cache_control: attrs.cache_control,
        content_disposition: attrs.content_disposition,
        content_encoding: attrs.content_encoding,
        content_language: attrs.content_language,
        expires: attrs.expires.as_deref().and_then(parse_time),
        e_tag: Some(tag(&meta.etag)),
        last_modified: Some(object.modified.into()),
        metadata: (!attrs.user.is_empty()).then(|| attrs.user.into_iter().collect()),
        parts_count: by_part.then(|| i32::try_from(meta.extents.len().max(1)).unwrap_or(i32::MAX)),
        checksum_crc32: sums.crc32,
        checksum_crc32c: sums.crc32c,
        checksum_crc64nvme: sums.crc64nvme,
        checksum_sha1: sums.sha1,
        checksum_sha256: sums.sha256,
        checksum_type: kind,
        ..HeadObjectOutput::default()
    }
}

/// Reads part of an object. Blocks.
pub(super) fn read(object: &Object, wanted: Bounds<u64>) -> S3Result<Vec<u8>> {
    let length = usize::try_from(wanted.end - wanted.start)
        .map_err(io::Error::other)
        .map_err(during("read object"))?;
    let mut buffer = Vec::new();
    object
        .read_at(&mut buffer, wanted.start, length)
        .map_err(during("read object"))?;
    Ok(buffer)
}
