use crate::process::{self, Running};
use crate::user::RunAs;
use crate::{Binaries, Error, supervise};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, Connection as _};
use std::fs::{self, File, OpenOptions};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long a start may take: recovery after a crash under load replays up to `max_wal_size`.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// How long a fast shutdown may take.
const STOPPED_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// What a cluster is made of.
#[derive(Debug, Clone)]
pub struct Config {
    /// The cluster's folder; made when missing. Its log is written beside it, `FOLDER.log`.
    pub folder: PathBuf,
    /// Folder of the server's programs; found by itself when `None`.
    pub bin: Option<PathBuf>,
    /// Who Postgres runs as when the daemon is root.
    pub user: String,
    /// Name of the superuser that owns everything.
    pub owner: String,
    /// The superuser's password.
    pub password: String,
    /// Name of the database, made when missing.
    pub database: String,
    /// Port of the last start, used again when it is free, so that tools stay connected over a restart.
    pub port: Option<u16>,
    /// Settings on the command line, `("shared_buffers", "64MB")`.
    pub settings: Vec<(String, String)>,
}

/// A running cluster. Dropping it ends only the supervision; the server runs on until [`Cluster::stop`].
#[derive(Debug)]
pub struct Cluster {
    server: Arc<Server>,
    supervision: DropGuard,
}

/// The server on a cluster's folder: how it is started and reached.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) config: Config,
    binaries: Binaries,
    run_as: RunAs,
    port: u16,
}

impl Cluster {
    /// Makes the cluster if the folder holds none, adopts the server that still runs on it or starts one, waits until
    /// it is ready, and makes the database. From then on a server that dies is started again.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let folder = std::path::absolute(&config.folder).map_err(Error::io("resolve", &config.folder))?;
        let config = Config { folder, ..config };
        let binaries = Binaries::find(config.bin.as_deref(), &config.folder)?;
        let run_as = RunAs::decide(&config.user, &config.folder)?;
        init(&config, &binaries, &run_as)?;
        let running = process::read(&config.folder).filter(|running| process::alive(running.pid));
        let port = match running {
            Some(Running { pid, port }) => {
                tracing::info!(pid, port, "adopt the Postgres that still runs");
                port
            }
            None => free_port(config.port).map_err(Error::io("find a free port for", &config.folder))?,
        };
        let server = Arc::new(Server {
            config,
            binaries,
            run_as,
            port,
        });
        if running.is_none() {
            server.spawn()?;
        }
        server.wait_ready().await?;
        server.make_database().await?;
        let stop = CancellationToken::new();
        tokio::spawn(supervise::run(server.clone(), stop.clone()));
        Ok(Self {
            server,
            supervision: stop.drop_guard(),
        })
    }

    /// `postgres://OWNER:PASSWORD@127.0.0.1:PORT/DATABASE`, for looking in as the administrator.
    pub fn owner_url(&self) -> String {
        let Config {
            owner,
            password,
            database,
            ..
        } = &self.server.config;
        format!(
            "postgres://{owner}:{password}@127.0.0.1:{}/{database}",
            self.server.port
        )
    }

    /// `postgres://127.0.0.1:PORT/DATABASE`, to which a caller adds who logs in.
    pub fn url(&self) -> String {
        format!(
            "postgres://127.0.0.1:{}/{}",
            self.server.port, self.server.config.database
        )
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.server.port
    }

    /// Ends sessions, writes everything and stops the server.
    pub async fn stop(self) -> Result<(), Error> {
        drop(self.supervision);
        let Some(running) = process::read(&self.server.config.folder) else {
            return Ok(());
        };
        process::stop(running.pid);
        let deadline = Instant::now() + STOPPED_WITHIN;
        while process::alive(running.pid) {
            if Instant::now() > deadline {
                let detail = format!(
                    "process {} did not stop within {} s",
                    running.pid,
                    STOPPED_WITHIN.as_secs()
                );
                return Err(Error::Program {
                    program: "postgres",
                    detail,
                });
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}

impl Server {
    pub(crate) fn spawn(&self) -> Result<(), Error> {
        let log = self.log();
        let output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(Error::io("open", &log))?;
        let errors = output.try_clone().map_err(Error::io("open", &log))?;
        let mut command = self.run_as.command(&self.binaries.program("postgres"));
        command
            .arg("-D")
            .arg(&self.config.folder)
            .args(["-p", &self.port.to_string()]);
        command.args([
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=",
        ]);
        for (name, value) in &self.config.settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        // A group of its own: Ctrl-C in the terminal is for the daemon, which then stops Postgres in order.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .current_dir("/")
            .spawn()
            .map_err(|cause| Error::Program {
                program: "postgres",
                detail: cause.to_string(),
            })?;
        // Reaps it when it ends; whether it lives is told by its lock file, the same for an adopted one.
        std::thread::spawn(move || child.wait());
        Ok(())
    }

    pub(crate) async fn wait_ready(&self) -> Result<(), Error> {
        let deadline = Instant::now() + READY_WITHIN;
        let mut seen = false;
        loop {
            if let Ok(connection) = PgConnection::connect_with(&self.options("postgres")).await {
                connection.close().await?;
                return Ok(());
            }
            let running =
                process::read(&self.config.folder).is_some_and(|running| process::alive(running.pid));
            let died = seen && !running;
            seen |= running;
            if died || Instant::now() > deadline {
                return Err(Error::NotReady {
                    seconds: READY_WITHIN.as_secs(),
                    log: self.log(),
                    tail: self.tail(),
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn make_database(&self) -> Result<(), Error> {
        let mut connection = PgConnection::connect_with(&self.options("postgres")).await?;
        let name = &self.config.database;
        let exists: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
            .bind(name)
            .fetch_optional(&mut connection)
            .await?;
        if exists.is_none() {
            let sql = format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\""));
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
        }
        connection.close().await?;
        Ok(())
    }

    fn options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new()
            .host("127.0.0.1")
            .port(self.port)
            .username(&self.config.owner)
            .password(&self.config.password)
            .database(database)
            .application_name("bitvault_owner")
            .ssl_mode(PgSslMode::Disable)
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.config.folder.with_extension("log")
    }

    fn tail(&self) -> String {
        let text = fs::read(self.log())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(8).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

/// Makes the cluster beside its place and renames it there, so that a kill half-way leaves nothing that looks whole.
fn init(config: &Config, binaries: &Binaries, run_as: &RunAs) -> Result<(), Error> {
    if config.folder.join("PG_VERSION").exists() {
        return Ok(());
    }
    let making = config.folder.with_extension("making");
    if making.exists() {
        fs::remove_dir_all(&making).map_err(Error::io("remove the unfinished", &making))?;
    }
    fs::create_dir_all(&making).map_err(Error::io("create", &making))?;
    fs::set_permissions(&making, fs::Permissions::from_mode(0o700)).map_err(Error::io("close", &making))?;
    let password = making.with_extension("password");
    fs::write(&password, &config.password).map_err(Error::io("write", &password))?;
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600))
        .map_err(Error::io("close", &password))?;
    run_as.own(&making)?;
    run_as.own(&password)?;
    let output = run_as
        .command(&binaries.program("initdb"))
        .arg("-D")
        .arg(&making)
        .args([
            "-U",
            &config.owner,
            "-A",
            "scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--data-checksums",
        ])
        .arg(format!("--pwfile={}", password.display()))
        .current_dir("/")
        .output();
    fs::remove_file(&password).map_err(Error::io("remove", &password))?;
    let output = output.map_err(|cause| Error::Program {
        program: "initdb",
        detail: cause.to_string(),
    })?;
    if !output.status.success() {
        let detail = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Error::Program {
            program: "initdb",
            detail,
        });
    }
    fs::rename(&making, &config.folder).map_err(Error::io("rename", &making))?;
    let parent = config.folder.parent().unwrap_or(Path::new("/"));
    File::open(parent)
        .and_then(|folder| folder.sync_all())
        .map_err(Error::io("sync", parent))
}

/// The port of the last time if nobody took it, otherwise any free one.
fn free_port(last: Option<u16>) -> std::io::Result<u16> {
    if let Some(port) = last
        && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
    {
        return Ok(port);
    }
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
