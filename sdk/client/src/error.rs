use bitvault_api::{Code, Problem};
use std::path::PathBuf;

/// What a call or a transfer answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call or a transfer failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server refused, with its reason.
    #[error("{}", .0.detail)]
    Problem(Box<Problem>),
    /// Nobody answered: no connection, or it broke before the answer.
    #[error("can't reach {url}: {cause}")]
    Unreachable {
        /// What was tried, without query string (a presigned query is a permission).
        url: String,
        /// The transport's words.
        cause: String,
    },
    /// The object store refused a presigned request.
    #[error("the store answered {status} {code} {message}")]
    Store {
        /// HTTP status.
        status: u16,
        /// S3's error code, `SignatureDoesNotMatch`; empty when it gave none.
        code: String,
        /// S3's words.
        message: String,
    },
    /// The other end does not keep to the contract: no problem details, or an answer that can't be read.
    #[error("{detail}")]
    Protocol {
        /// HTTP status, when there was an answer.
        status: Option<u16>,
        /// What was wrong.
        detail: String,
    },
    /// A local file or folder can't be read or written.
    #[error("{}: {cause}", .path.display())]
    Local {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A local file changed while it was read; nothing of it was committed.
    #[error("{} changed while it was read", .path.display())]
    Changed {
        /// Which.
        path: PathBuf,
    },
    /// A path begins at a space that the caller does not see.
    #[error("there is no space {0:?} that you may see")]
    NoSpace(String),
    /// Another process moves the same file at this moment.
    #[error("another bitvault process is transferring {}", .path.display())]
    Busy {
        /// Which.
        path: PathBuf,
    },
    /// A file and a folder meet under one name.
    #[error("{what} is a {there} on the other side")]
    Mismatch {
        /// The path.
        what: String,
        /// What is there: `file`, `folder`.
        there: &'static str,
    },
    /// Bytes that arrived do not have the hash that the server promised.
    #[error("the content of {what} arrived damaged: expected SHA-256 {expected}, got {actual}")]
    Damaged {
        /// Which file.
        what: String,
        /// Promised, hex.
        expected: String,
        /// Arrived, hex.
        actual: String,
    },
}

impl Error {
    pub(crate) fn protocol(detail: impl Into<String>) -> Self {
        Self::Protocol {
            status: None,
            detail: detail.into(),
        }
    }

    /// The transport's error, told without the query string of the URL.
    pub(crate) fn transport(url: &url::Url, error: &reqwest::Error) -> Self {
        let mut cause = String::new();
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
        // The outermost text repeats the URL; the innermost says what happened.
        while let Some(inner) = source {
            cause = inner.to_string();
            source = inner.source();
        }
        if error.is_timeout() {
            cause = "no answer in time".into();
        }
        Self::broken(url, cause)
    }

    /// The other end is there but says nothing.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn no_answer(url: &url::Url) -> Self {
        Self::broken(url, "no answer in time".into())
    }

    /// A connection that broke, told without the query string of the URL.
    pub(crate) fn broken(url: &url::Url, cause: String) -> Self {
        let mut shown = url.clone();
        shown.set_query(None);
        Self::Unreachable {
            url: shown.into(),
            cause,
        }
    }

    /// The server's code, when the server refused.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Problem(problem) => Some(problem.code),
            _ => None,
        }
    }

    /// The server's stable reason, when the server refused.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Problem(problem) => Some(&problem.reason),
            _ => None,
        }
    }

    /// Whether the same request may succeed when it is sent again a little later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Problem(problem) => problem.code == Code::Unavailable,
            Self::Protocol { status, .. } => matches!(status, Some(502..=504)),
            // 409 is S3's ConditionalRequestConflict: two tries of one conditional PUT met.
            Self::Store { status, code, .. } => {
                matches!(status, 408 | 409 | 429 | 500..=599) || code == "RequestTimeout"
            }
            _ => false,
        }
    }
}
