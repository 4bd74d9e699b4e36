//! Receiving a body: hashing, checking and writing it.
//!
//! Bodies up to [`SMALL_BYTES`] are collected and written in one go. Larger ones are written in batches on a blocking
//! thread while the next batch is received, so a request holds at most two batches in memory and no blocking thread
//! while its client is slow.

use std::fs::File;
use std::io::{self, IoSlice};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures::StreamExt;
use s3s::crypto::{Checksum, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use crate::error::{during, spawn_blocking};
use crate::store::object::Sums;

/// Bodies up to this size are collected in memory.
pub(crate) const SMALL_BYTES: u64 = 256 * 1024;

/// Bytes handed to the blocking thread at once.
const BATCH_BYTES: usize = 1 << 20;

/// Bytes after which a sync is begun while the rest of the body is received, so that disk and network work together.
const FLUSH_BYTES: u64 = 32 << 20;

/// Slices per vectored write; Linux takes up to 1024.
const SLICES_MAX: usize = 512;

/// What the client says about the body, from headers or trailers; base64 each.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Claims {
    pub(crate) sums: Sums,
    pub(crate) md5: Option<String>,
    /// SHA-256 that s3s has checked by the end of the body without an error (`x-amz-content-sha256` of a signed header).
    pub(crate) verified_sha256: Option<[u8; 32]>,
}

/// Which checksums to compute besides SHA-256.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) crc32: bool,
    pub(crate) crc32c: bool,
    pub(crate) crc64nvme: bool,
    pub(crate) sha1: bool,
    pub(crate) md5: bool,
    /// SHA-256 is known already.
    pub(crate) skip_sha256: bool,
}

impl Wanted {
    /// What it takes to check the claims, the trailers that were announced and an upload's own algorithm.
    pub(crate) fn new(claims: &Claims, announced: &str, algorithm: Option<&str>) -> Self {
        let named = |name: &str| {
            announced.split(',').any(|trailer| {
                trailer
                    .trim()
                    .eq_ignore_ascii_case(&format!("x-amz-checksum-{name}"))
            }) || algorithm.is_some_and(|algorithm| algorithm.eq_ignore_ascii_case(name))
        };
        Self {
            crc32: claims.sums.crc32.is_some() || named("crc32"),
            crc32c: claims.sums.crc32c.is_some() || named("crc32c"),
            crc64nvme: claims.sums.crc64nvme.is_some() || named("crc64nvme"),
            sha1: claims.sums.sha1.is_some() || named("sha1"),
            md5: claims.md5.is_some(),
            skip_sha256: claims.verified_sha256.is_some(),
        }
    }
}

/// Checksums in the making.
#[derive(Default)]
pub(crate) struct Digests {
    sha256: Option<Sha256>,
    crc32: Option<Crc32>,
    crc32c: Option<Crc32c>,
    crc64nvme: Option<Crc64Nvme>,
    sha1: Option<Sha1>,
    md5: Option<Md5>,
}

/// Finished checksums.
pub(crate) struct Digested {
    /// What was computed, and SHA-256 if that was.
    pub(crate) sums: Sums,
    md5: Option<String>,
    sha256: Option<[u8; 32]>,
}

impl Digests {
    pub(crate) fn new(wanted: Wanted) -> Self {
        Self {
            sha256: (!wanted.skip_sha256).then(Sha256::new),
            crc32: wanted.crc32.then(Crc32::new),
            crc32c: wanted.crc32c.then(Crc32c::new),
            crc64nvme: wanted.crc64nvme.then(Crc64Nvme::new),
            sha1: wanted.sha1.then(Sha1::new),
            md5: wanted.md5.then(Md5::new),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        fn update(hasher: &mut Option<impl Checksum>, bytes: &[u8]) {
            if let Some(hasher) = hasher {
                hasher.update(bytes);
            }
        }
        update(&mut self.sha256, bytes);
        update(&mut self.crc32, bytes);
        update(&mut self.crc32c, bytes);
        update(&mut self.crc64nvme, bytes);
        update(&mut self.sha1, bytes);
        update(&mut self.md5, bytes);
    }

    pub(crate) fn finish(self) -> Digested {
        fn base64(hasher: Option<impl Checksum>) -> Option<String> {
            hasher.map(|hasher| BASE64.encode(hasher.finalize()))
        }
        let sha256 = self.sha256.map(Checksum::finalize);
        let sums = Sums {
            crc32: base64(self.crc32),
            crc32c: base64(self.crc32c),
            crc64nvme: base64(self.crc64nvme),
            sha1: base64(self.sha1),
            sha256: sha256.map(|digest| BASE64.encode(digest)),
            composite: false,
        };
        Digested {
            sums,
            md5: base64(self.md5),
            sha256,
        }
    }
}

impl Digested {
    /// Compares with what was claimed. Gives the checksums to keep and the SHA-256.
    pub(crate) fn check(mut self, claims: &Claims) -> S3Result<(Sums, [u8; 32])> {
        let sha256 = self.sha256.or(claims.verified_sha256);
        let sha256 = sha256.ok_or_else(|| s3_error!(InternalError, "The body was not hashed."))?;
        self.sums.sha256 = Some(BASE64.encode(sha256));
        let pairs = [
            ("x-amz-checksum-crc32", &claims.sums.crc32, &self.sums.crc32),
            ("x-amz-checksum-crc32c", &claims.sums.crc32c, &self.sums.crc32c),
            (
                "x-amz-checksum-crc64nvme",
                &claims.sums.crc64nvme,
                &self.sums.crc64nvme,
            ),
            ("x-amz-checksum-sha1", &claims.sums.sha1, &self.sums.sha1),
            ("x-amz-checksum-sha256", &claims.sums.sha256, &self.sums.sha256),
            ("Content-MD5", &claims.md5, &self.md5),
        ];
        for (name, claimed, computed) in pairs {
            if claimed.is_some() && claimed != computed {
                return Err(s3_error!(
                    BadDigest,
                    "The {name} you specified did not match what we received."
                ));
            }
        }
        Ok((self.sums, sha256))
    }
}

/// An opaque tag of bytes with this hash. The suffix keeps clients from taking it for an MD5.
pub(crate) fn etag(sha256: &[u8; 32], parts: usize) -> String {
    format!("{}-{parts}", hex::encode(&sha256[..16]))
}

/// A body of a declared length. Gives chunks and fails on the first byte too many or too few.
pub(crate) struct Incoming {
    body: Option<StreamingBlob>,
    remaining: u64,
    idle: Duration,
}

impl Incoming {
    pub(crate) fn new(body: Option<StreamingBlob>, length: u64, idle: Duration) -> Self {
        Self {
            body,
            remaining: length,
            idle,
        }
    }

    pub(crate) async fn next(&mut self) -> S3Result<Option<Bytes>> {
        let chunk = match &mut self.body {
            Some(body) => match tokio::time::timeout(self.idle, body.next()).await {
                Ok(chunk) => chunk.transpose().map_err(|error| body_error(error.as_ref()))?,
                Err(_) => return Err(s3_error!(RequestTimeout, "The body made no progress in time.")),
            },
            None => None,
        };
        match &chunk {
            Some(bytes) => match self.remaining.checked_sub(bytes.len() as u64) {
                Some(remaining) => self.remaining = remaining,
                None => {
                    return Err(s3_error!(
                        IncompleteBody,
                        "The body is longer than its declared length."
                    ));
                }
            },
            None if self.remaining > 0 => {
                return Err(s3_error!(
                    IncompleteBody,
                    "The body is shorter than its declared length."
                ));
            }
            None => {}
        }
        Ok(chunk)
    }

    /// The whole body, with `spare` bytes of capacity left behind it.
    pub(crate) async fn collect(mut self, spare: usize) -> S3Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.remaining).unwrap_or(0) + spare);
        while let Some(chunk) = self.next().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// Writes the body at `offset` of the target's file.
    pub(crate) async fn write<T: Target>(
        mut self,
        target: T,
        offset: u64,
        digests: Digests,
    ) -> S3Result<Written<T>> {
        let mut idle = Some(Written {
            target,
            position: offset,
            digests,
        });
        let mut writing: Option<Writing<T>> = None;
        let mut flusher = Flusher {
            running: None,
            begun_at: offset,
        };
        loop {
            let batch = self.batch().await;
            // Also if the body failed: the answer is sent when the target is cleaned up, not before.
            if let Some(task) = writing.take() {
                idle = Some(
                    task.await
                        .map_err(io::Error::other)
                        .map_err(during("write the body"))??,
                );
            }
            if !batch.as_ref().is_ok_and(|batch| !batch.is_empty()) {
                flusher.wait().await?;
            }
            let batch = batch?;
            let Some(mut sink) = idle.take() else {
                return Err(s3_error!(InternalError, "The writer was lost."));
            };
            if batch.is_empty() {
                return Ok(sink);
            }
            flusher.step(sink.target.file(), sink.position).await?;
            writing = Some(spawn_blocking(move || {
                sink.write(&batch)?;
                Ok(sink)
            }));
        }
    }

    /// Chunks of about [`BATCH_BYTES`]; none at the end.
    async fn batch(&mut self) -> S3Result<Vec<Bytes>> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while bytes < BATCH_BYTES {
            let Some(chunk) = self.next().await? else { break };
            bytes += chunk.len();
            if !chunk.is_empty() {
                batch.push(chunk);
            }
        }
        Ok(batch)
    }
}

/// Syncs that run ahead of the last one, one at a time.
struct Flusher {
    running: Option<tokio::task::JoinHandle<S3Result<()>>>,
    /// Position of the writer when the newest one began.
    begun_at: u64,
}

impl Flusher {
    async fn step(&mut self, file: &File, position: u64) -> S3Result<()> {
        if self.running.as_ref().is_some_and(|task| task.is_finished()) {
            self.wait().await?;
        }
        if self.running.is_none() && position - self.begun_at >= FLUSH_BYTES {
            self.begun_at = position;
            let file = file.try_clone().map_err(during("sync the body"))?;
            self.running = Some(spawn_blocking(move || {
                file.sync_data().map_err(during("sync the body"))
            }));
        }
        Ok(())
    }

    /// An error must be told here: the system reports it once.
    async fn wait(&mut self) -> S3Result<()> {
        match self.running.take() {
            Some(task) => task
                .await
                .map_err(io::Error::other)
                .map_err(during("sync the body"))?,
            None => Ok(()),
        }
    }
}

type Writing<T> = tokio::task::JoinHandle<S3Result<Written<T>>>;

/// What owns the file that a body is written to, and cleans up if it is dropped before the body is whole.
pub(crate) trait Target: Send + 'static {
    fn file(&self) -> &File;
}

impl Target for crate::store::Temp {
    fn file(&self) -> &File {
        &self.file
    }
}

impl Target for crate::store::uploads::Region {
    fn file(&self) -> &File {
        &self.file
    }
}

/// A target and how far it has come.
pub(crate) struct Written<T> {
    pub(crate) target: T,
    pub(crate) position: u64,
    pub(crate) digests: Digests,
}

impl<T: Target> Written<T> {
    /// Hashes and writes. Blocks.
    pub(crate) fn write(&mut self, batch: &[Bytes]) -> S3Result<()> {
        for chunk in batch {
            self.digests.update(chunk);
        }
        let mut slices: Vec<IoSlice<'_>> = batch.iter().map(|chunk| IoSlice::new(chunk)).collect();
        let mut rest = slices.as_mut_slice();
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            let count = rest.len().min(SLICES_MAX);
            let result = rustix::io::pwritev(self.target.file(), &rest[..count], self.position);
            match result {
                Ok(0) => return Err(during("write the body")(io::ErrorKind::WriteZero.into())),
                Ok(bytes) => {
                    self.position += bytes as u64;
                    IoSlice::advance_slices(&mut rest, bytes);
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(during("write the body")(errno.into())),
            }
        }
        Ok(())
    }
}

/// s3s checks `x-amz-content-sha256` and chunk signatures while the body is read, but its error types are private.
fn body_error(error: &(dyn std::error::Error + Send + Sync + 'static)) -> S3Error {
    let text = error.to_string();
    if text.contains("Sha256Mismatch") {
        S3Error::with_message(
            S3ErrorCode::BadDigest,
            "The x-amz-content-sha256 you specified did not match what we received.",
        )
    } else if text.contains("SignatureMismatch") {
        s3_error!(SignatureDoesNotMatch, "A chunk's signature does not match.")
    } else {
        tracing::debug!(error = text, "body ended early");
        s3_error!(
            IncompleteBody,
            "The body ended before its declared length or was malformed."
        )
    }
}
