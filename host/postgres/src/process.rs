//! The running server, as Postgres's own lock file tells it.

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::path::{Path, PathBuf};

/// A server that runs on a cluster's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Running {
    pub(crate) pid: i32,
    pub(crate) port: u16,
}

/// Reads `postmaster.pid`: process id, folder, start time, port, … one a line.
pub(crate) fn read(cluster: &Path) -> Option<Running> {
    let text = std::fs::read_to_string(lock_file(cluster)).ok()?;
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok()?;
    let port = lines.nth(2)?.trim().parse().ok()?;
    Some(Running { pid, port })
}

/// Whether that process lives and is a Postgres: after a reboot the number may belong to anything.
pub(crate) fn alive(pid: i32) -> bool {
    let exists = Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid).is_ok());
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => exists && stat.contains("(postgres)") && !stat.contains(") Z "),
        Err(_) => exists && !Path::new("/proc/self").exists(),
    }
}

/// Asks it for a fast shutdown: sessions end, everything is written.
pub(crate) fn stop(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        // It may have gone by itself in this moment, which is what is wanted.
        let _gone = kill_process(pid, Signal::INT);
    }
}

pub(crate) fn lock_file(cluster: &Path) -> PathBuf {
    cluster.join("postmaster.pid")
}
