//! A private Postgres cluster in a folder, for the lite profile and for tests.
//!
//! The cluster outlives a daemon that was killed: nothing stops it then, and the next start adopts it if it still runs
//! or starts it if not; Postgres's own recovery does the rest. A clean stop is a fast shutdown.
//!
//! Invariants: it listens on 127.0.0.1 only and asks every connection for a SCRAM password; as root it runs as an
//! unprivileged user; the folder belongs to one cluster, guarded by Postgres's own lock file.

mod binaries;
mod cluster;
mod error;
mod process;
mod supervise;
mod user;

pub use binaries::Binaries;
pub use cluster::{Cluster, Config};
pub use error::Error;
