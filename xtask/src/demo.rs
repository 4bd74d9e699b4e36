//! `cargo xtask demo`: plays `docs/demo.sh` against a server of its own and draws what the terminal showed.
//!
//! The picture is a recording: it shows what the commands of this checkout print.

mod screen;

use std::fs;
use std::num::NonZero;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::build::{self, Profile};
use crate::dirs::Dirs;
use crate::env;
use crate::run;

/// Columns and rows of the terminal; more rows than the tour fills.
const SIZE: (NonZero<u16>, NonZero<u16>) = match (NonZero::new(108), NonZero::new(200)) {
    (Some(columns), Some(rows)) => (columns, rows),
    _ => panic!("a terminal has cells"),
};
const READY_WITHIN: Duration = Duration::from_secs(120);
const EMAIL: &str = "ada@example.org";
const PASSWORD: &str = "tall-giraffes-hum-8";

/// What `cargo xtask demo` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Compile the programs quickly, without optimisation
    #[arg(long)]
    debug: bool,
}

/// Runs the command.
pub(crate) fn execute(dirs: &Dirs, args: &Args) -> Result<()> {
    let profile = if args.debug {
        Profile::Debug
    } else {
        Profile::Release
    };
    let programs = build::all(dirs, profile)?;
    let folder = tempfile::tempdir().context("make a folder for the demo")?;
    let server = Server::start(&programs, folder.path())?;
    let typescript = folder.path().join("typescript");
    run::step("play docs/demo.sh", || {
        let (columns, rows) = SIZE;
        let tour = dirs.repo.join("docs/demo.sh");
        let inside = format!("stty cols {columns} rows {rows} && bash '{}'", tour.display());
        let search = std::iter::once(programs.clone()).chain(env::search_path());
        let path = std::env::join_paths(search).context("put bitvault on the path")?;
        let mut command = Command::new("script");
        command
            .args(["--quiet", "--return", "--command", &inside])
            .arg(&typescript)
            .current_dir(folder.path())
            .env("PATH", path)
            .env("HOME", folder.path())
            .env("TERM", "xterm-256color")
            .env("URL", &server.url)
            .env("EMAIL", EMAIL)
            .env("PASSWORD", PASSWORD);
        run::output(&mut command).map(drop)
    })?;
    let shown = fs::read(&typescript).context("read what the terminal showed")?;
    let picture = dirs.repo.join("docs/images/cli.svg");
    fs::write(&picture, screen::draw(&shown, SIZE)?)
        .with_context(|| format!("write {}", picture.display()))?;
    run::say(format!("the picture is {}", picture.display()));
    Ok(())
}

/// A daemon that ends with the demo.
struct Server {
    child: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGTERM, so that its Postgres ends as well; what can't be told to end is gone already.
        let told = Command::new("kill").arg(self.child.id().to_string()).status();
        if told.is_ok_and(|status| status.success()) {
            let _ended = self.child.wait();
        }
    }
}

impl Server {
    fn start(programs: &Path, folder: &Path) -> Result<Self> {
        let data = folder.join("data");
        let mut child = Command::new(programs.join("bitvaultd"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&data)
            .env("BITVAULTD_BOOTSTRAP_EMAIL", EMAIL)
            .env("BITVAULTD_BOOTSTRAP_PASSWORD", PASSWORD)
            .env("BITVAULTD_BOOTSTRAP_TENANT", "acme")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start bitvaultd")?;
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if let Some(status) = child.try_wait()? {
                bail!("bitvaultd ended with {status}");
            }
            let told = fs::read(data.join("runtime.json")).ok();
            let told: Option<serde_json::Value> = told.and_then(|bytes| serde_json::from_slice(&bytes).ok());
            if let Some(url) = told.as_ref().and_then(|told| told["url"].as_str()) {
                return Ok(Self {
                    child,
                    url: url.to_owned(),
                });
            }
            if Instant::now() > deadline {
                child.kill()?;
                bail!("bitvaultd is not ready after {READY_WITHIN:?}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
