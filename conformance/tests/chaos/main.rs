//! Kills the real daemon with SIGKILL, at each named step of upload → commit → collect and at random moments under load,
//! and then demands: every acknowledged commit is readable with its hash, every client's retry ends well, no version
//! dangles, and nothing is left in the store once the collector has run with its grace.
//!
//! Against the embedded endpoint and against MinIO. `BITVAULT_CHAOS_KILLS` sets how many random kills each run makes.

mod client;
mod random;
mod rest;
mod steps;

use anyhow::Result;
use bitvault_conformance::daemon::Daemon;
use bitvault_conformance::stores::{ACCESS_KEY, SECRET_KEY, Store};

/// Short lives, so that what is given up is collected within the test; small parts, so that multipart is cheap.
pub(crate) const LIVES: &str = "[files]\npresign_lifetime = \"4s\"\nupload_lifetime = \"6s\"\n\
    multipart_threshold = \"6MiB\"\npart_size = \"5MiB\"\n\
    [files.collector]\nperiod = \"300ms\"\ngrace = \"5s\"\n";

/// A daemon whose files live in this MinIO.
pub(crate) fn on_minio(store: &Store) -> Result<Daemon> {
    Daemon::with_config(&format!(
        "{LIVES}\n[storage.backend]\naccess_key = \"{ACCESS_KEY}\"\nsecret_key = \"{SECRET_KEY}\"\ncreate_bucket = true\n\
         [storage.backend.settings]\nendpoint = \"{}\"\nbucket = \"chaos\"\n\
         [storage.backend.grant]\nallow_private_addresses = true\n",
        store.endpoint()
    ))
}
