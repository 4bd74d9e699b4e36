//! The lite profile's own parts: what the daemon brings along when no outside Postgres or store is configured.

mod backing;
mod database;
mod folder;
mod secrets;
mod store;

pub(crate) use backing::{Backing, bind, last_http_port, with_backing};
use database::PrivateDatabase;
use folder::DataFolder;
pub(crate) use folder::last_runtime;
pub(crate) use secrets::{Secrets, random_password};
use store::EmbeddedStore;
pub(crate) use store::reachable;
