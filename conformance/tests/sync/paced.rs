//! Transfers that keep to a rate, in each direction.

use crate::device::Device;
use anyhow::{Result, ensure};
use bitvault_conformance::daemon::Daemon;
use std::time::{Duration, Instant};

const FILES: u32 = 30;
const SIZE: u32 = 50_000;
const BYTES_PER_S: u32 = 350_000;

/// Bytes wait for those before them, and the last ones for all others.
fn least() -> Duration {
    Duration::from_secs((FILES - 1).into()) * SIZE / BYTES_PER_S
}

pub(crate) fn all(daemon: &Daemon) -> Result<()> {
    let desk = Device::new(daemon, "desk")?;
    let laptop = Device::new(daemon, "laptop")?;
    for number in 0..FILES {
        desk.write(
            &format!("file {number}"),
            &format!("{number:0width$}", width = SIZE as usize),
        )?;
    }
    let rate = format!("{BYTES_PER_S}B");
    for (device, limit) in [(&desk, "--limit-up"), (&laptop, "--limit-down")] {
        let began = Instant::now();
        device.sync("run", &["--once", limit, &rate])?.ok()?;
        let took = began.elapsed();
        ensure!(took >= least(), "{limit}: {took:?} instead of {:?}", least());
    }
    ensure!(laptop.tree()? == desk.tree()?);
    Ok(())
}
