//! The parts of one upload: read and hashed in order on one thread, sent side by side.

use super::buffers::Pool;
use super::record::{Record, SentPart};
use super::source::Source;
use super::store::{Stored, Traced};
use super::upload::PRESIGN_ATTEMPTS;
use super::{Event, MEMORY_BYTES, PARTS_AT_ONCE, STEP_BYTES, Transfer};
use crate::{Error, Result};
use bitvault_api::{Upload, UploadPart};
use bytes::Bytes;
use futures::StreamExt as _;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Parts that get a span of their own; the rest of a very large file only counts.
const PARTS_WITH_SPAN: u32 = 64;

/// Where the bytes come from.
pub(super) enum Content {
    /// Memory; the caller knows the hash of the whole.
    Whole(Bytes),
    /// A file, hashed as it is read.
    File(Source),
}

/// How content is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cut {
    size: u64,
    part_size: u64,
    count: u32,
}

impl Cut {
    fn of(upload: &Upload, size: u64) -> Result<Self> {
        let cut = Self {
            size,
            part_size: upload.part_size,
            count: upload.part_count,
        };
        if upload.part_size == 0 || size.div_ceil(upload.part_size).max(1) != u64::from(upload.part_count) {
            let Self { part_size, count, .. } = cut;
            return Err(Error::protocol(format!(
                "{count} parts of {part_size} bytes don't make {size} bytes"
            )));
        }
        Ok(cut)
    }

    /// Offset and length of part `number`, from 1.
    fn part(&self, number: u32) -> (u64, usize) {
        let offset = u64::from(number - 1) * self.part_size;
        (
            offset,
            usize::try_from(self.part_size.min(self.size - offset)).unwrap_or(usize::MAX),
        )
    }
}

struct Piece {
    number: u32,
    sha256: String,
    bytes: Bytes,
}

impl Transfer {
    /// Sends the parts that the store does not hold yet. Answers all parts in order and, for a file, the SHA-256 of
    /// the whole in hex.
    pub(super) async fn send_parts(
        &self,
        upload: &Upload,
        size: u64,
        content: Content,
        mut record: Option<&mut Record>,
        known: Option<BTreeMap<u32, SentPart>>,
    ) -> Result<(Vec<UploadPart>, Option<String>)> {
        let cut = Cut::of(upload, size)?;
        let held: HashMap<u32, &str> = upload
            .uploaded
            .iter()
            .map(|part| (part.number, tag(&part.etag)))
            .collect();
        let mut known = known.unwrap_or_default();
        known.retain(|number, part| held.get(number) == Some(&tag(&part.etag)));

        let in_memory = MEMORY_BYTES / 2 / usize::try_from(cut.part_size).unwrap_or(usize::MAX).max(1);
        let at_once = in_memory.saturating_sub(1).clamp(1, PARTS_AT_ONCE);
        let (pieces, arriving) = mpsc::channel(1);
        let reading = tokio::task::spawn_blocking(move || match content {
            Content::Whole(bytes) => cut_memory(&bytes, cut, &pieces).map(|()| None),
            Content::File(source) => read_file(source, cut, at_once + 1, &pieces).map(Some),
        });

        let mut sending = ReceiverStream::new(arriving)
            .map(|piece| self.send_piece(&upload.upload_id, piece, &known))
            .buffer_unordered(at_once);
        let mut sent = BTreeMap::new();
        let mut failed = None;
        while let Some(result) = sending.next().await {
            match result {
                Ok((part, fresh)) => {
                    if let (true, Some(record)) = (fresh, record.as_deref_mut()) {
                        record.sent(&part)?;
                    }
                    sent.insert(part.number, UploadPart::from(&part));
                }
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        // Closes the channel, so that the reader stops when sending failed.
        drop(sending);
        let read = reading
            .await
            .map_err(|error| Error::protocol(format!("the reader ended early: {error}")))?;
        if let Some(error) = failed {
            return Err(error);
        }
        let sha256 = read?;
        if sent.len() != cut.count as usize {
            return Err(Error::protocol(format!(
                "sent {} of {} parts",
                sent.len(),
                cut.count
            )));
        }
        Ok((sent.into_values().collect(), sha256))
    }

    /// The part as the store holds it, and whether it was sent just now.
    async fn send_piece(
        &self,
        upload_id: &str,
        piece: Piece,
        known: &BTreeMap<u32, SentPart>,
    ) -> Result<(SentPart, bool)> {
        let Piece {
            number,
            sha256,
            bytes,
        } = piece;
        if let Some(part) = known.get(&number).filter(|part| part.sha256 == sha256) {
            self.progress
                .event(Event::Moved(i64::try_from(bytes.len()).unwrap_or(i64::MAX)));
            return Ok((part.clone(), false));
        }
        let traced = if number <= PARTS_WITH_SPAN {
            Traced::Span
        } else {
            Traced::Unsampled
        };
        let mut attempt = 1;
        loop {
            let request = self.presign(upload_id, number, &sha256).await?;
            match self.store.put(&request, bytes.clone(), traced).await {
                Ok(Stored::Now { etag: Some(etag) }) => return Ok((SentPart { number, sha256, etag }, true)),
                Ok(_) => {
                    return Err(Error::protocol(format!(
                        "the store took part {number} without naming its tag"
                    )));
                }
                Err(Error::Store { status: 403, .. }) if attempt < PRESIGN_ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

/// A store's tag without quotes: some answer it with, some list it without.
fn tag(etag: &str) -> &str {
    etag.trim_matches('"')
}

/// The receiver is gone: sending failed, and its error is the one to tell.
fn stopped() -> Error {
    Error::protocol("the upload stopped")
}

fn cut_memory(bytes: &Bytes, cut: Cut, pieces: &mpsc::Sender<Piece>) -> Result<()> {
    for number in 1..=cut.count {
        let (offset, length) = cut.part(number);
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = bytes.slice(offset..offset + length);
        let sha256 = hex::encode(Sha256::digest(&bytes));
        pieces
            .blocking_send(Piece {
                number,
                sha256,
                bytes,
            })
            .map_err(|_| stopped())?;
    }
    Ok(())
}

/// Reads a file once: both hashes see each step while it is in the processor's cache.
fn read_file(mut source: Source, cut: Cut, buffers: usize, pieces: &mpsc::Sender<Piece>) -> Result<String> {
    let (_, largest) = cut.part(1);
    let pool = Pool::new(largest.next_multiple_of(STEP_BYTES), buffers);
    let runtime = Handle::current();
    let mut whole = Sha256::new();
    for number in 1..=cut.count {
        let (_, length) = cut.part(number);
        let mut buffer = runtime.block_on(pool.take());
        let mut part = Sha256::new();
        source.read(length, buffer.data(), |step| {
            part.update(step);
            whole.update(step);
        })?;
        let piece = Piece {
            number,
            sha256: hex::encode(part.finalize()),
            bytes: buffer.freeze(),
        };
        pieces.blocking_send(piece).map_err(|_| stopped())?;
    }
    source.still()?;
    Ok(hex::encode(whole.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitvault_api::UploadState;

    fn upload(part_size: u64, part_count: u32) -> Upload {
        Upload {
            upload_id: "upl_1".into(),
            state: UploadState::Staging,
            multipart: true,
            part_size,
            part_count,
            parts: Vec::new(),
            uploaded: Vec::new(),
            expires_at: time::OffsetDateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn parts_cover_the_content_without_gap_or_overlap() {
        for (size, part_size, count) in [(10, 4, 3), (8, 4, 2), (1, 4, 1), (0, 4, 1)] {
            let cut = Cut::of(&upload(part_size, count), size).expect("cut");
            let mut end = 0;
            for number in 1..=count {
                let (offset, length) = cut.part(number);
                assert_eq!(offset, end);
                end += length as u64;
            }
            assert_eq!(end, size);
        }
    }

    #[test]
    fn parts_that_do_not_make_the_size_are_refused() {
        for (size, part_size, count) in [(10, 4, 2), (10, 4, 4), (10, 0, 1)] {
            assert!(Cut::of(&upload(part_size, count), size).is_err());
        }
    }

    #[tokio::test]
    async fn a_file_is_read_once_into_pieces_that_hash_like_the_whole() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("f");
        let content: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
        std::fs::write(&path, &content).expect("write");
        let cut = Cut::of(&upload(300_000, 4), 1_000_000).expect("cut");
        let (pieces, mut arriving) = mpsc::channel(1);
        let reading = tokio::task::spawn_blocking(move || {
            read_file(Source::open(&path).expect("open"), cut, 2, &pieces).expect("read")
        });
        let mut all = Vec::new();
        while let Some(piece) = arriving.recv().await {
            assert_eq!(piece.sha256, hex::encode(Sha256::digest(&piece.bytes)));
            all.extend_from_slice(&piece.bytes);
        }
        assert_eq!(all, content);
        assert_eq!(
            reading.await.expect("reader"),
            hex::encode(Sha256::digest(&content))
        );
    }
}
