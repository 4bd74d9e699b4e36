//! A Postgres cluster in a temporary folder.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a new cluster may take until it answers.
const READY_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
/// Connections of all tests of a binary together.
const CONNECTIONS: u32 = 400;

#[derive(Debug)]
pub(crate) struct Server {
    port: u16,
    pid: u32,
    waiting: Option<JoinHandle<()>>,
    // Dropped after the server has ended.
    _folder: tempfile::TempDir,
}

impl Server {
    pub(crate) fn start() -> io::Result<Self> {
        let bin = programs().ok_or_else(|| io::Error::other("PostgreSQL's programs are not installed"))?;
        let folder = tempfile::Builder::new().prefix("bitvault-test-pg-").tempdir()?;
        if rustix::process::geteuid().is_root() {
            run(Command::new("chown").arg("postgres:").arg(folder.path()))?;
        }
        let data = folder.path().join("data");
        let mut initdb = unprivileged(&bin.join("initdb"));
        initdb.arg("-D").arg(&data).args([
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        run(&mut initdb)?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let log = std::fs::File::create(folder.path().join("log"))?;
        let mut postgres = unprivileged(&bin.join("postgres"));
        postgres
            .arg("-D")
            .arg(&data)
            .args([
                "-p",
                &port.to_string(),
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "fsync=off",
            ])
            .args([
                "-c",
                "full_page_writes=off",
                "-c",
                &format!("max_connections={CONNECTIONS}"),
            ])
            .args([
                "-c",
                &format!("unix_socket_directories={}", folder.path().display()),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        // The server is told to die with the thread that started it: a thread that waits for its end.
        let (started, pid) = mpsc::channel();
        let waiting = std::thread::spawn(move || match postgres.spawn() {
            Ok(mut child) => {
                let _nobody = started.send(Ok(child.id()));
                let _ended = child.wait();
            }
            Err(error) => {
                let _nobody = started.send(Err(error));
            }
        });
        let pid = pid.recv().map_err(io::Error::other)??;
        let server = Self {
            port,
            pid,
            waiting: Some(waiting),
            _folder: folder,
        };
        server.wait_until_ready(&bin)?;
        Ok(server)
    }

    fn wait_until_ready(&self, bin: &Path) -> io::Result<()> {
        let started = Instant::now();
        loop {
            let answers = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
                && run(Command::new(bin.join("psql")).args([
                    "-X",
                    "-q",
                    "-c",
                    "select 1",
                    &self.url("postgres"),
                ]))
                .is_ok();
            if answers {
                return Ok(());
            }
            if started.elapsed() > READY_WITHIN {
                return Err(io::Error::other("the test's Postgres does not answer"));
            }
            std::thread::sleep(POLL);
        }
    }

    pub(crate) fn url(&self, database: &str) -> String {
        self.url_as("postgres", database)
    }

    pub(crate) fn url_as(&self, user: &str, database: &str) -> String {
        url(self.port, user, database)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

/// Connection string of a server on this machine.
pub(crate) fn url(port: u16, user: &str, database: &str) -> String {
    let at = if user.is_empty() { "" } else { "@" };
    format!("postgres://{user}{at}127.0.0.1:{port}/{database}")
}

impl Drop for Server {
    fn drop(&mut self) {
        // "Immediate shutdown": the data is thrown away anyway.
        if let Some(pid) = rustix::process::Pid::from_raw(self.pid.cast_signed()) {
            let _ended = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
        }
        if let Some(waiting) = self.waiting.take() {
            let _panicked = waiting.join();
        }
    }
}

/// The newest server from Debian's folders.
fn programs() -> Option<PathBuf> {
    let mut majors: Vec<u32> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|major| *major >= 15)
        .collect();
    majors.sort_unstable();
    let newest = majors.pop()?;
    Some(PathBuf::from(format!("/usr/lib/postgresql/{newest}/bin")))
}

/// A command that dies with its parent, and runs as `postgres` when we are root.
fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).current_dir("/");
    if rustix::process::geteuid().is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
    }
    command.arg("--").arg(program);
    command
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!("{command:?}: {text}")))
}
