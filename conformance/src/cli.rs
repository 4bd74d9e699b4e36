//! The real `bitvault` with folders of its own for profiles and state, run as a script would: no terminal, clean
//! environment.

use crate::daemon::program;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A user's home and what the environment says.
#[derive(Debug)]
pub struct Cli {
    home: TempDir,
    environment: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: String,
}

impl Ended {
    /// Itself, if the command succeeded.
    pub fn ok(self) -> Result<Self> {
        if self.code != 0 {
            bail!("exit code {}: {}{}", self.code, self.text(), self.stderr);
        }
        Ok(self)
    }

    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard output as one JSON document.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.stdout)
            .with_context(|| format!("not one JSON document: {}", self.text()))
    }

    /// Standard output as one JSON document a line.
    pub fn events(&self) -> Result<Vec<Value>> {
        self.text()
            .lines()
            .map(|line| serde_json::from_str(line).with_context(|| format!("not JSON: {line}")))
            .collect()
    }

    /// The last event: the summary of a transfer.
    pub fn summary(&self) -> Result<Value> {
        let last = self.events()?.pop().context("no events")?;
        if last["event"] != "summary" {
            bail!("the last event is no summary: {last}");
        }
        Ok(last)
    }

    /// The error of a command that ran with `--json`.
    pub fn error(&self) -> Result<Value> {
        let line = self.stderr.lines().last().context("nothing on standard error")?;
        let told: Value = serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))?;
        Ok(told["error"].clone())
    }
}

impl Cli {
    /// Somebody who was never here.
    pub fn new() -> Result<Self> {
        let home = tempfile::Builder::new().prefix("bitvault-home-").tempdir()?;
        Ok(Self {
            home,
            environment: Vec::new(),
        })
    }

    /// Somebody signed in.
    pub fn signed_in(url: &str, email: &str, password: &str) -> Result<Self> {
        let cli = Self::new()?;
        let arguments = ["login", url, "--email", email, "--password-stdin"];
        cli.run_with_input(&arguments, &format!("{password}\n"))?.ok()?;
        Ok(cli)
    }

    /// Sets an environment variable of the next commands.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// A folder for the test's own files.
    pub fn folder(&self) -> &Path {
        self.home.path()
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Result<Ended> {
        self.run_with_input(arguments, "")
    }

    /// The same with something on standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Result<Ended> {
        let mut child = self.spawn(arguments)?;
        let mut stdin = child.stdin.take().context("write to bitvault")?;
        // A command that ends without reading it is fine.
        let _written = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().context("run bitvault")?;
        Ok(Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Starts a command that the test goes on with, such as to kill it.
    pub fn spawn(&self, arguments: &[&str]) -> Result<Child> {
        Command::new(program("bitvault")?)
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("XDG_CONFIG_HOME", self.home.path().join("config"))
            .env("XDG_STATE_HOME", self.home.path().join("state"))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("start bitvault")
    }
}
