//! Start to ready on an existing data folder, after a clean stop and after SIGKILL; idle memory.

use crate::process::memory_mib;
use crate::report::{Report, median};
use anyhow::{Context as _, Result};
use bitvault_conformance::daemon::Daemon;
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;
/// After this the daemon is idle: the start's memory has been given back.
const SETTLE: Duration = Duration::from_secs(5);

pub(crate) async fn run(report: &mut Report) -> Result<()> {
    let mut daemon = Daemon::lite()?;
    daemon.start().await?;
    let (mut clean, mut killed) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        daemon.stop().await?;
        clean.push(start(&mut daemon).await?);
        daemon.kill()?;
        killed.push(start(&mut daemon).await?);
    }
    report.row(
        "start to ready, existing data folder",
        format!("{:.2} s", median(&mut clean)),
        String::new(),
        "≤ 3 s",
    );
    report.row(
        "start to ready after SIGKILL",
        format!("{:.2} s", median(&mut killed)),
        String::new(),
        "≤ 3 s",
    );
    tokio::time::sleep(SETTLE).await;
    let idle = memory_mib(daemon.pid().context("the daemon runs")?, "VmRSS")?;
    report.row(
        "idle resident memory",
        format!("{idle:.0} MiB"),
        String::new(),
        "≤ 100 MiB",
    );
    Ok(())
}

async fn start(daemon: &mut Daemon) -> Result<f64> {
    let started = Instant::now();
    daemon.start().await?;
    Ok(started.elapsed().as_secs_f64())
}
