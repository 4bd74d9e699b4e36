//! What processes have used.

use std::fmt;

use anyhow::{Context as _, Result};

use crate::process::{children, cpu_seconds, memory_mib};

/// CPU time and the most memory, of one process or of several.
pub(super) struct Usage {
    cpu_s: f64,
    pub(super) peak_mib: f64,
}

impl Usage {
    /// With the CPU time that came since then only.
    pub(super) fn since(self, before: &Self) -> Self {
        Self {
            cpu_s: self.cpu_s - before.cpu_s,
            ..self
        }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} s CPU, {:.0} MiB", self.cpu_s, self.peak_mib)
    }
}

/// Of one process, up to now.
pub(super) fn usage(pid: u64) -> Result<Usage> {
    Ok(Usage {
        cpu_s: cpu_seconds(pid)?,
        peak_mib: memory_mib(pid, "VmHWM")?,
    })
}

/// Of a process and those that it started, up to now.
pub(super) fn family(pid: u64) -> Result<Usage> {
    let mut family = usage(pid)?;
    for child in children(pid)? {
        let child = usage(child)?;
        family.cpu_s += child.cpu_s;
        family.peak_mib += child.peak_mib;
    }
    Ok(family)
}

/// Of the Postgres that this daemon started: all of its processes. Shared memory counts in each of them, so only what is
/// private does.
pub(super) fn postgres(daemon: u64) -> Result<Usage> {
    let of_daemon = children(daemon)?;
    let postmaster = of_daemon
        .into_iter()
        .find(|child| {
            std::fs::read_to_string(format!("/proc/{child}/comm")).is_ok_and(|name| name.trim() == "postgres")
        })
        .context("the daemon's Postgres runs")?;
    let mut processes = children(postmaster)?;
    processes.push(postmaster);
    let mut usage = Usage {
        cpu_s: 0.0,
        peak_mib: 0.0,
    };
    for pid in processes {
        usage.cpu_s += cpu_seconds(pid)?;
        usage.peak_mib += memory_mib(pid, "RssAnon")?;
    }
    Ok(usage)
}
