//! PutObject, CopyObject, DeleteObject and DeleteObjects.

use std::io;
use std::os::unix::fs::FileExt;

use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use super::Backend;
use super::convert::{ReadConditions, Verdict, add_trailers, announced, attrs, claims, length, tag};
use crate::error::{blocking, during};
use crate::ingest::{Digests, Incoming, SMALL_BYTES, Wanted, etag};
use crate::store::object::{Meta, Object};
use crate::store::{Condition, Store, Temp};

/// Room for an object's meta behind a small body, so that both are written without another allocation.
const META_SPARE_BYTES: usize = 1024;

impl Backend {
    pub(super) async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<PutObjectOutput> {
        let S3Request {
            mut input,
            headers,
            trailing_headers,
            ..
        } = request;
        self.store.require_bucket(&input.bucket)?;
        if input.write_offset_bytes.is_some() {
            return Err(s3_error!(
                NotImplemented,
                "Appending to an object is not supported."
            ));
        }
        let length = length(
            input.content_length,
            input.body.as_ref(),
            self.limits.max_put_bytes,
        )?;
        let mut claims = claims!(input, &headers);
        let digests = Digests::new(Wanted::new(&claims, &announced(&headers), None));
        let attrs = attrs!(input)?;
        let condition = Condition {
            matches: input.if_match.take(),
            none_match: input.if_none_match.take(),
        };
        let body = Incoming::new(input.body.take(), length, self.limits.body_idle_timeout);
        let (bucket, key, store) = (input.bucket, input.key, self.store.clone());
        let meta = if length <= SMALL_BYTES {
            let mut bytes = body.collect(META_SPARE_BYTES).await?;
            add_trailers(&mut claims, trailing_headers.as_ref());
            blocking(move || {
                let mut digests = digests;
                digests.update(&bytes);
                let (sums, sha256) = digests.finish().check(&claims)?;
                let meta = Meta {
                    etag: etag(&sha256, 1),
                    size: length,
                    sums,
                    attrs,
                    ..Meta::default()
                };
                bytes.extend(meta.encode(length).map_err(during("encode the object's meta"))?);
                let temp = store.temp().map_err(during("create temporary file"))?;
                temp.file
                    .write_all_at(&bytes, 0)
                    .map_err(during("write the object"))?;
                finish(&store, temp, &bucket, &key, &condition)?;
                Ok(meta)
            })
            .await?
        } else {
            let opener = self.store.clone();
            let temp = blocking(move || opener.temp().map_err(during("create temporary file"))).await?;
            let written = body.write(temp, 0, digests).await?;
            add_trailers(&mut claims, trailing_headers.as_ref());
            blocking(move || {
                let (sums, sha256) = written.digests.finish().check(&claims)?;
                let meta = Meta {
                    etag: etag(&sha256, 1),
                    size: length,
                    sums,
                    attrs,
                    ..Meta::default()
                };
                let end = meta.encode(length).map_err(during("encode the object's meta"))?;
                written
                    .target
                    .file
                    .write_all_at(&end, length)
                    .map_err(during("write the object"))?;
                finish(&store, written.target, &bucket, &key, &condition)?;
                Ok(meta)
            })
            .await?
        };
        Ok(PutObjectOutput {
            e_tag: Some(tag(&meta.etag)),
            checksum_type: Some(ChecksumType::from_static(ChecksumType::FULL_OBJECT)),
            checksum_crc32: meta.sums.crc32,
            checksum_crc32c: meta.sums.crc32c,
            checksum_crc64nvme: meta.sums.crc64nvme,
            checksum_sha1: meta.sums.sha1,
            checksum_sha256: meta.sums.sha256,
            ..PutObjectOutput::default()
        })
    }

    pub(super) async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<CopyObjectOutput> {
        let S3Request {
            mut input, headers, ..
        } = request;
        let conditions = ReadConditions {
            matches: input.copy_source_if_match.take(),
            none_match: input.copy_source_if_none_match.take(),
            modified_since: input.copy_source_if_modified_since.take(),
            unmodified_since: input.copy_source_if_unmodified_since.take(),
        };
        let replace = input
            .metadata_directive
            .as_ref()
            .is_some_and(|it| it.as_str() == MetadataDirective::REPLACE);
        let attrs = attrs!(input)?;
        // s3s has no field for these; S3 has them since 2025.
        let condition = |name: &str| match headers
            .get(name)
            .map(|value| ETagCondition::parse_http_header(value.as_bytes()))
        {
            None => Ok(None),
            Some(Ok(condition)) => Ok(Some(condition)),
            Some(Err(_)) => Err(s3_error!(InvalidArgument, "The header {name} is malformed.")),
        };
        let condition = Condition {
            matches: condition("if-match")?,
            none_match: condition("if-none-match")?,
        };
        let (source_bucket, source_key) = copy_source(input.copy_source)?;
        if !replace && source_bucket == input.bucket && source_key == input.key {
            return Err(s3_error!(
                InvalidRequest,
                "Copying an object to itself must replace its metadata."
            ));
        }
        let store = self.store.clone();
        let (meta, modified) = blocking(move || {
            let source = open_source(&store, &source_bucket, &source_key, &conditions)?;
            let temp = store.temp().map_err(during("create temporary file"))?;
            let mut meta = Meta {
                extents: Vec::new(),
                upload_id: None,
                ..source.meta.clone()
            };
            if replace {
                meta.attrs = attrs;
            }
            copy(&source, &temp)?;
            let end = meta
                .encode(meta.size)
                .map_err(during("encode the object's meta"))?;
            temp.file
                .write_all_at(&end, meta.size)
                .map_err(during("write the object"))?;
            let modified = temp
                .file
                .metadata()
                .and_then(|stat| stat.modified())
                .map_err(during("read the time"))?;
            finish(&store, temp, &input.bucket, &input.key, &condition)?;
            Ok((meta, modified))
        })
        .await?;
        let result = CopyObjectResult {
            e_tag: Some(tag(&meta.etag)),
            last_modified: Some(modified.into()),
            checksum_crc32: meta.sums.crc32,
            checksum_crc32c: meta.sums.crc32c,
            checksum_crc64nvme: meta.sums.crc64nvme,
            checksum_sha1: meta.sums.sha1,
            checksum_sha256: meta.sums.sha256,
            ..CopyObjectResult::default()
        };
        Ok(CopyObjectOutput {
            copy_object_result: Some(result),
            ..CopyObjectOutput::default()
        })
    }

    pub(super) async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<DeleteObjectOutput> {
        let input = request.input;
        let store = self.store.clone();
        blocking(move || store.delete_object(&input.bucket, &input.key, input.if_match.as_ref())).await?;
        Ok(DeleteObjectOutput::default())
    }

    pub(super) async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<DeleteObjectsOutput> {
        let input = request.input;
        self.store.require_bucket(&input.bucket)?;
        let quiet = input.delete.quiet.unwrap_or(false);
        let store = self.store.clone();
        blocking(move || {
            let (mut deleted, mut errors) = (Vec::new(), Vec::new());
            for object in input.delete.objects {
                let matches = object.e_tag.map(ETagCondition::ETag);
                match store.delete_object(&input.bucket, &object.key, matches.as_ref()) {
                    Ok(()) => deleted.push(DeletedObject {
                        key: Some(object.key),
                        ..DeletedObject::default()
                    }),
                    Err(error) => errors.push(Error {
                        key: Some(object.key),
                        code: Some(error.code().as_str().to_owned()),
                        message: error.message().map(str::to_owned),
                        ..Error::default()
                    }),
                }
            }
            Ok(DeleteObjectsOutput {
                deleted: (!quiet).then_some(deleted),
                errors: Some(errors),
                ..DeleteObjectsOutput::default()
            })
        })
        .await
    }
}

/// Syncs a whole file and publishes it.
fn finish(store: &Store, temp: Temp, bucket: &str, key: &str, condition: &Condition) -> S3Result<()> {
    temp.file.sync_all().map_err(during("sync the object"))?;
    store.publish(&temp.path, bucket, key, condition)?;
    temp.placed();
    Ok(())
}

/// Bucket and key of a copy's source.
pub(super) fn copy_source(source: CopySource) -> S3Result<(String, String)> {
    match source {
        CopySource::Bucket {
            bucket,
            key,
            version_id: None,
        } => Ok((bucket.into(), key.into())),
        _ => Err(s3_error!(
            NotImplemented,
            "Only BUCKET/KEY without a version can be copied."
        )),
    }
}

/// Opens a copy's source if the conditions on it hold. Blocks.
pub(super) fn open_source(
    store: &Store,
    bucket: &str,
    key: &str,
    conditions: &ReadConditions,
) -> S3Result<Object> {
    let source = store.open_object(bucket, key)?;
    match conditions.check(&source.meta, source.modified) {
        Verdict::Proceed => Ok(source),
        // Not modified is a failed condition for a copy.
        _ => Err(s3_error!(
            PreconditionFailed,
            "At least one of the preconditions on the source did not hold."
        )),
    }
}

/// Copies an object's bytes inside the kernel (sharing them where the file system can). Blocks.
fn copy(source: &Object, target: &Temp) -> S3Result<()> {
    let whole = [(0, source.meta.size)];
    let extents = if source.meta.extents.is_empty() {
        &whole
    } else {
        source.meta.extents.as_slice()
    };
    let mut to = 0;
    for &(offset, bytes) in extents {
        let (mut from, end) = (offset, offset + bytes);
        while from < end {
            let want = usize::try_from(end - from).unwrap_or(usize::MAX);
            match rustix::fs::copy_file_range(
                &source.file,
                Some(&mut from),
                &target.file,
                Some(&mut to),
                want,
            ) {
                Ok(0) => return Err(during("copy the object")(io::ErrorKind::UnexpectedEof.into())),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(during("copy the object")(errno.into())),
            }
        }
    }
    Ok(())
}
