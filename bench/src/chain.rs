//! Files of 1 KiB, one request chain each (start, PUT, commit), 16 clients, on the embedded endpoint.

use crate::process::{cpu_seconds, memory_mib};
use crate::report::Report;
use anyhow::{Context as _, Result};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use hdrhistogram::Histogram;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const CLIENTS: u64 = 16;
const BYTES: usize = 1024;
const WARM_UP: Duration = Duration::from_secs(2);
const MEASURED: Duration = Duration::from_secs(15);

pub(crate) async fn run(report: &mut Report) -> Result<()> {
    let mut daemon = Daemon::lite()?;
    daemon.start().await?;
    let caller = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await?;
    let folder = caller
        .post("/v1/folders", json!({"parent_id": "root", "name": "chain"}))
        .await?
        .ok()?;
    let parent = folder["id"].as_str().context("a folder has an id")?.to_owned();
    let done = Arc::new(AtomicU64::new(0));
    let until = Instant::now() + WARM_UP + MEASURED;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (caller, parent, done) = (caller.clone(), parent.clone(), done.clone());
            tokio::spawn(async move {
                let mut took = Histogram::<u64>::new(3)?;
                let mut content = vec![client as u8; BYTES];
                for number in 0_u64.. {
                    if Instant::now() > until {
                        break;
                    }
                    content[..8].copy_from_slice(&number.to_le_bytes());
                    let started = Instant::now();
                    caller
                        .upload(&parent, &format!("{client}-{number}"), &content)
                        .await?;
                    took.record(u64::try_from(started.elapsed().as_micros())?)?;
                    done.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, anyhow::Error>(took)
            })
        })
        .collect();
    tokio::time::sleep(WARM_UP).await;
    let pid = daemon.pid().context("the daemon runs")?;
    let (before, cpu) = (done.load(Ordering::Relaxed), cpu_seconds(pid)?);
    let started = Instant::now();
    tokio::time::sleep(MEASURED).await;
    let files = (done.load(Ordering::Relaxed) - before) as f64;
    let (seconds, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds(pid)? - cpu);
    let mut took = Histogram::<u64>::new(3)?;
    for client in clients {
        took.add(client.await??)?;
    }
    report.row(
        "files of 1 KiB, one request chain each, 16 clients",
        format!("{:.0} files/s", files / seconds),
        format!(
            "p50 {:.1} ms, p99 {:.1} ms a chain; the daemon used {:.2} of 2 cores",
            took.value_at_quantile(0.5) as f64 / 1000.0,
            took.value_at_quantile(0.99) as f64 / 1000.0,
            cpu / seconds
        ),
        "≥ 1,000 files/s",
    );
    let peak = memory_mib(pid, "VmHWM")?;
    report.row(
        "peak resident memory under that load",
        format!("{peak:.0} MiB"),
        String::new(),
        "≤ 300 MiB",
    );
    Ok(())
}
