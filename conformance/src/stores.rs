//! Real S3 stores on loopback: MinIO, versitygw and rclone, as the tools folder holds them.

use anyhow::{Context as _, Result, bail};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Access key of every store here.
pub const ACCESS_KEY: &str = "bitvaulttest";
/// Its secret.
pub const SECRET_KEY: &str = "bitvaulttestsecret";

/// Where stores take the bucket from the host's name (`bucket.DOMAIN`); no resolver knows it.
/// MinIO and the embedded endpoint do.
pub const DOMAIN: &str = "store.test";

const READY_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);

/// Which program serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// MinIO.
    Minio,
    /// versitygw over a folder.
    Versitygw,
    /// `rclone serve s3` over a folder.
    Rclone,
}

/// A store with a folder of its own. Dropped, it is killed and its folder removed.
#[derive(Debug)]
pub struct Store {
    kind: Kind,
    folder: TempDir,
    address: SocketAddr,
    program: PathBuf,
    child: Option<Child>,
}

impl Store {
    /// A store that is not started yet, on a port that is free now.
    pub fn stopped(kind: Kind) -> Result<Self> {
        let program = tool(match kind {
            Kind::Minio => "minio",
            Kind::Versitygw => "versitygw",
            Kind::Rclone => "rclone",
        })?;
        let folder = tempfile::Builder::new().prefix("bitvault-store-").tempdir()?;
        // Bound and let go: the programs want a number.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        Ok(Self {
            kind,
            folder,
            address,
            program,
            child: None,
        })
    }

    /// Starts one and waits until it answers.
    pub fn start(kind: Kind) -> Result<Self> {
        let mut store = Self::stopped(kind)?;
        store.run()?;
        Ok(store)
    }

    /// Starts the program and waits until it answers.
    pub fn run(&mut self) -> Result<()> {
        let address = self.address.to_string();
        let log = std::fs::File::create(self.folder.path().join("log"))?;
        let data = self.folder.path().join("data");
        std::fs::create_dir_all(&data)?;
        let mut command = Command::new(&self.program);
        match self.kind {
            Kind::Minio => command
                .args(["server", "--quiet", "--address", &address])
                .arg(&data)
                .env("MINIO_ROOT_USER", ACCESS_KEY)
                .env("MINIO_ROOT_PASSWORD", SECRET_KEY)
                .env("MINIO_DOMAIN", DOMAIN)
                .env("MINIO_BROWSER", "off"),
            Kind::Versitygw => command
                .args(["--port", &address, "posix"])
                .arg(&data)
                .env("ROOT_ACCESS_KEY", ACCESS_KEY)
                .env("ROOT_SECRET_KEY", SECRET_KEY),
            Kind::Rclone => command
                .args(["serve", "s3", "--addr", &address, "--auth-key"])
                .arg(format!("{ACCESS_KEY},{SECRET_KEY}"))
                .arg(&data),
        };
        command
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path());
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.child = Some(
            command
                .spawn()
                .with_context(|| format!("start {}", self.program.display()))?,
        );
        let started = Instant::now();
        while !self.answers() {
            let child = self.child.as_mut().context("just started")?;
            if let Some(status) = child.try_wait()? {
                bail!("{} ended with {status}:\n{}", self.program.display(), self.log());
            }
            if started.elapsed() > READY_WITHIN {
                bail!(
                    "{} is not ready after {READY_WITHIN:?}:\n{}",
                    self.program.display(),
                    self.log()
                );
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Kills the program; its data stay.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Which program it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// `http://127.0.0.1:PORT`
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the program wrote.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn answers(&self) -> bool {
        let path = if self.kind == Kind::Minio {
            "/minio/health/ready"
        } else {
            "/"
        };
        let ask = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(self.address)?;
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            write!(
                stream,
                "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
                self.address
            )?;
            let mut answer = [0; 12];
            stream.read_exact(&mut answer)?;
            Ok(String::from_utf8_lossy(&answer).into_owned())
        };
        match ask() {
            Ok(answer) if self.kind == Kind::Minio => answer.ends_with("200"),
            Ok(answer) => answer.starts_with("HTTP/1.1"),
            Err(_) => false,
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A program of the tools folder that `cargo xtask tools` fills.
pub fn tool(name: &str) -> Result<PathBuf> {
    let Some(folder) = std::env::var_os("BITVAULT_TOOLS") else {
        bail!(
            "BITVAULT_TOOLS is not set: run `cargo xtask tools`, then the tests through `cargo xtask test`"
        );
    };
    let path = Path::new(&folder).join(name);
    if path.is_file() {
        return Ok(path);
    }
    bail!("{} is not there; run `cargo xtask tools`", path.display())
}
