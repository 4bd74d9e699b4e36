//! SIGKILL of devices and of the server in the middle of large files, until both have gone through.

use crate::device::{Tree, rest, until};
use crate::network::Network;
use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::api::sha256;
use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};
use std::time::Duration;

const MIB: usize = 1 << 20;
const LARGE: usize = 200 * MIB;
/// So much goes to or from the store before a device is killed: somewhat more than what is on its way at once, eight
/// ranges of 8 MiB.
const KILL_AT: u64 = 76 * MIB as u64;
/// A transfer that began anew each time would never end.
const LIVES_MOST: usize = 40;
/// All that goes through at most: both files once each way, and for each kill what was on its way.
const ON_ITS_WAY: u64 = 72 * MIB as u64;
const POLL: Duration = Duration::from_millis(20);

pub(crate) async fn all(mut network: Network) -> Result<()> {
    let mut devices = [network.device("desk")?, network.device("laptop")?];
    let mut random = StdRng::seed_from_u64(7);
    let mut wanted = Tree::new();
    for device in &devices {
        let name = format!("large of {}", device.name);
        let mut content = vec![0; LARGE];
        random.fill_bytes(&mut content);
        std::fs::write(device.path(&name), &content)?;
        wanted.insert(name, Some(sha256(&content)));
    }
    let (mut kills, mut moved, mut ended, mut life) = (0, 0, 0, 0);
    while ended < devices.len() {
        ensure!(
            life < LIVES_MOST,
            "not through after {life} lives: transfers begin anew"
        );
        network.meter.reset();
        network.meter.hold_sent_at(KILL_AT);
        network.meter.hold_received_at(KILL_AT);
        let device = &mut devices[life % 2];
        device.start(&["--once"])?;
        let has_ended = async {
            while device.runs()? {
                tokio::time::sleep(POLL).await;
            }
            anyhow::Ok(())
        };
        tokio::select! {
            reached = network.meter.wait_sent(KILL_AT) => { reached?; kills += 1; ended = 0; }
            reached = network.meter.wait_received(KILL_AT) => { reached?; kills += 1; ended = 0; }
            has_ended = has_ended => { has_ended?; ended += 1; }
        }
        if kills == 1 && ended == 0 {
            until("the status tells how far it is", || {
                let moving = &device.status()?["moving"];
                Ok(moving["bytes_done"].as_u64() > Some(0)
                    && moving["bytes_total"].as_u64() >= Some(LARGE as u64))
            })
            .await?;
        }
        if life % 5 == 4 {
            network.daemon.kill()?;
            network.daemon.start().await.context("start again")?;
        }
        device.kill()?;
        moved += network.meter.sent() + network.meter.received();
        life += 1;
    }
    ensure!(kills >= 6, "only {kills} kills hit a transfer");
    let most = 4 * LARGE as u64 + kills * ON_ITS_WAY;
    ensure!(moved <= most, "{moved} bytes moved, at most {most} had to");
    network.meter.reset();
    let [desk, laptop] = &devices;
    let tree = rest(&[desk, laptop])?;
    ensure!(tree == wanted, "{tree:#?} instead of {wanted:#?}");
    Ok(())
}
