//! CompleteMultipartUpload: which parts, and what their object's tag and checksum are.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crc_fast::CrcAlgorithm;
use s3s::crypto::{Checksum as _, Sha1, Sha256};
use s3s::dto::*;
use s3s::{S3ErrorCode, S3Request, S3Result, s3_error};

use super::Backend;
use super::convert::{checksum_type, signed, sums, tag};
use super::multipart::part_number;
use crate::error::blocking;
use crate::ingest::etag;
use crate::store::Condition;
use crate::store::object::{Meta, Sums};
use crate::store::uploads::{Header, Part};

impl Backend {
    pub(super) async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<CompleteMultipartUploadOutput> {
        let mut input = request.input;
        let (store, min) = (self.store.clone(), self.limits.min_part_bytes);
        let (bucket, key) = (input.bucket.clone(), input.key.clone());
        let meta = blocking(move || {
            let upload = match store.upload(&input.bucket, &input.key, &input.upload_id) {
                // The answer to an earlier try may have been lost.
                Err(error) if *error.code() == S3ErrorCode::NoSuchUpload => {
                    let object = store.open_object(&input.bucket, &input.key).ok();
                    let same =
                        object.filter(|object| object.meta.upload_id.as_ref() == Some(&input.upload_id));
                    return same.map(|object| object.meta).ok_or(error);
                }
                result => result?,
            };
            let condition = Condition {
                matches: input.if_match.take(),
                none_match: input.if_none_match.take(),
            };
            let expected = sums!(input);
            let asked = input
                .multipart_upload
                .and_then(|upload| upload.parts)
                .unwrap_or_default();
            store.complete_upload(&upload, &condition, |received| {
                let parts = choose(received, asked, min)?;
                let size: u64 = parts.iter().map(|part| part.length).sum();
                if input.mpu_object_size.is_some_and(|told| told != signed(size)) {
                    return Err(s3_error!(
                        InvalidRequest,
                        "The parts do not add up to x-amz-mp-object-size."
                    ));
                }
                let mut digest = Sha256::new();
                for part in &parts {
                    digest.update(part.etag.as_bytes());
                }
                let meta = Meta {
                    etag: etag(&digest.finalize(), parts.len()),
                    sums: whole(&upload.header, &parts, &expected)?,
                    attrs: upload.header.attrs.clone(),
                    ..Meta::default()
                };
                Ok((meta, parts.iter().map(|part| part.number).collect()))
            })
        })
        .await?;
        let has_sum = meta.sums != Sums::default();
        Ok(CompleteMultipartUploadOutput {
            location: Some(format!("/{bucket}/{key}")),
            bucket: Some(bucket),
            key: Some(key),
            e_tag: Some(tag(&meta.etag)),
            checksum_type: has_sum.then(|| checksum_type(&meta.sums)),
            checksum_crc32: meta.sums.crc32,
            checksum_crc32c: meta.sums.crc32c,
            checksum_crc64nvme: meta.sums.crc64nvme,
            checksum_sha1: meta.sums.sha1,
            checksum_sha256: meta.sums.sha256,
            ..CompleteMultipartUploadOutput::default()
        })
    }
}

/// The received parts that the client names, if it names them rightly.
fn choose(received: &BTreeMap<u16, Part>, asked: Vec<CompletedPart>, min_bytes: u64) -> S3Result<Vec<&Part>> {
    if asked.is_empty() {
        return Err(s3_error!(MalformedXML, "Name at least one part."));
    }
    let mut parts: Vec<&Part> = Vec::with_capacity(asked.len());
    let count = asked.len();
    for (index, mut named) in asked.into_iter().enumerate() {
        let number = part_number(named.part_number.unwrap_or(0))?;
        if parts.last().is_some_and(|last| last.number >= number) {
            return Err(s3_error!(
                InvalidPartOrder,
                "The parts must be in ascending order."
            ));
        }
        let claimed = sums!(named);
        let same = |part: &&Part| {
            named.e_tag.as_ref().is_some_and(|etag| etag.value() == part.etag)
                && agrees(&claimed.crc32, &part.sums.crc32)
                && agrees(&claimed.crc32c, &part.sums.crc32c)
                && agrees(&claimed.crc64nvme, &part.sums.crc64nvme)
                && agrees(&claimed.sha1, &part.sums.sha1)
                && agrees(&claimed.sha256, &part.sums.sha256)
        };
        let Some(part) = received.get(&number).filter(same) else {
            return Err(s3_error!(
                InvalidPart,
                "Part {number} was not received, or not with this tag and checksum."
            ));
        };
        if index + 1 < count && part.length < min_bytes {
            return Err(s3_error!(
                EntityTooSmall,
                "Part {number} has less than {min_bytes} bytes and isn't the last."
            ));
        }
        parts.push(part);
    }
    Ok(parts)
}

fn agrees(claimed: &Option<String>, stored: &Option<String>) -> bool {
    claimed.is_none() || claimed == stored
}

/// The object's checksum from its parts', compared with what the client expects.
fn whole(header: &Header, parts: &[&Part], expected: &Sums) -> S3Result<Sums> {
    let mut sums = Sums {
        composite: !header.full_object,
        ..Sums::default()
    };
    let of_parts = |get: fn(&Sums) -> &Option<String>| -> S3Result<Vec<Vec<u8>>> {
        let decode = |part: &&Part| get(&part.sums).as_ref().and_then(|sum| BASE64.decode(sum).ok());
        let all: Option<Vec<_>> = parts.iter().map(decode).collect();
        all.ok_or_else(|| s3_error!(InternalError, "A part has no checksum."))
    };
    let composite = |digest: &[u8]| Some(format!("{}-{}", BASE64.encode(digest), parts.len()));
    let crc = |algorithm: CrcAlgorithm,
               width: usize,
               get: fn(&Sums) -> &Option<String>|
     -> S3Result<Option<String>> {
        let digests = of_parts(get)?;
        let mut value = 0;
        if header.full_object {
            for (digest, part) in digests.iter().zip(parts) {
                let part_value = digest.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
                value = crc_fast::checksum_combine(algorithm, value, part_value, part.length);
            }
            Ok(Some(BASE64.encode(&value.to_be_bytes()[8 - width..])))
        } else {
            value = crc_fast::checksum(algorithm, &digests.concat());
            Ok(composite(&value.to_be_bytes()[8 - width..]))
        }
    };
    match header.algorithm.as_deref() {
        Some(ChecksumAlgorithm::CRC32) => {
            sums.crc32 = crc(CrcAlgorithm::Crc32IsoHdlc, 4, |sums| &sums.crc32)?
        }
        Some(ChecksumAlgorithm::CRC32C) => {
            sums.crc32c = crc(CrcAlgorithm::Crc32Iscsi, 4, |sums| &sums.crc32c)?
        }
        Some(ChecksumAlgorithm::CRC64NVME) => {
            sums.crc64nvme = crc(CrcAlgorithm::Crc64Nvme, 8, |sums| &sums.crc64nvme)?;
        }
        Some(ChecksumAlgorithm::SHA1) => {
            sums.sha1 = composite(&Sha1::checksum(&of_parts(|sums| &sums.sha1)?.concat()));
        }
        // Every part has one, so every object does.
        _ => sums.sha256 = composite(&Sha256::checksum(&of_parts(|sums| &sums.sha256)?.concat())),
    }
    let told = |expected: &Option<String>, computed: &Option<String>| {
        // Clients may leave the `-N` out.
        let bare = |sum: &String| sum.split('-').next().unwrap_or_default().to_owned();
        expected.is_none() || expected.as_ref().map(bare) == computed.as_ref().map(bare)
    };
    let agrees = told(&expected.crc32, &sums.crc32)
        && told(&expected.crc32c, &sums.crc32c)
        && told(&expected.crc64nvme, &sums.crc64nvme)
        && told(&expected.sha1, &sums.sha1)
        && told(&expected.sha256, &sums.sha256);
    if agrees {
        Ok(sums)
    } else {
        Err(s3_error!(
            BadDigest,
            "The object's checksum is not the one you expect."
        ))
    }
}
