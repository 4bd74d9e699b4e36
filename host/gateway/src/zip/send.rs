use super::pipe::Pipe;
use super::{Entry, File};
use crate::state::AppState;
use crate::visitor::Visitor;
use axum::body::Body;
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1 as rpc;
use bytes::Bytes;
use futures::StreamExt as _;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Pieces that wait for the client, of one read from the store each.
const PIECES: usize = 4;
/// How long a link that was ended may go on being read, between two files.
const CHECKED_EVERY: Duration = Duration::from_secs(1);
/// From this size on an entry needs 64 bits for it.
const LARGE_BYTES: u64 = 0xffff_ffff;

type Zip = ZipWriter<StreamWriter<Pipe>>;
type Pieces = mpsc::Sender<Bytes>;

/// The archive as a body. What it needs it reads in the caller's name; a visitor's link is looked at again on the way.
pub(crate) fn send(
    state: AppState,
    ctx: Ctx,
    visitor: Option<Visitor>,
    entries: Vec<Entry>,
    place: OwnedSemaphorePermit,
) -> Body {
    let (pieces, taken) = mpsc::channel(PIECES);
    let complete = Arc::new(AtomicBool::new(false));
    let end = Arc::clone(&complete);
    let mut sending = Sending {
        state,
        ctx,
        visitor,
        checked_at: Instant::now(),
        pipe: Pipe::default(),
        pieces,
    };
    tokio::spawn(async move {
        let _held = place;
        // The channel closes after that.
        if sending.run(entries).await {
            complete.store(true, Ordering::Release);
        }
    });
    // An archive that is not complete breaks the connection off: a plain end would look complete.
    let broken = futures::stream::once(std::future::ready(())).filter_map(move |()| {
        let broken = !end.load(Ordering::Acquire);
        std::future::ready(broken.then(|| Err(io::Error::other("the archive is not complete"))))
    });
    Body::from_stream(ReceiverStream::new(taken).map(Ok).chain(broken))
}

struct Sending {
    state: AppState,
    ctx: Ctx,
    visitor: Option<Visitor>,
    checked_at: Instant,
    pipe: Pipe,
    pieces: Pieces,
}

/// Why an archive ends early.
enum Broken {
    /// The client is gone, or takes nothing any more: no event worth a line.
    ClientGone,
    Failed(Error),
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Sending {
    /// Whether all of it was handed on.
    async fn run(&mut self, entries: Vec<Entry>) -> bool {
        match self.write(entries).await {
            Ok(()) => true,
            Err(Broken::ClientGone) => false,
            Err(Broken::Failed(error)) => {
                tracing::warn!(%error, "send an archive");
                false
            }
        }
    }

    async fn write(&mut self, entries: Vec<Entry>) -> Result<(), Broken> {
        let mut zip = ZipWriter::new_stream(self.pipe.clone());
        for entry in entries {
            match &entry.file {
                None => {
                    let added = zip.add_directory(entry.path.as_str(), options(&entry));
                    added.map_err(|cause| Error::internal("write an archive", cause))?;
                    self.pass_on().await?;
                }
                Some(file) => self.write_file(&mut zip, &entry, file).await?,
            }
        }
        zip.finish()
            .map_err(|cause| Error::internal("finish an archive", cause))?;
        self.pass_on().await
    }

    async fn write_file(&mut self, zip: &mut Zip, entry: &Entry, file: &File) -> Result<(), Broken> {
        let mut content = self.open(file).await?;
        zip.start_file(entry.path.as_str(), options(entry))
            .map_err(|cause| Error::internal("write an archive", cause))?;
        let mut left = file.size;
        loop {
            let piece = content.chunk().await;
            let piece = piece.map_err(|cause| Error::unavailable("store", cause.without_url()))?;
            let Some(piece) = piece else { break };
            let length = piece.len() as u64;
            left = left
                .checked_sub(length)
                .ok_or_else(|| Error::internal("read a file for an archive", "it is longer than it was"))?;
            zip.write_all(&piece)
                .map_err(|cause| Error::internal("write an archive", cause))?;
            self.pass_on().await?;
        }
        if left > 0 {
            return Err(Error::internal("read a file for an archive", "it ended early").into());
        }
        Ok(())
    }

    /// The bytes of a file, from the store.
    async fn open(&mut self, file: &File) -> Result<reqwest::Response, Error> {
        if let Some(visitor) = &self.visitor
            && self.checked_at.elapsed() >= CHECKED_EVERY
        {
            visitor.still_open(&self.state).await?;
            self.checked_at = Instant::now();
        }
        let request = self.ctx.request(rpc::GetContentRequest {
            node_id: file.node_id.clone(),
            version_id: Some(file.version_id.clone()),
            attachment: true,
        });
        let mut files = self.state.files();
        let content = Box::pin(async move { files.get_content(request).await }).await?;
        let presigned = content.into_inner().request.unwrap_or_default();
        let mut request = self.state.archives.store.get(presigned.url);
        for (name, value) in presigned.headers.iter().filter(|(name, _)| *name != "host") {
            request = request.header(name, value);
        }
        let response = request.send().await;
        let response = response.and_then(reqwest::Response::error_for_status);
        response.map_err(|cause| Error::unavailable("store", cause.without_url()))
    }

    /// Hands on what was written, and waits while the client has enough.
    async fn pass_on(&self) -> Result<(), Broken> {
        let written = self.pipe.take();
        if written.is_empty() {
            return Ok(());
        }
        let stall = self.state.config.zip.stall_timeout;
        match self.pieces.send_timeout(written, stall).await {
            Ok(()) => Ok(()),
            Err(_stalled_or_gone) => Err(Broken::ClientGone),
        }
    }
}

fn options(entry: &Entry) -> SimpleFileOptions {
    let size = entry.file.as_ref().map_or(0, |file| file.size);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .large_file(size >= LARGE_BYTES);
    match dos_time(entry.modified) {
        Some(time) => options.last_modified_time(time),
        None => options,
    }
}

/// A time as archives have it: UTC, to two seconds, from 1980 on.
fn dos_time(seconds: i64) -> Option<DateTime> {
    let at = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    let year = u16::try_from(at.year()).ok()?;
    DateTime::from_date_and_time(
        year,
        at.month().into(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
    )
    .ok()
}
