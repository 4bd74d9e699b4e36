//! A daemon's own Postgres, asked by its own programs.

use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::daemon::Daemon;
use std::path::PathBuf;
use std::process::Command;

/// The daemon's Postgres and the programs that came with it.
pub(crate) struct Server {
    pub(crate) url: String,
    programs: PathBuf,
}

impl Server {
    pub(crate) fn of(daemon: &Daemon) -> Result<Self> {
        // Postgres writes the command it was started with beside its data.
        let command = std::fs::read_to_string(daemon.data_dir().join("postgres/postmaster.opts"))
            .context("read how Postgres was started")?;
        let program = command.split_whitespace().next().map(PathBuf::from);
        let programs = program.as_deref().and_then(|program| program.parent());
        Ok(Self {
            url: daemon.database_url().to_owned(),
            programs: programs.context("find Postgres' programs")?.to_owned(),
        })
    }

    /// One of its programs.
    pub(crate) fn program(&self, name: &str) -> Command {
        Command::new(self.programs.join(name))
    }

    /// What a query answers, without decoration. Several statements are one transaction.
    pub(crate) fn query(&self, sql: &str) -> Result<String> {
        let mut command = self.program("psql");
        command.args([
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--set",
            "ON_ERROR_STOP=1",
            "--command",
            sql,
            &self.url,
        ]);
        Ok(answer(&mut command)?.trim().to_owned())
    }
}

/// Runs a program to its end and answers what it printed.
pub(crate) fn answer(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("run {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}
