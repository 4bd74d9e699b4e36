//! What an operator meets: bad starts, parts that fail, secrets that must not show, commands, the end.

mod commands;
mod disk;
mod grpc;
mod lifecycle;
mod secrets;
mod starts;
mod store;
mod tenants;
mod upgrade;
mod uploads;

use anyhow::{Context as _, Result, bail};
use bitvault_conformance::daemon::program;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Longest time until something that must come has come.
pub(crate) const WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// Runs `bitvaultd` to its end and answers exit code and everything it said. One that does not end is killed and an
/// error.
pub(crate) fn bitvaultd(arguments: &[&str], environment: &[(&str, &str)]) -> Result<(i32, String)> {
    let said = tempfile::NamedTempFile::new()?;
    let mut child = Command::new(program("bitvaultd")?)
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(said.reopen()?)
        .stderr(std::fs::OpenOptions::new().append(true).open(said.path())?)
        .spawn()
        .context("start bitvaultd")?;
    let deadline = Instant::now() + WITHIN;
    loop {
        if let Some(status) = child.try_wait()? {
            let said = std::fs::read_to_string(said.path())?;
            return Ok((status.code().unwrap_or(-1), said));
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            bail!("bitvaultd did not end: {}", std::fs::read_to_string(said.path())?);
        }
        std::thread::sleep(POLL);
    }
}

/// Waits until `look` answers something.
pub(crate) async fn until<T, L: AsyncFnMut() -> Result<Option<T>>>(what: &str, mut look: L) -> Result<T> {
    let deadline = Instant::now() + WITHIN;
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if Instant::now() > deadline {
            bail!("{what}: not within {WITHIN:?}");
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Status and body of `/readyz`.
pub(crate) async fn readiness(url: &str) -> Result<(u16, Value)> {
    let answer = reqwest::get(format!("{url}/readyz")).await?;
    Ok((
        answer.status().as_u16(),
        serde_json::from_str(&answer.text().await?)?,
    ))
}

/// `runtime.json` of a daemon that is not ready, once it is there.
pub(crate) async fn runtime(data_dir: &Path) -> Result<Value> {
    until("runtime.json", async || {
        let bytes = std::fs::read(data_dir.join("runtime.json")).ok();
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    })
    .await
}

/// Whether a process lives.
pub(crate) fn lives(pid: i32) -> bool {
    rustix::process::Pid::from_raw(pid).is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
}

/// The process of a data folder's Postgres.
pub(crate) fn postgres_pid(data_dir: &Path) -> Result<i32> {
    let text = std::fs::read_to_string(data_dir.join("postgres/postmaster.pid"))?;
    Ok(text.lines().next().context("a pid")?.trim().parse()?)
}

/// The section `[storage]` for a MinIO, its secret given.
pub(crate) fn on_minio(endpoint: &str, secret_key: &str) -> String {
    format!(
        "[storage.backend]\naccess_key = \"{}\"\nsecret_key = \"{secret_key}\"\ncreate_bucket = true\n\
         [storage.backend.settings]\nendpoint = \"{endpoint}\"\nbucket = \"operator\"\n\
         [storage.backend.grant]\nallow_private_addresses = true\n",
        bitvault_conformance::stores::ACCESS_KEY
    )
}
