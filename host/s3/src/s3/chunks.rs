//! The body of a large answer: an object's bytes in chunks, one read ahead of the network.
//!
//! Chunks count against memory that all connections share, until they have been sent. When it is used up (by clients that
//! don't read) others go on in small chunks: slower, but nobody waits for a client, and memory stays bounded.

use std::io;
use std::ops::Range as Bounds;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use s3s::S3Result;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use super::read::read;
use crate::error::spawn_blocking;
use crate::store::object::Object;

/// Bytes per read while there is memory.
const CHUNK_BYTES: u64 = 1024 * 1024;

/// Bytes per read when there is none.
const SMALL_CHUNK_BYTES: u64 = 64 * 1024;

/// Memory for chunks. Clones share it.
#[derive(Clone)]
pub(crate) struct ReadAhead(Arc<Semaphore>);

impl ReadAhead {
    /// Room for so many bytes of large chunks.
    pub(crate) fn new(bytes: u64) -> Self {
        let chunks = usize::try_from(bytes / CHUNK_BYTES).unwrap_or(Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(chunks.min(Semaphore::MAX_PERMITS))))
    }
}

/// A chunk and its place in memory, given back when the last user of the bytes is gone.
struct Chunk {
    bytes: Vec<u8>,
    _place: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The wanted bytes of an object as a body that knows its length.
pub(super) struct Chunks {
    object: Arc<Object>,
    /// What has not been asked of the disk yet.
    rest: Bounds<u64>,
    /// Bytes not handed over yet.
    length: u64,
    reading: Option<JoinHandle<S3Result<Chunk>>>,
    read_ahead: ReadAhead,
}

impl Chunks {
    /// `wanted` lies inside the object. Call on a runtime: the first read begins at once.
    pub(super) fn new(object: Object, wanted: Bounds<u64>, read_ahead: ReadAhead) -> Self {
        let mut chunks = Self {
            object: Arc::new(object),
            length: wanted.end - wanted.start,
            rest: wanted,
            reading: None,
            read_ahead,
        };
        chunks.read_on();
        chunks
    }

    fn read_on(&mut self) {
        if self.rest.is_empty() {
            return;
        }
        let place = self.read_ahead.0.clone().try_acquire_owned().ok();
        let bytes = if place.is_some() {
            CHUNK_BYTES
        } else {
            SMALL_CHUNK_BYTES
        };
        let end = self.rest.end.min(self.rest.start + bytes);
        let (object, wanted) = (self.object.clone(), self.rest.start..end);
        self.rest.start = end;
        self.reading = Some(spawn_blocking(move || {
            let bytes = read(&object, wanted)?;
            Ok(Chunk { bytes, _place: place })
        }));
    }
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let Some(reading) = &mut self.reading else {
            return Poll::Ready(None);
        };
        let read = ready!(Pin::new(reading).poll(context));
        self.reading = None;
        let chunk = match read {
            Ok(Ok(chunk)) => chunk,
            Ok(Err(error)) => return Poll::Ready(Some(Err(io::Error::other(error)))),
            Err(error) => return Poll::Ready(Some(Err(io::Error::other(error)))),
        };
        self.read_on();
        self.length = self.length.saturating_sub(chunk.bytes.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(chunk)))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::object::Meta;
    use http_body_util::BodyExt as _;

    /// An object of so many bytes, which tell their positions.
    fn object(folder: &tempfile::TempDir, size: usize) -> (Object, Vec<u8>) {
        let content: Vec<u8> = (0..size).map(|at| (at * 7 + at / 251) as u8).collect();
        let meta = Meta {
            size: size as u64,
            ..Meta::default()
        };
        let path = folder.path().join("object");
        let mut whole = content.clone();
        whole.extend(meta.encode(size as u64).unwrap());
        std::fs::write(&path, whole).unwrap();
        (Object::open(&path).unwrap(), content)
    }

    #[tokio::test]
    async fn clients_that_do_not_read_leave_others_small_chunks_and_give_their_memory_back() {
        let folder = tempfile::tempdir().unwrap();
        let memory = ReadAhead::new(3 * CHUNK_BYTES);
        let (stuck, _) = object(&folder, 3 << 20);
        let mut stuck = Chunks::new(stuck, 0..3 << 20, memory.clone());
        let held = [stuck.frame().await, stuck.frame().await];
        assert_eq!(memory.0.available_permits(), 0);

        let (other, content) = object(&folder, 300_000);
        let mut other = Chunks::new(other, 10..300_000, memory.clone());
        assert_eq!(other.size_hint().exact(), Some(299_990));
        let first = other.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first.len() as u64, SMALL_CHUNK_BYTES);
        let rest = other.collect().await.unwrap().to_bytes();
        assert_eq!([first, rest].concat(), content[10..]);

        drop((held, stuck));
        // One read may still be on its way.
        while memory.0.available_permits() < 3 {
            tokio::task::yield_now().await;
        }
    }
}
