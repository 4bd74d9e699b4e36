//! Kills at random moments under load.

use crate::client::{abandon, persist};
use crate::{LIVES, on_minio, rest};
use anyhow::Result;
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use bitvault_conformance::stores::{Kind, Store};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const CLIENTS: u64 = 6;
/// Kills of one run unless the environment says otherwise.
const KILLS: u32 = 100;
/// Every so many files one travels in parts.
const LARGE_EVERY: u32 = 25;
/// After every so many files one more is sent and never committed: the collector's work.
const ABANDONED_EVERY: u32 = 5;

fn kills() -> u32 {
    #[allow(
        clippy::disallowed_methods,
        reason = "a longer search is asked for by the environment"
    )]
    std::env::var("BITVAULT_CHAOS_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(KILLS)
}

async fn kill_at_random(mut daemon: Daemon) -> Result<()> {
    daemon.start().await?;
    let caller = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (caller, stop) = (caller.clone(), stop.clone());
            tokio::spawn(async move {
                let mut random = StdRng::seed_from_u64(client);
                let mut acknowledged = Vec::new();
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let large = number % LARGE_EVERY == LARGE_EVERY - 1;
                    let size = if large {
                        11 << 20
                    } else {
                        random.random_range(0..20_000)
                    };
                    let mut content = vec![0; size];
                    random.fill(&mut content[..]);
                    if number % ABANDONED_EVERY == 0 {
                        abandon(&caller, "root", &format!("{client}-{number}.abandoned"), &content).await;
                    }
                    acknowledged
                        .push(persist(&caller, "root", &format!("{client}-{number}"), content).await?);
                }
                Ok::<_, anyhow::Error>(acknowledged)
            })
        })
        .collect();
    let seed = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    for kill in 0..kills() {
        tokio::time::sleep(Duration::from_millis(random.random_range(5..400))).await;
        daemon.kill()?;
        daemon
            .start()
            .await
            .map_err(|error| error.context(format!("start after kill {kill} (seed {seed})")))?;
    }
    stop.store(true, Ordering::Relaxed);
    let mut acknowledged = Vec::new();
    for client in clients {
        acknowledged.extend(client.await??);
    }
    assert!(acknowledged.len() > CLIENTS as usize, "the load was no load");
    rest::demand(&daemon, &caller, &acknowledged).await
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_random_moments_lose_nothing_on_the_embedded_endpoint() {
    kill_at_random(Daemon::with_config(LIVES).unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_random_moments_lose_nothing_on_minio() {
    let store = Store::start(Kind::Minio).unwrap();
    kill_at_random(on_minio(&store).unwrap()).await.unwrap();
}
