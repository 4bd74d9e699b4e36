//! Errors of opening and serving, and how an error of the file system becomes an answer.

use std::io;
use std::path::PathBuf;

use s3s::{S3Error, S3ErrorCode};

/// Why an endpoint could not be opened or stopped serving.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A value of the configuration can't be used.
    #[error("configuration of the S3 endpoint: {field} {reason}")]
    Config {
        /// Name of the field in [`Config`](crate::Config).
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Another process (or endpoint) has this folder open.
    #[error("{} is in use by another process", .0.display())]
    Locked(PathBuf),
    /// The folder can't be written, synced or read.
    #[error("{what} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb phrase.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The listener failed for good.
    #[error("accept connections: {0}")]
    Accept(io::Error),
}

/// An error of the file system as an answer: a full disk is told as 507 `InsufficientStorage`, everything else as 500,
/// logged here with what was tried.
pub(crate) fn io_error(what: &'static str, error: io::Error) -> S3Error {
    if matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    ) {
        tracing::warn!(%error, "{what}: no space");
        let mut answer = S3Error::with_message(
            S3ErrorCode::Custom("InsufficientStorage".into()),
            "The disk is full; nothing was stored: free space on it, then send it again.",
        );
        answer.set_status_code(::http::StatusCode::INSUFFICIENT_STORAGE);
        return answer;
    }
    tracing::error!(%error, "{what}");
    S3Error::with_message(
        S3ErrorCode::InternalError,
        format!("{what} failed; the server's log has the reason"),
    )
}

/// Like [`io_error`], for use in `map_err`.
pub(crate) fn during(what: &'static str) -> impl FnOnce(io::Error) -> S3Error {
    move |error| io_error(what, error)
}

/// Starts file system work off the async threads, in the current span.
pub(crate) fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> s3s::S3Result<T> + Send + 'static,
) -> tokio::task::JoinHandle<s3s::S3Result<T>> {
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
}

/// Runs file system work off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> s3s::S3Result<T> + Send + 'static,
) -> s3s::S3Result<T> {
    match spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(io_error("run file system work", io::Error::other(error))),
    }
}
