//! Download of one file: ranges side by side, handed on in order.

use super::buffers::Buffer;
use super::store::STALLED_AFTER;
use super::writer::{Wanted, Writer, folder_of};
use super::{Event, MIB, PARTS_AT_ONCE, Transfer, blocking};
use crate::{Error, Result};
use bitvault_api::{Content, Node, NodeKind};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::lock::Mutex;
use sha2::{Digest as _, Sha256};
use std::ops::Range;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tracing::Instrument as _;

/// Bytes asked for at once.
pub(super) const RANGE_BYTES: usize = 8 * MIB;
/// How often a presigned URL that has ended is asked for again, per range.
const PRESIGN_ATTEMPTS: u32 = 3;

/// A download that ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// Bytes of the content.
    pub size: u64,
    /// SHA-256 of the content in hex; verified.
    pub sha256: String,
}

/// A file on the server whose presigned URL is renewed when it ends.
struct Remote {
    node_id: String,
    version_id: Option<String>,
    content: Mutex<Content>,
}

/// A version of a file, to be read from any place on.
pub struct Version<'a> {
    transfer: &'a Transfer,
    remote: Remote,
}

impl Version<'_> {
    /// What the server promises of it; who reads the bytes checks them.
    pub async fn promised(&self) -> Downloaded {
        self.remote.promised().await
    }

    /// Its bytes, in order; pieces are fetched ahead.
    pub fn bytes(&self, range: Range<u64>) -> impl futures::Stream<Item = Result<Bytes>> + '_ {
        self.transfer.ranges(&self.remote, range)
    }
}

impl Transfer {
    /// Downloads the version that `node` shows to `dest`, replacing a file there, as `cp` does. A symbolic link at
    /// `dest` is followed.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Busy`], [`Error::Mismatch`], local writing, and whatever server or store refuse.
    pub async fn get_file(&self, node: &Node, dest: &Path) -> Result<Downloaded> {
        let span = tracing::info_span!("get file", otel.name = "get file", bitvault.node = %node.id);
        self.get_to(node, dest).instrument(span).await
    }

    async fn get_to(&self, node: &Node, dest: &Path) -> Result<Downloaded> {
        let remote = self.remote(node).await?;
        let Downloaded { size, sha256 } = remote.promised().await;
        let dest = dest.to_owned();
        let wanted = blocking(move || {
            Ok(Wanted {
                dest: destination(dest)?,
                size,
                sha256,
            })
        })
        .await?;
        // A prefix that a crash damaged is found by the hash at the end; then once more from the start.
        match self.write_file(&remote, wanted.clone(), true).await {
            Err((Error::Damaged { .. }, true)) => self.write_file(&remote, wanted, false).await,
            result => result,
        }
        .map_err(|(error, _)| error)?;
        Ok(remote.promised().await)
    }

    /// One try; with an error, whether it had gone on from an earlier run's bytes.
    async fn write_file(&self, remote: &Remote, wanted: Wanted, resume: bool) -> Result<(), (Error, bool)> {
        let size = wanted.size;
        let writer = blocking(move || Writer::open(wanted, resume))
            .await
            .map_err(|error| (error, false))?;
        let from = writer.at();
        self.progress
            .event(Event::Moved(i64::try_from(from).unwrap_or(i64::MAX)));
        let (send, arriving) = mpsc::channel(1);
        let writing = writer.run(arriving);
        let fetching = async {
            let mut ranges = std::pin::pin!(self.ranges(remote, from..size));
            while let Some(bytes) = ranges.next().await {
                // The writer has stopped: its error is the one to tell.
                if send.send(bytes?).await.is_err() {
                    break;
                }
            }
            drop(send);
            Ok(())
        };
        let (fetched, written) = futures::join!(fetching, writing);
        let finish = async {
            let writer = written?;
            fetched?;
            blocking(move || writer.finish()).await
        };
        finish.await.map_err(|error: Error| {
            if matches!(error, Error::Damaged { .. }) {
                self.progress
                    .event(Event::Moved(-i64::try_from(size).unwrap_or(i64::MAX)));
            }
            (error, from > 0)
        })
    }

    /// Writes the content of a file to `sink`. The hash is verified at the end: an error there means that what was
    /// written is not to be trusted.
    ///
    /// # Errors
    /// As [`Transfer::get_file`].
    pub async fn read_to(&self, node: &Node, sink: &mut (impl AsyncWrite + Unpin)) -> Result<Downloaded> {
        let remote = self.remote(node).await?;
        let promised = remote.promised().await;
        let local = |cause| Error::Local {
            path: PathBuf::from("output"),
            cause,
        };
        let mut hasher = Sha256::new();
        {
            let mut ranges = std::pin::pin!(self.ranges(&remote, 0..promised.size));
            while let Some(bytes) = ranges.next().await {
                let bytes: Bytes = bytes?;
                let seen = bytes.clone();
                hasher = blocking(move || {
                    hasher.update(&seen);
                    Ok(hasher)
                })
                .await?;
                sink.write_all(&bytes).await.map_err(local)?;
            }
        }
        sink.flush().await.map_err(local)?;
        let actual = hex::encode(hasher.finalize());
        if actual != promised.sha256 {
            let what = node.name.clone();
            return Err(Error::Damaged {
                what,
                expected: promised.sha256,
                actual,
            });
        }
        Ok(promised)
    }

    async fn remote(&self, node: &Node) -> Result<Remote> {
        if node.kind != NodeKind::File {
            return Err(Error::Mismatch {
                what: node.name.clone(),
                there: "folder",
            });
        }
        self.remote_of(node.id.clone(), node.version_id.clone()).await
    }

    async fn remote_of(&self, node_id: String, version_id: Option<String>) -> Result<Remote> {
        let content = self.client.content(&node_id, version_id.as_deref()).await?;
        Ok(Remote {
            node_id,
            version_id,
            content: Mutex::new(content),
        })
    }

    /// A version of a file, to be read.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn version(&self, node_id: &str, version_id: &str) -> Result<Version<'_>> {
        let remote = self
            .remote_of(node_id.to_owned(), Some(version_id.to_owned()))
            .await?;
        Ok(Version {
            transfer: self,
            remote,
        })
    }

    /// A version of a file whose bytes are where the server already said, to be read.
    pub fn version_at(&self, node_id: &str, version_id: &str, content: Content) -> Version<'_> {
        let remote = Remote {
            node_id: node_id.to_owned(),
            version_id: Some(version_id.to_owned()),
            content: Mutex::new(content),
        };
        Version {
            transfer: self,
            remote,
        }
    }

    /// The bytes of `range` in order; up to [`PARTS_AT_ONCE`] pieces are fetched ahead.
    fn ranges<'a>(
        &'a self,
        remote: &'a Remote,
        range: Range<u64>,
    ) -> impl futures::Stream<Item = Result<Bytes>> + 'a {
        // A content of one piece needs no range.
        let whole = range.start == 0 && range.end <= RANGE_BYTES as u64;
        futures::stream::iter(pieces(range))
            .map(move |piece| async move {
                let mut buffer = self.ranges.take().await;
                self.fetch(remote, piece, whole, &mut buffer)
                    .await
                    .map(|()| buffer.freeze())
            })
            .buffered(PARTS_AT_ONCE)
    }

    /// Fills `buffer` with the bytes of `range`; after a failure it goes on behind what has arrived.
    async fn fetch(
        &self,
        remote: &Remote,
        range: Range<u64>,
        whole: bool,
        buffer: &mut Buffer,
    ) -> Result<()> {
        let want = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let (mut attempt, mut presigned) = (1, 1);
        loop {
            let content = remote.content.lock().await.clone();
            let had = buffer.data().len();
            let from = range.start + had as u64;
            let asked = if whole && had == 0 {
                None
            } else {
                Some(from..range.end)
            };
            let error = match self.fetch_once(&content, asked, want, buffer).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if matches!(error, Error::Store { status: 403, .. }) && presigned < PRESIGN_ATTEMPTS {
                presigned += 1;
                self.renew(remote, &content.url).await?;
                continue;
            }
            // Progress begins the count anew: a long download over a bad line ends in the end.
            attempt = if buffer.data().len() > had { 1 } else { attempt + 1 };
            let Some(wait) = self
                .client
                .retry()
                .wait(attempt, None)
                .filter(|_| error.is_transient())
            else {
                return Err(error);
            };
            tracing::debug!(node = remote.node_id, attempt, %error, "repeat GET");
            tokio::time::sleep(wait).await;
        }
    }

    async fn fetch_once(
        &self,
        content: &Content,
        asked: Option<Range<u64>>,
        want: usize,
        buffer: &mut Buffer,
    ) -> Result<()> {
        let mut response = self.store.get(content, asked).await?;
        let url = response.url().clone();
        loop {
            let chunk = match tokio::time::timeout(STALLED_AFTER, response.chunk()).await {
                Ok(chunk) => chunk.map_err(|error| Error::transport(&url, &error))?,
                Err(_) => return Err(Error::no_answer(&url)),
            };
            let Some(chunk) = chunk else {
                break;
            };
            if buffer.data().len() + chunk.len() > want {
                return Err(Error::protocol(
                    "the store answered more bytes than were asked for",
                ));
            }
            buffer.data().extend_from_slice(&chunk);
            self.progress
                .event(Event::Moved(i64::try_from(chunk.len()).unwrap_or(i64::MAX)));
            self.store.arrived(chunk.len()).await;
        }
        if buffer.data().len() < want {
            return Err(Error::broken(&url, "the answer ended early".into()));
        }
        Ok(())
    }

    /// Asks for another URL in place of `ended`, unless somebody did so already.
    async fn renew(&self, remote: &Remote, ended: &str) -> Result<()> {
        let mut content = remote.content.lock().await;
        if content.url == ended {
            *content = self
                .client
                .content(&remote.node_id, remote.version_id.as_deref())
                .await?;
        }
        Ok(())
    }
}

impl Remote {
    async fn promised(&self) -> Downloaded {
        let content = self.content.lock().await;
        Downloaded {
            size: content.size,
            sha256: content.sha256.clone(),
        }
    }
}

fn pieces(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let end = range.end;
    range
        .step_by(RANGE_BYTES)
        .map(move |start| start..end.min(start + RANGE_BYTES as u64))
}

/// Where the bytes really go: behind a symbolic link, into a folder that exists, and never over something that is not
/// a file.
fn destination(dest: PathBuf) -> Result<PathBuf> {
    let local = |path: &Path, cause| Error::Local {
        path: path.to_owned(),
        cause,
    };
    let dest = match std::fs::symlink_metadata(&dest) {
        Ok(metadata) if metadata.is_symlink() => dest.canonicalize().map_err(|cause| local(&dest, cause))?,
        _ => dest,
    };
    match std::fs::metadata(&dest) {
        Ok(metadata) if metadata.is_file() => Ok(dest),
        Ok(metadata) if metadata.is_dir() => Err(local(
            &dest,
            std::io::Error::from(std::io::ErrorKind::IsADirectory),
        )),
        Ok(_) => Err(local(&dest, std::io::Error::other("not a regular file"))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let folder = folder_of(&dest);
            std::fs::metadata(folder).map_err(|cause| local(folder, cause))?;
            Ok(dest)
        }
        Err(cause) => Err(local(&dest, cause)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_a_range_in_order() {
        let piece = RANGE_BYTES as u64;
        assert_eq!(pieces(0..0).count(), 0);
        assert!(pieces(3..5).eq(std::iter::once(3..5)));
        assert_eq!(
            pieces(1..2 * piece).collect::<Vec<_>>(),
            [1..piece + 1, piece + 1..2 * piece]
        );
    }

    #[test]
    fn a_download_goes_behind_a_link_and_never_over_a_folder() {
        let dir = tempfile::tempdir().expect("dir");
        let file = dir.path().join("f");
        assert_eq!(destination(file.clone()).expect("new"), file);
        assert!(destination(dir.path().to_owned()).is_err());
        assert!(destination(dir.path().join("missing/f")).is_err());
        #[cfg(unix)]
        {
            std::fs::write(&file, b"x").expect("write");
            std::os::unix::fs::symlink(&file, dir.path().join("link")).expect("link");
            let real = file.canonicalize().expect("real");
            assert_eq!(destination(dir.path().join("link")).expect("link"), real);
        }
    }
}
