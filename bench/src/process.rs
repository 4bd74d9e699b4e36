//! Programs that are timed as wholes, and what /proc tells of a running one.

use anyhow::{Context as _, Result, bail};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Runs a program to its end and answers the seconds it took.
pub(crate) fn timed(command: &mut Command) -> Result<f64> {
    let started = Instant::now();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("run {command:?}"))?;
    let took = started.elapsed().as_secs_f64();
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(took)
}

/// A figure of /proc/PID/status in MiB: `VmRSS`, `VmHWM`.
pub(crate) fn memory_mib(pid: u64, figure: &str) -> Result<f64> {
    let status =
        std::fs::read_to_string(format!("/proc/{pid}/status")).context("read the daemon's memory")?;
    let line = status
        .lines()
        .find(|line| line.starts_with(figure))
        .context("no such figure")?;
    let kib: f64 = line.split_whitespace().nth(1).context("no figure")?.parse()?;
    Ok(kib / 1024.0)
}

/// Seconds of CPU time that a process has used, all threads.
pub(crate) fn cpu_seconds(pid: u64) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).context("read the daemon's CPU time")?;
    let fields: Vec<&str> = stat
        .rsplit(") ")
        .next()
        .context("no fields")?
        .split(' ')
        .collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(ticks / 100.0)
}

/// The processes that this one started and that still run.
pub(crate) fn children(pid: u64) -> Result<Vec<u64>> {
    let mut children = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).context("list threads")? {
        let listed = std::fs::read_to_string(task?.path().join("children")).context("list processes")?;
        for child in listed.split_whitespace() {
            children.push(child.parse()?);
        }
    }
    Ok(children)
}
