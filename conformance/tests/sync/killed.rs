//! SIGKILL of devices and of the server, in the middle of their work.

use crate::device::{Device, rest};
use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::daemon::Daemon;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::time::Duration;

const KILLS: u32 = 24;
const FILES: usize = 300;
/// Goes in parts.
const LARGE: usize = 20 << 20;
/// Within this a device has begun, and mostly not ended.
const LIVES: std::ops::Range<u64> = 30..1500;

pub(crate) async fn all(mut daemon: Daemon) -> Result<()> {
    let mut random = StdRng::seed_from_u64(5);
    let (mut desk, mut laptop) = (Device::new(&daemon, "desk")?, Device::new(&daemon, "laptop")?);
    for number in 0..FILES {
        desk.write(
            &format!("tree {}/file {number}", number % 7),
            &format!("desk {number}"),
        )?;
        laptop.write(
            &format!("own {}/file {number}", number % 5),
            &format!("laptop {number}"),
        )?;
    }
    std::fs::write(desk.path("large"), bytes(LARGE, &mut random))?;
    let (wanted_desk, wanted_laptop) = (desk.tree()?, laptop.tree()?);
    for round in 0..KILLS {
        let device = if round % 2 == 0 { &mut desk } else { &mut laptop };
        device.start(&["--once"])?;
        tokio::time::sleep(Duration::from_millis(random.random_range(LIVES))).await;
        if round % 6 == 5 {
            daemon.kill()?;
            daemon.start().await.context("start again")?;
        }
        device.kill()?;
    }
    let tree = rest(&[&desk, &laptop])?;
    for (path, hash) in wanted_desk.iter().chain(&wanted_laptop) {
        ensure!(tree.get(path) == Some(hash), "{path} is not as it was written");
    }
    let made: Vec<&String> = tree
        .keys()
        .filter(|path| !wanted_desk.contains_key(*path) && !wanted_laptop.contains_key(*path))
        .collect();
    ensure!(made.is_empty(), "nobody made {made:?}");
    Ok(())
}

fn bytes(len: usize, random: &mut StdRng) -> Vec<u8> {
    let mut content = vec![0; len];
    random.fill(&mut content[..]);
    content
}
