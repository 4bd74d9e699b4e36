//! Multipart uploads: create, parts, lists, abort. Completing is in `complete`.

use std::sync::Arc;

use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use super::Backend;
use super::convert::{
    ReadConditions, add_trailers, announced, attrs, checksum_type, claims, length, signed, tag,
};
use super::list::{Encoding, page_size};
use super::write::{copy_source, open_source};
use crate::error::blocking;
use crate::ingest::{Claims, Digests, Incoming, Wanted, Written, etag};
use crate::store::object::Sums;
use crate::store::uploads::{Header, PART_NUMBER_MAX, Part, Upload};

/// Bytes read and written at once by UploadPartCopy.
const COPY_BYTES: u64 = 1 << 20;

const ALGORITHMS: [&str; 5] = [
    ChecksumAlgorithm::CRC32,
    ChecksumAlgorithm::CRC32C,
    ChecksumAlgorithm::CRC64NVME,
    ChecksumAlgorithm::SHA1,
    ChecksumAlgorithm::SHA256,
];

impl Backend {
    pub(super) async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<CreateMultipartUploadOutput> {
        let mut input = request.input;
        let attrs = attrs!(input)?;
        let algorithm = input
            .checksum_algorithm
            .map(|algorithm| algorithm.as_str().to_owned());
        let asked = input.checksum_type.as_ref().map(ChecksumType::as_str);
        let full_object = match (algorithm.as_deref(), asked) {
            (Some(name), _) if !ALGORITHMS.contains(&name) => {
                return Err(s3_error!(
                    InvalidRequest,
                    "The checksum algorithm is not supported."
                ));
            }
            (Some(ChecksumAlgorithm::SHA1 | ChecksumAlgorithm::SHA256), Some(ChecksumType::FULL_OBJECT))
            | (Some(ChecksumAlgorithm::CRC64NVME), Some(ChecksumType::COMPOSITE))
            | (None, Some(_)) => {
                return Err(s3_error!(
                    InvalidRequest,
                    "The checksum type does not go with the algorithm."
                ));
            }
            (Some(ChecksumAlgorithm::CRC64NVME), _) => true,
            (_, asked) => asked == Some(ChecksumType::FULL_OBJECT),
        };
        let store = self.store.clone();
        let upload =
            blocking(move || store.create_upload(&input.bucket, &input.key, attrs, algorithm, full_object))
                .await?;
        Ok(CreateMultipartUploadOutput {
            upload_id: Some(upload.id.clone()),
            bucket: Some(upload.header.bucket.clone()),
            key: Some(upload.header.key.clone()),
            checksum_type: upload.header.algorithm.is_some().then(|| kind(&upload.header)),
            checksum_algorithm: upload.header.algorithm.clone().map(Into::into),
            ..CreateMultipartUploadOutput::default()
        })
    }

    pub(super) async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<UploadPartOutput> {
        let S3Request {
            mut input,
            headers,
            trailing_headers,
            ..
        } = request;
        let upload = self.store.upload(&input.bucket, &input.key, &input.upload_id)?;
        let number = part_number(input.part_number)?;
        let length = length(
            input.content_length,
            input.body.as_ref(),
            self.limits.max_put_bytes,
        )?;
        let mut claims = claims!(input, &headers);
        let wanted = Wanted::new(&claims, &announced(&headers), upload.header.algorithm.as_deref());
        let store = self.store.clone();
        let region = blocking(move || store.begin_part(&upload, length)).await?;
        let body = Incoming::new(input.body.take(), length, self.limits.body_idle_timeout);
        let offset = region.offset;
        let written = body.write(region, offset, Digests::new(wanted)).await?;
        add_trailers(&mut claims, trailing_headers.as_ref());
        let store = self.store.clone();
        let part = blocking(move || {
            let (sums, sha256) = written.digests.finish().check(&claims)?;
            store.finish_part(written.target, number, etag(&sha256, 1), sums)
        })
        .await?;
        Ok(UploadPartOutput {
            e_tag: Some(tag(&part.etag)),
            checksum_crc32: part.sums.crc32,
            checksum_crc32c: part.sums.crc32c,
            checksum_crc64nvme: part.sums.crc64nvme,
            checksum_sha1: part.sums.sha1,
            checksum_sha256: part.sums.sha256,
            ..UploadPartOutput::default()
        })
    }

    pub(super) async fn upload_part_copy(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<UploadPartCopyOutput> {
        let input = request.input;
        let upload = self.store.upload(&input.bucket, &input.key, &input.upload_id)?;
        let number = part_number(input.part_number)?;
        let conditions = ReadConditions {
            matches: input.copy_source_if_match,
            none_match: input.copy_source_if_none_match,
            modified_since: input.copy_source_if_modified_since,
            unmodified_since: input.copy_source_if_unmodified_since,
        };
        let range = match input.copy_source_range.as_deref().map(Range::parse) {
            None => None,
            Some(Ok(range @ Range::Int { last: Some(_), .. })) => Some(range),
            Some(_) => {
                return Err(s3_error!(
                    InvalidArgument,
                    "The copied range must be bytes=FIRST-LAST."
                ));
            }
        };
        let (source_bucket, source_key) = copy_source(input.copy_source)?;
        let (store, max) = (self.store.clone(), self.limits.max_put_bytes);
        let part = blocking(move || {
            let source = open_source(&store, &source_bucket, &source_key, &conditions)?;
            let wanted = match range {
                Some(range) => range.check(source.meta.size)?,
                None => 0..source.meta.size,
            };
            let bytes = length(Some(signed(wanted.end - wanted.start)), None, max)?;
            let digests = Digests::new(Wanted::new(
                &Claims::default(),
                "",
                upload.header.algorithm.as_deref(),
            ));
            let region = store.begin_part(&upload, bytes)?;
            let mut copy = Written {
                position: region.offset,
                target: region,
                digests,
            };
            let mut position = wanted.start;
            while position < wanted.end {
                let end = wanted.end.min(position + COPY_BYTES);
                copy.write(&[super::read::read(&source, position..end)?.into()])?;
                position = end;
            }
            let (sums, sha256) = copy.digests.finish().check(&Claims::default())?;
            store.finish_part(copy.target, number, etag(&sha256, 1), sums)
        })
        .await?;
        let result = CopyPartResult {
            e_tag: Some(tag(&part.etag)),
            last_modified: Some(part.modified.into()),
            checksum_sha256: part.sums.sha256,
            ..CopyPartResult::default()
        };
        Ok(UploadPartCopyOutput {
            copy_part_result: Some(result),
            ..UploadPartCopyOutput::default()
        })
    }

    pub(super) async fn list_parts(&self, request: S3Request<ListPartsInput>) -> S3Result<ListPartsOutput> {
        let input = request.input;
        let upload = self.store.upload(&input.bucket, &input.key, &input.upload_id)?;
        let marker = input.part_number_marker.unwrap_or(0);
        let max = page_size(input.max_parts)?;
        let mut parts = upload.parts();
        parts.retain(|part| i32::from(part.number) > marker);
        let truncated = parts.len() > usize::try_from(max).unwrap_or(0);
        parts.truncate(usize::try_from(max).unwrap_or(0));
        let last = parts.last().map(|part| i32::from(part.number));
        let listed = |part: Part| s3s::dto::Part {
            part_number: Some(i32::from(part.number)),
            size: Some(signed(part.length)),
            e_tag: Some(tag(&part.etag)),
            last_modified: Some(part.modified.into()),
            checksum_crc32: part.sums.crc32,
            checksum_crc32c: part.sums.crc32c,
            checksum_crc64nvme: part.sums.crc64nvme,
            checksum_sha1: part.sums.sha1,
            checksum_sha256: part.sums.sha256,
        };
        Ok(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            part_number_marker: Some(marker),
            next_part_number_marker: last.filter(|_| truncated),
            max_parts: Some(max),
            is_truncated: Some(truncated),
            parts: Some(parts.into_iter().map(listed).collect()),
            checksum_type: upload.header.algorithm.is_some().then(|| kind(&upload.header)),
            checksum_algorithm: upload.header.algorithm.clone().map(Into::into),
            ..ListPartsOutput::default()
        })
    }

    pub(super) async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<ListMultipartUploadsOutput> {
        let input = request.input;
        self.store.require_bucket(&input.bucket)?;
        let encoding = Encoding::new(input.encoding_type.as_ref())?;
        let max = page_size(input.max_uploads)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let key_marker = input.key_marker.clone().unwrap_or_default();
        let id_marker = input.upload_id_marker.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().unwrap_or_default();
        let mut uploads: Vec<Arc<Upload>> = self.store.uploads(&input.bucket, &prefix);
        uploads.retain(|upload| match upload.header.key.cmp(&key_marker) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => !id_marker.is_empty() && upload.id > id_marker,
            std::cmp::Ordering::Less => false,
        });
        let (mut listed, mut prefixes): (Vec<&Arc<Upload>>, Vec<String>) = (Vec::new(), Vec::new());
        let (mut truncated, mut last) = (false, None);
        for upload in &uploads {
            let key = &upload.header.key;
            let rolled = key[prefix.len()..]
                .find(&delimiter)
                .filter(|_| !delimiter.is_empty());
            let rolled = rolled.map(|at| key[..prefix.len() + at + delimiter.len()].to_owned());
            if rolled.is_some()
                && (rolled.as_ref() == prefixes.last() || rolled.as_deref() == Some(&key_marker))
            {
                continue;
            }
            if listed.len() + prefixes.len() >= usize::try_from(max).unwrap_or(0) {
                truncated = true;
                break;
            }
            match rolled {
                Some(rolled) => {
                    last = Some((rolled.clone(), String::new()));
                    prefixes.push(rolled);
                }
                None => {
                    last = Some((key.clone(), upload.id.clone()));
                    listed.push(upload);
                }
            }
        }
        let entry = |upload: &Arc<Upload>| MultipartUpload {
            key: Some(encoding.apply(upload.header.key.clone())),
            upload_id: Some(upload.id.clone()),
            initiated: Some(upload.header.created.into()),
            storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
            ..MultipartUpload::default()
        };
        let prefix_entry = |prefix| CommonPrefix {
            prefix: Some(encoding.apply(prefix)),
        };
        let (next_key, next_id) = last.filter(|_| truncated).unzip();
        Ok(ListMultipartUploadsOutput {
            uploads: Some(listed.into_iter().map(entry).collect()),
            common_prefixes: Some(prefixes.into_iter().map(prefix_entry).collect()),
            bucket: Some(input.bucket),
            prefix: Some(encoding.apply(prefix)),
            delimiter: input.delimiter.map(|delimiter| encoding.apply(delimiter)),
            key_marker: Some(encoding.apply(key_marker)),
            upload_id_marker: Some(id_marker),
            next_key_marker: next_key.map(|key| encoding.apply(key)),
            next_upload_id_marker: next_id,
            encoding_type: input.encoding_type,
            max_uploads: Some(max),
            is_truncated: Some(truncated),
            request_charged: None,
        })
    }

    pub(super) async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<AbortMultipartUploadOutput> {
        let input = request.input;
        let store = self.store.clone();
        blocking(move || store.abort_upload(&*store.upload(&input.bucket, &input.key, &input.upload_id)?))
            .await?;
        Ok(AbortMultipartUploadOutput::default())
    }
}

fn kind(header: &Header) -> ChecksumType {
    checksum_type(&Sums {
        composite: !header.full_object,
        ..Sums::default()
    })
}

pub(super) fn part_number(number: i32) -> S3Result<u16> {
    match u16::try_from(number) {
        Ok(number @ 1..=PART_NUMBER_MAX) => Ok(number),
        _ => Err(s3_error!(
            InvalidArgument,
            "The part number must be 1 to {PART_NUMBER_MAX}."
        )),
    }
}
