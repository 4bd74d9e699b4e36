//! A real `bitvaultd` on a temporary data folder and free ports, driven from outside as an operator would.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Mail address of the owner that a test daemon is started with.
pub const EMAIL: &str = "owner@example.org";
/// Its password.
pub const PASSWORD: &str = "correct-horse-battery";
/// The first tenant.
pub const TENANT: &str = "acme";

/// How long a start may take, first start with `initdb` on a busy machine included.
const READY_WITHIN: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(10);

/// A daemon's data folder and how it is started. Dropped, it kills what runs and removes everything.
#[derive(Debug)]
pub struct Daemon {
    folder: TempDir,
    config: String,
    environment: Vec<(String, String)>,
    program: PathBuf,
    child: Option<Child>,
    runtime: Value,
}

impl Daemon {
    /// The lite profile: everything in one process.
    pub fn lite() -> Result<Self> {
        Self::with_config("")
    }

    /// Every module called over real gRPC on loopback.
    pub fn remote() -> Result<Self> {
        let port = free_port()?;
        Self::with_config(&format!(
            "[rpc]\nlisten = \"127.0.0.1:{port}\"\nsecret = \"a secret of the conformance suite, 32+\"\n\
             [peers]\nidentity = \"http://127.0.0.1:{port}\"\nfiles = \"http://127.0.0.1:{port}\"\n\
             storage = \"http://127.0.0.1:{port}\"\nsharing = \"http://127.0.0.1:{port}\"\n\
             search = \"http://127.0.0.1:{port}\"\nsync = \"http://127.0.0.1:{port}\"\n"
        ))
    }

    /// With a configuration of one's own, TOML.
    pub fn with_config(config: &str) -> Result<Self> {
        Ok(Self {
            folder: tempfile::Builder::new()
                .prefix("bitvault-test-")
                .tempdir()
                .context("make a data folder")?,
            config: config.to_owned(),
            environment: Vec::new(),
            program: program("bitvaultd")?,
            child: None,
            runtime: Value::Null,
        })
    }

    /// Another binary of the daemon, such as the one with failpoints.
    #[must_use]
    pub fn program(mut self, program: PathBuf) -> Self {
        self.program = program;
        self
    }

    /// Sets an environment variable of the next start; an empty value removes it.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.environment.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Starts it and waits until it is ready. After a kill, this is the restart.
    pub async fn start(&mut self) -> Result<()> {
        self.spawn()?;
        self.wait_ready().await
    }

    /// Starts it without waiting.
    pub fn spawn(&mut self) -> Result<()> {
        let config = self.folder.path().join("bitvault.toml");
        std::fs::write(&config, &self.config).context("write the configuration")?;
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())
            .context("open the log")?;
        let mut command = Command::new(&self.program);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(&config)
            .arg("--data-dir")
            .arg(self.data_dir())
            .env("BITVAULTD_BOOTSTRAP_EMAIL", EMAIL)
            .env("BITVAULTD_BOOTSTRAP_PASSWORD", PASSWORD)
            .env("BITVAULTD_BOOTSTRAP_TENANT", TENANT)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("open the log")?)
            .stderr(log);
        let child = command
            .spawn()
            .with_context(|| format!("start {}", self.program.display()))?;
        self.child = Some(child);
        self.runtime = Value::Null;
        Ok(())
    }

    /// Waits until `/readyz` answers 200.
    pub async fn wait_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        let pid = self.pid();
        loop {
            if let Some(status) = self.exited()? {
                bail!("bitvaultd ended with {status}:\n{}", self.log_tail());
            }
            let runtime = std::fs::read(self.data_dir().join("runtime.json")).ok();
            let runtime: Option<Value> = runtime.and_then(|bytes| serde_json::from_slice(&bytes).ok());
            if let Some(runtime) = runtime.filter(|runtime| runtime["pid"].as_u64() == pid) {
                let url = format!("{}/readyz", runtime["url"].as_str().unwrap_or_default());
                if reqwest::get(&url)
                    .await
                    .is_ok_and(|answer| answer.status().is_success())
                {
                    self.runtime = runtime;
                    return Ok(());
                }
            }
            if Instant::now() > deadline {
                bail!(
                    "bitvaultd is not ready after {READY_WITHIN:?}:\n{}",
                    self.log_tail()
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill().context("kill bitvaultd")?;
            child.wait().context("wait for bitvaultd")?;
        }
        Ok(())
    }

    /// SIGTERM, and the status it ends with.
    pub async fn stop(&mut self) -> Result<std::process::ExitStatus> {
        let child = self.child.as_ref().context("bitvaultd does not run")?;
        let pid = i32::try_from(child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
            .context("read the pid")?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).context("stop bitvaultd")?;
        let status = self.wait_exit().await?;
        self.child = None;
        Ok(status)
    }

    /// Waits until it has ended by itself, such as at a failpoint.
    pub async fn wait_exit(&mut self) -> Result<std::process::ExitStatus> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if let Some(status) = self.exited()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                bail!(
                    "bitvaultd did not end within {READY_WITHIN:?}:\n{}",
                    self.log_tail()
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The status it ended with, if it has ended.
    pub fn exited(&mut self) -> Result<Option<std::process::ExitStatus>> {
        match &mut self.child {
            Some(child) => child.try_wait().context("look at bitvaultd"),
            None => Ok(None),
        }
    }

    /// Runs a command of the daemon (`gc`, `fsck`) on its data folder and answers what it printed.
    pub fn command(&self, arguments: &[&str]) -> Result<String> {
        self.command_with_input(arguments, "")
    }

    /// The same with something on standard input.
    pub fn command_with_input(&self, arguments: &[&str], input: &str) -> Result<String> {
        let mut child = Command::new(&self.program)
            .args(arguments)
            .arg("--config")
            .arg(self.folder.path().join("bitvault.toml"))
            .arg("--data-dir")
            .arg(self.data_dir())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("run bitvaultd")?;
        let mut stdin = child.stdin.take().context("write to bitvaultd")?;
        stdin.write_all(input.as_bytes()).context("write to bitvaultd")?;
        drop(stdin);
        let output = child.wait_with_output().context("run bitvaultd")?;
        if !output.status.success() {
            bail!(
                "bitvaultd {arguments:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> &str {
        self.runtime["url"].as_str().unwrap_or_default()
    }

    /// The embedded endpoint's URL.
    pub fn s3_url(&self) -> &str {
        self.runtime["s3_url"].as_str().unwrap_or_default()
    }

    /// The administrator's connection to its Postgres.
    pub fn database_url(&self) -> &str {
        self.runtime["database_url"].as_str().unwrap_or_default()
    }

    /// Its data folder.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Process id, while it runs.
    pub fn pid(&self) -> Option<u64> {
        self.child.as_ref().map(|child| u64::from(child.id()))
    }

    /// Everything it logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("bitvaultd.log")
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Nothing is worth keeping: both are killed, Postgres by the pid in its lock file.
        let _killed = self.kill();
        let lock = self.data_dir().join("postgres/postmaster.pid");
        let pid = std::fs::read_to_string(lock)
            .ok()
            .and_then(|text| text.lines().next()?.trim().parse().ok());
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
            let _gone = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
            let deadline = Instant::now() + Duration::from_secs(10);
            while rustix::process::test_kill_process(pid).is_ok() && Instant::now() < deadline {
                std::thread::sleep(POLL);
            }
        }
        if std::thread::panicking() {
            #[allow(clippy::print_stderr, reason = "a failing test shows what the daemon said")]
            {
                eprintln!("--- bitvaultd said\n{}", self.log_tail());
            }
        }
    }
}

/// A program that `cargo xtask build` made: beside the test's own, or in `BITVAULT_BIN_DIR`.
pub fn program(name: &str) -> Result<PathBuf> {
    #[allow(
        clippy::disallowed_methods,
        reason = "tests are told by the environment where the programs are"
    )]
    let named = std::env::var("BITVAULT_BIN_DIR").ok().map(PathBuf::from);
    let beside = || -> Option<PathBuf> { Some(std::env::current_exe().ok()?.parent()?.parent()?.to_owned()) };
    let folder = named.or_else(beside).context("find the folder of the programs")?;
    let program = folder.join(name);
    if !Path::new(&program).exists() {
        bail!(
            "{} is not built: run `cargo xtask build --debug`",
            program.display()
        );
    }
    Ok(program)
}

/// A port that is free now.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    Ok(listener.local_addr().context("find a free port")?.port())
}

/// Ports below those that systems hand out to whoever asks for any.
const LASTING: std::ops::Range<u32> = 20_000..30_000;

/// A port that is free now and is not handed out to another program by chance: for one that is bound later, or again after
/// a restart.
pub fn lasting_port() -> Result<u16> {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    for _ in LASTING {
        // Test programs that run at once begin at different places.
        let number = std::process::id()
            .wrapping_mul(97)
            .wrapping_add(ASKED.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(LASTING.start + number % (LASTING.end - LASTING.start))?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port of {LASTING:?} is free")
}
