//! The real `bitvault` against a real daemon: what a person and a script see.

mod copies;
mod everyday;
mod exits;
mod interrupted;
mod links;
mod metadata;
mod quotas;
mod tenancy;
mod trash;
mod trees;
mod versions;

use anyhow::Result;
use bitvault_conformance::cli::Cli;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD, free_port};
use bitvault_conformance::meter::Meter;

pub(crate) const MIB: usize = 1 << 20;

/// Parts so small that a file of some MiB travels in many.
const SMALL_PARTS: &str = "[files]\nmultipart_threshold = \"6MiB\"\npart_size = \"5MiB\"\n";

/// Copies of so few nodes that most are jobs.
const SMALL_COPIES: &str = "[files.copy]\nnodes_per_transaction = 3\n";

/// A daemon whose store clients reach through a meter, and its owner at the command line.
pub(crate) struct Target {
    pub(crate) daemon: Daemon,
    pub(crate) meter: Meter,
    pub(crate) cli: Cli,
}

async fn target(config: &str) -> Result<Target> {
    let port = free_port()?;
    let meter = Meter::before(([127, 0, 0, 1], port).into()).await?;
    let mut daemon = Daemon::with_config(&format!(
        "{config}[lite]\ns3_listen = \"127.0.0.1:{port}\"\ns3_public_url = \"{}\"\n",
        meter.url()
    ))?;
    daemon.start().await?;
    let cli = Cli::signed_in(daemon.url(), EMAIL, PASSWORD)?;
    Ok(Target { daemon, meter, cli })
}

/// Bytes that repeat nowhere near: part boundaries that are mixed up do not go unnoticed.
pub(crate) fn bytes(len: usize, seed: u64) -> Vec<u8> {
    use rand::{RngCore as _, SeedableRng as _};
    let mut content = vec![0; len];
    rand::rngs::StdRng::seed_from_u64(seed).fill_bytes(&mut content);
    content
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_trees_go_there_and_come_back() {
    let mut target = target(SMALL_COPIES).await.unwrap();
    everyday::all(&target).unwrap();
    copies::all(&target).unwrap();
    trees::all(&target).unwrap();
    metadata::all(&target).unwrap();
    links::all(&target).unwrap();
    trash::all(&target).unwrap();
    tenancy::all(&target).unwrap();
    versions::all(&target).unwrap();
    quotas::all(&target).unwrap();
    exits::all(&mut target).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_is_killed_goes_on_where_it_was() {
    let target = target(SMALL_PARTS).await.unwrap();
    interrupted::all(&target).await.unwrap();
}
