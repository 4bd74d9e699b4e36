use std::path::PathBuf;

/// Why a cluster can't be had. Each text says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No server programs of a version that is served.
    #[error(
        "no Postgres {wanted} server programs were found (looked in {looked}): install the package `postgresql` of your \
         distribution, or name the folder that holds `initdb` and `postgres` in lite.postgres_bin"
    )]
    NoBinaries {
        /// The version that is needed.
        wanted: String,
        /// The folders that were looked in.
        looked: String,
    },
    /// The cluster was made by another major version.
    #[error(
        "the folder {} holds a cluster of Postgres {cluster}, but the programs found are of {found}: install Postgres \
         {cluster}, or dump and load the data into a new folder", .folder.display()
    )]
    WrongVersion {
        /// The cluster's folder.
        folder: PathBuf,
        /// Its version.
        cluster: String,
        /// The versions that are installed.
        found: String,
    },
    /// The unprivileged user that Postgres would run as does not exist.
    #[error(
        "Postgres refuses to run as root and there is no user `{0}`: create it, or run the daemon as another user"
    )]
    NoUser(String),
    /// A program could not be run or failed.
    #[error("{program} failed: {detail}")]
    Program {
        /// Which.
        program: &'static str,
        /// What it said.
        detail: String,
    },
    /// It runs but does not become ready.
    #[error("Postgres did not become ready within {seconds} s; its log {} ends with:\n{tail}", .log.display())]
    NotReady {
        /// How long was waited.
        seconds: u64,
        /// Where its log is.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// The file system refused.
    #[error("{action} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Setting the database up failed.
    #[error("set up the database: {0}")]
    Sql(#[from] sqlx::Error),
}

impl Error {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
