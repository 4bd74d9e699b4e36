//! PostgreSQL for the build itself: finding its programs, and a cluster that lives as long as one command.
//!
//! The cluster is private: its data is in a temporary folder, it listens on loopback on a free port, it runs as the
//! unprivileged user `postgres` when we are root (the server refuses root), and it is stopped when dropped.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::env;
use crate::run;

/// The oldest server that the daemon accepts.
pub(crate) const OLDEST_MAJOR: u32 = 15;

/// How long a new cluster may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(30);

/// How long a cluster may take to stop before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Where the server's programs are, if any are installed: the newest version that is new enough.
pub(crate) fn find_bin_dir() -> Option<PathBuf> {
    let mut candidates: Vec<PathBuf> = env::path("BITVAULT_PG_BIN").into_iter().collect();
    candidates.extend(installed_versions(Path::new("/usr/lib/postgresql")));
    if let Some(config) = env::which("pg_config")
        && let Ok(dir) = run::output(Command::new(config).arg("--bindir"))
    {
        candidates.push(PathBuf::from(dir.trim()));
    }
    candidates
        .into_iter()
        .find(|dir| env::is_executable(&dir.join("initdb")) && env::is_executable(&dir.join("postgres")))
}

/// Debian keeps each major version in a folder of its own; newest first.
fn installed_versions(root: &Path) -> Vec<PathBuf> {
    let mut majors: Vec<u32> = std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|major| *major >= OLDEST_MAJOR)
        .collect();
    majors.sort_unstable_by(|a, b| b.cmp(a));
    majors
        .into_iter()
        .map(|major| root.join(major.to_string()).join("bin"))
        .collect()
}

/// A running cluster that nobody else uses.
#[derive(Debug)]
pub(crate) struct Throwaway {
    bin: PathBuf,
    port: u16,
    server: Child,
    // Dropped last: the data goes when the server has stopped.
    _data: tempfile::TempDir,
}

impl Throwaway {
    /// Makes a cluster and starts it. `bin` is the folder of the server's programs.
    pub(crate) fn start(bin: &Path) -> Result<Self> {
        let data = tempfile::Builder::new()
            .prefix("bitvault-pg-")
            .tempdir()
            .context("make a temporary folder for a Postgres cluster")?;
        hand_over(data.path())?;
        let cluster = data.path().join("data");
        run::quiet(
            unprivileged(&bin.join("initdb"))
                .arg("-D")
                .arg(&cluster)
                .args([
                    "-A",
                    "trust",
                    "-U",
                    "postgres",
                    "-E",
                    "UTF8",
                    "--locale=C",
                    "--no-sync",
                ])
                .current_dir("/"),
        )
        .context("make a temporary Postgres cluster")?;

        let port = free_port()?;
        let log_path = data.path().join("log");
        let log = std::fs::File::create(&log_path).context("create the temporary cluster's log")?;
        let server = unprivileged(&bin.join("postgres"))
            .arg("-D")
            .arg(&cluster)
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c"])
            .arg(format!("unix_socket_directories={}", data.path().display()))
            .args([
                "-c",
                "fsync=off",
                "-c",
                "full_page_writes=off",
                "-c",
                "synchronous_commit=off",
            ])
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("start a temporary Postgres cluster")?;
        let mut cluster = Self {
            bin: bin.to_path_buf(),
            port,
            server,
            _data: data,
        };
        cluster.wait_until_ready(&log_path)?;
        Ok(cluster)
    }

    fn wait_until_ready(&mut self, log_path: &Path) -> Result<()> {
        let started = Instant::now();
        loop {
            if self.psql("postgres", &["-c", "select 1"]).is_ok() {
                return Ok(());
            }
            let ended = self
                .server
                .try_wait()
                .context("watch the temporary Postgres cluster")?;
            if ended.is_some() || started.elapsed() > START_LIMIT {
                let log = std::fs::read_to_string(log_path).unwrap_or_default();
                bail!(
                    "the temporary Postgres cluster did not start; its log ends with\n{}",
                    run::tail(&log)
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Runs psql as the administrator and stops at the first error.
    pub(crate) fn psql(&self, database: &str, args: &[&str]) -> Result<String> {
        run::output(
            Command::new(self.bin.join("psql"))
                .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &self.url(database)])
                .args(args),
        )
    }

    /// Connection string of the administrator.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        // "Immediate shutdown": the data is thrown away anyway.
        if let Some(pid) = rustix::process::Pid::from_raw(self.server.id().cast_signed()) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
        }
        let asked = Instant::now();
        while asked.elapsed() < STOP_LIMIT {
            match self.server.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(20)),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A command that runs as `postgres` when we are root, and as ourselves otherwise.
fn unprivileged(program: &Path) -> Command {
    if !env::is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"])
        .arg(program);
    command
}

/// Gives a folder to the user that the server runs as.
fn hand_over(dir: &Path) -> Result<()> {
    if !env::is_root() {
        return Ok(());
    }
    run::quiet(Command::new("chown").arg("postgres:").arg(dir))
        .context("give the temporary cluster's folder to the user postgres")
}

/// A port on loopback that is free right now.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("find a free port on loopback")?;
    Ok(listener
        .local_addr()
        .context("find a free port on loopback")?
        .port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_installed_server_comes_first_and_old_ones_do_not_count() {
        let root = tempfile::tempdir().unwrap();
        for name in ["9", "14", "15", "17", "common"] {
            std::fs::create_dir(root.path().join(name)).unwrap();
        }
        let found = installed_versions(root.path());
        assert_eq!(found, [root.path().join("17/bin"), root.path().join("15/bin")]);
    }
}
