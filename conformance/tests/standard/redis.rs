//! A real Redis on loopback, ended with the test.

use anyhow::{Context as _, Result, bail};
use bitvault_conformance::daemon::free_port;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const READY_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// What it asks of whoever connects.
const PASSWORD: &str = "a-password-of-the-suite";

pub(crate) struct Redis {
    port: u16,
    folder: tempfile::TempDir,
    child: Option<Child>,
}

impl Redis {
    pub(crate) fn start() -> Result<Self> {
        let mut redis = Self {
            port: free_port()?,
            folder: tempfile::Builder::new().prefix("bitvault-redis-").tempdir()?,
            child: None,
        };
        redis.run()?;
        Ok(redis)
    }

    pub(crate) fn run(&mut self) -> Result<()> {
        let child = Command::new("redis-server")
            .args([
                "--bind",
                "127.0.0.1",
                "--port",
                &self.port.to_string(),
                "--save",
                "",
                "--requirepass",
                PASSWORD,
            ])
            .arg("--dir")
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("run redis-server; `cargo xtask tools redis` installs it")?;
        self.child = Some(child);
        let deadline = Instant::now() + READY_WITHIN;
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if Instant::now() > deadline {
                bail!("redis-server does not answer");
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _gone = child.kill();
            let _gone = child.wait();
        }
    }

    /// The section that leads there.
    pub(crate) fn section(&self) -> String {
        format!(
            "[redis]\nurl = \"redis://127.0.0.1:{}\"\npassword = \"{PASSWORD}\"\n",
            self.port
        )
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
