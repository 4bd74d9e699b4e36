//! The API conformance suite: every case runs against a daemon whose modules call each other in one process, and against
//! one whose modules call each other over real gRPC on loopback.

mod access;
mod bad_input;
mod changes;
mod conflicts;
mod copies;
mod links;
mod matrix;
mod metadata;
mod nodes;
mod quotas;
mod search;
mod sessions;
mod tenancy;
mod tenants;
mod trash;
mod uploads;
mod versions;

use anyhow::Result;
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};

/// A daemon and its owner, signed in.
pub(crate) struct Target {
    pub(crate) daemon: Daemon,
    pub(crate) owner: Caller,
}

async fn target(mut daemon: Daemon) -> Result<Target> {
    daemon.start().await?;
    let owner = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await?;
    Ok(Target { daemon, owner })
}

/// Bytes that differ everywhere.
pub(crate) fn bytes(len: usize, seed: u8) -> Vec<u8> {
    (0..len)
        .map(|at| {
            (at as u8)
                .wrapping_mul(31)
                .wrapping_add((at >> 8) as u8)
                .wrapping_add(seed)
        })
        .collect()
}

/// Whether a route is `top` or one below it.
pub(crate) fn below(route: &str, top: &str) -> bool {
    route
        .strip_prefix(top)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

async fn every_case(target: &Target) -> Result<()> {
    sessions::all(target).await?;
    nodes::all(target).await?;
    copies::all(target).await?;
    conflicts::all(target).await?;
    uploads::all(target).await?;
    search::all(target).await?;
    metadata::all(target).await?;
    links::all(target).await?;
    access::all(target).await?;
    tenants::all(target).await?;
    trash::all(target).await?;
    tenancy::all(target).await?;
    versions::all(target).await?;
    quotas::all(target).await?;
    changes::all(target).await?;
    bad_input::all(target).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_holds_with_every_module_in_one_process() {
    let target = target(Daemon::lite().unwrap()).await.unwrap();
    every_case(&target).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_holds_with_every_module_behind_grpc() {
    let target = target(Daemon::remote().unwrap()).await.unwrap();
    every_case(&target).await.unwrap();
}
