//! Devices on which people work at random, while they and the server are killed now and then and the network between
//! them is cut and crippled. Beside them a tenant of its own does the same on one device.
//!
//! Each write has a content that no other one has. What somebody overwrote or removed had been read before: that is known
//! to be gone. All else must be in the folders at rest, or at least in the server's history or a trash.

mod end;
mod history;
mod reader;
mod work;

use crate::device::{Device, rest};
use crate::network::Network;
use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use reader::Following;
use std::time::{Duration, Instant};
use work::Work;

const SEED: u64 = 1;
/// Who belongs to the other tenant.
const NEIGHBOUR: &str = "neighbour@example.org";
const NEIGHBOURS: &str = "neighbours";
/// Files to begin with: so many that a few deletes are not most of them.
const FILES: usize = 60;
/// Time between two acts.
const PACE: std::ops::Range<u64> = 5..60;
/// An act out of so many is a kill.
const KILL_EVERY: u32 = 40;
/// Before an act out of so many the network fails, or is well again.
const FAULT_EVERY: u32 = 30;

fn asked(variable: &str, otherwise: u64) -> u64 {
    #[allow(
        clippy::disallowed_methods,
        reason = "a longer search is asked for by the environment"
    )]
    std::env::var(variable)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

/// So many devices, for so long if the environment does not ask for longer.
pub(crate) async fn all(mut network: Network, names: &[&str], seconds: u64) -> Result<()> {
    let seed = asked("BITVAULT_SYNC_SEED", SEED);
    let lasts = Duration::from_secs(asked("BITVAULT_SYNC_SECONDS", seconds));
    let create = [
        "admin",
        "create-user",
        "--role",
        "owner",
        "--tenant",
        NEIGHBOURS,
        "--email",
        NEIGHBOUR,
    ];
    network.daemon.command_with_input(&create, PASSWORD)?;
    let mut tenants = [
        Tenant::begin(&network, EMAIL, names, seed).await?,
        Tenant::begin(&network, NEIGHBOUR, &["neighbour"], seed).await?,
    ];
    let mut random = StdRng::seed_from_u64(seed);
    let began = Instant::now();
    let mut is_well = true;
    while began.elapsed() < lasts {
        if random.random_range(0..FAULT_EVERY) == 0 {
            match is_well {
                true => network.fail(&mut random).await?,
                false => network.heal().await?,
            }
            is_well = !is_well;
        }
        let at = random.random_range(0..=names.len());
        let [ours, neighbours] = &mut tenants;
        let (tenant, at) = match at < names.len() {
            true => (ours, at),
            false => (neighbours, 0),
        };
        if random.random_range(0..KILL_EVERY) > 0 {
            tenant.work.act(&tenant.devices[at])?;
        } else if random.random_bool(0.3) {
            network.daemon.kill()?;
            network.daemon.start().await.context("start again")?;
        } else {
            tenant.devices[at].kill()?;
            tenant.devices[at].start(&[])?;
        }
        for device in tenants.iter_mut().flat_map(|tenant| &mut tenant.devices) {
            // A server that is away for long makes it give up: people start it again.
            if !device.runs()? {
                device.start(&[])?;
            }
        }
        let pause = random.random_range(PACE);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    for device in tenants.iter_mut().flat_map(|tenant| &mut tenant.devices) {
        device.kill()?;
    }
    network.heal().await?;
    let mut histories = Vec::new();
    for tenant in tenants {
        ensure!(
            u64::from(tenant.work.acts) > lasts.as_secs(),
            "seed {seed}: only {} acts in {lasts:?}",
            tenant.work.acts
        );
        let (history, caller) = tenant
            .end(&network)
            .await
            .with_context(|| format!("seed {seed}"))?;
        histories.push((history, caller));
    }
    for (one, other) in [(0, 1), (1, 0)] {
        histories[one].0.is_hidden_from(&histories[other].1).await?;
    }
    Ok(())
}

/// Devices of one account, the only one of its tenant, and somebody who reads its journal.
struct Tenant {
    email: String,
    work: Work,
    devices: Vec<Device>,
    reader: Following,
}

impl Tenant {
    async fn begin(network: &Network, email: &str, names: &[&str], seed: u64) -> Result<Self> {
        let mut work = Work::new(seed);
        let mut devices = Vec::new();
        for name in names {
            devices.push(Device::of_account(&network.server.url(), name, email, PASSWORD)?);
        }
        for _ in 0..FILES {
            work.create(&devices[0])?;
        }
        rest(&devices.iter().collect::<Vec<_>>())?;
        let reader = Following::begin(caller(&network.daemon, email).await?);
        for device in &mut devices {
            device.start(&[])?;
        }
        Ok(Self {
            email: email.to_owned(),
            work,
            devices,
            reader,
        })
    }
}

/// Somebody whose token outlasts any search.
async fn caller(daemon: &Daemon, email: &str) -> Result<Caller> {
    let caller = Caller::sign_in(daemon.url(), email, PASSWORD).await?;
    let token = serde_json::json!({"name": "search", "scopes": ["read", "write"]});
    let token = caller.post("/v1/tokens", token).await?.ok()?;
    let secret = token["secret"].as_str().context("a token")?;
    Ok(caller.with_token(secret))
}
