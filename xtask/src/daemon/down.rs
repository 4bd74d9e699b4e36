//! `cargo xtask down`: stops the daemon of a data folder, and the private Postgres that a killed one left running.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use super::{Runtime, data_dir, is_our_daemon, runs_as, signal};
use crate::run;

/// How long the daemon may take to drain and stop.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// How often it is looked whether it has stopped.
const POLL: Duration = Duration::from_millis(50);

/// The private cluster's server, as the kernel knows it.
const POSTGRES: &str = "postgres";

/// What `cargo xtask down` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The data folder [default: bitvault in the user's data folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Runs the command; a daemon that does not run is fine.
pub(crate) fn execute(args: &Args) -> Result<()> {
    let data_dir = data_dir(args.data_dir.as_ref())?;
    match Runtime::of_running(&data_dir)? {
        Some(runtime) => {
            signal(runtime.pid, Signal::TERM).with_context(|| {
                format!("stop bitvaultd (process {}); is it somebody else's?", runtime.pid)
            })?;
            if !wait_until(|| !is_our_daemon(runtime.pid, &data_dir)) {
                bail!(
                    "bitvaultd (process {}) has not stopped after {} s; its log is {}/bitvaultd.log; `kill -9 {0}` loses \
                     nothing that was acknowledged",
                    runtime.pid,
                    STOP_LIMIT.as_secs(),
                    data_dir.display()
                );
            }
            run::say(format!("stopped bitvaultd (process {})", runtime.pid));
        }
        None => run::say(format!("no bitvaultd runs in {}", data_dir.display())),
    }
    for pid in servers_below(&data_dir) {
        // "Fast shutdown": sessions are ended, the data is left clean.
        signal(pid, Signal::INT).with_context(|| format!("stop Postgres (process {pid})"))?;
        if !wait_until(|| !runs_as(pid, POSTGRES)) {
            bail!(
                "the private Postgres (process {pid}) has not stopped after {} s",
                STOP_LIMIT.as_secs()
            );
        }
        run::say(format!(
            "stopped the private Postgres (process {pid}) that a killed daemon had left"
        ));
    }
    Ok(())
}

fn wait_until(done: impl Fn() -> bool) -> bool {
    let started = Instant::now();
    while started.elapsed() < STOP_LIMIT {
        if done() {
            return true;
        }
        std::thread::sleep(POLL);
    }
    done()
}

/// Postgres servers whose cluster is in this data folder, told by their lock files.
fn servers_below(data_dir: &Path) -> Vec<u32> {
    let mut folders = subfolders(data_dir);
    let deeper: Vec<PathBuf> = folders.iter().flat_map(|folder| subfolders(folder)).collect();
    folders.extend(deeper);
    folders
        .iter()
        .filter_map(|folder| std::fs::read_to_string(folder.join("postmaster.pid")).ok())
        .filter_map(|text| text.lines().next()?.trim().parse().ok())
        .filter(|pid| runs_as(*pid, POSTGRES))
        .collect()
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_daemon_is_down_already() {
        let dir = tempfile::tempdir().unwrap();
        execute(&Args {
            data_dir: Some(dir.path().to_path_buf()),
        })
        .unwrap();
    }

    #[test]
    fn a_lock_file_whose_process_is_no_postgres_does_not_count() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("postgres")).unwrap();
        std::fs::write(
            dir.path().join("postgres/postmaster.pid"),
            format!("{}\n", std::process::id()),
        )
        .unwrap();
        assert!(servers_below(dir.path()).is_empty());
    }
}
