//! One of our devices: a folder, and the program that keeps it in step.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bitvault_conformance::daemon::Daemon;
use serde_json::Value;

use crate::process::timed;
use crate::tree::Cli;

pub(super) struct Device {
    cli: Cli,
    name: &'static str,
    pub(super) folder: PathBuf,
    running: Option<Child>,
}

impl Device {
    pub(super) fn new(daemon: &Daemon, home: &Path, name: &'static str) -> Result<Self> {
        let folder = home.join(name).join("files");
        std::fs::create_dir_all(&folder).context("make a device's folder")?;
        let cli = Cli::sign_in(daemon, &home.join(name).join("cli"))?;
        Ok(Self {
            cli,
            name,
            folder,
            running: None,
        })
    }

    /// Begins to keep the folder in step.
    pub(super) fn start(&mut self) -> Result<()> {
        let log = std::fs::File::create(self.folder.with_extension("log")).context("make a log")?;
        let mut command = self.cli.command();
        command
            .args(["sync", "run", "--json", "--name", self.name])
            .arg(&self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        self.running = Some(command.spawn().context("run bitvault sync")?);
        Ok(())
    }

    /// Syncs until nothing is left to do; answers the seconds it took.
    pub(super) fn once(&self) -> Result<f64> {
        let mut command = self.cli.command();
        command
            .args(["sync", "run", "--once", "--json", "--name", self.name])
            .arg(&self.folder);
        timed(&mut command)
    }

    /// Whether it last came to rest with so many files and folders, as it tells itself.
    pub(super) fn rests_with(&mut self, entries: usize) -> Result<bool> {
        if let Some(child) = &mut self.running
            && let Some(status) = child.try_wait()?
        {
            bail!(
                "bitvault sync ended with {status}; see {}",
                self.folder.with_extension("log").display()
            );
        }
        let mut command = self.cli.command();
        command.args(["sync", "status", "--json"]).arg(&self.folder);
        let output = command
            .stderr(Stdio::null())
            .output()
            .context("run bitvault sync status")?;
        let status: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        Ok(status["status"]["synced"]
            .as_u64()
            .is_some_and(|synced| synced >= entries as u64))
    }

    pub(super) fn pid(&self) -> Result<u64> {
        let child = self.running.as_ref().context("the device runs")?;
        Ok(u64::from(child.id()))
    }

    /// Ends it as the system does.
    pub(super) fn stop(&mut self) -> Result<()> {
        if let Some(mut child) = self.running.take() {
            child.kill().context("end bitvault sync")?;
            child.wait().context("wait for bitvault sync")?;
        }
        Ok(())
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ended = self.stop();
    }
}

/// Waits until `done` says so, looking each `step`; answers the seconds since `started`.
pub(super) fn wait_until(
    started: Instant,
    step: Duration,
    within: Duration,
    mut done: impl FnMut() -> Result<bool>,
) -> Result<f64> {
    while !done()? {
        if started.elapsed() > within {
            bail!("it was not done within {} s", within.as_secs());
        }
        std::thread::sleep(step);
    }
    Ok(started.elapsed().as_secs_f64())
}
