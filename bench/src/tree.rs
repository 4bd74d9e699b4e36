//! 10,000 files of 4 KiB by `put -r`, the daemon on MinIO, against rclone copying the same tree into that MinIO with 16
//! transfers.

use crate::process::timed;
use crate::report::{Report, median};
use anyhow::{Context as _, Result};
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD, program};
use bitvault_conformance::stores::{ACCESS_KEY, Kind, SECRET_KEY, Store, tool};
use rand::RngCore as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const FOLDERS: usize = 100;
const FILES: usize = 100;
const BYTES: usize = 4096;
const ROUNDS: usize = 3;

pub(crate) async fn run(report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir().context("make a folder")?;
    let source = folder.path().join("source");
    random_tree(&source)?;
    let minio = Store::start(Kind::Minio)?;
    let mut daemon = Daemon::with_config(&minio_config(&minio))?;
    daemon.start().await?;
    let cli = Cli::sign_in(&daemon, &folder.path().join("cli"))?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        ours.push(timed(
            cli.command()
                .args(["put", "-r"])
                .arg(&source)
                .arg(format!("/tree-{round}")),
        )?);
        let mut command = rclone(&minio.endpoint(), ACCESS_KEY, SECRET_KEY)?;
        let remote = format!(":s3:bench/peer-tree-{round}");
        theirs.push(timed(
            command
                .args(["--transfers", "16", "copy"])
                .arg(&source)
                .arg(remote),
        )?);
    }
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    report.row(
        "10,000 × 4 KiB by put -r on MinIO",
        format!("{ours:.1} s"),
        format!(
            "rclone, 16 transfers {theirs:.1} s, ratio {:.2}",
            ratio(theirs, ours)
        ),
        "ratio ≥ 1.0",
    );
    Ok(())
}

/// A configuration for a daemon whose files live in this MinIO.
pub(crate) fn minio_config(store: &Store) -> String {
    format!(
        "[storage.backend]\naccess_key = \"{ACCESS_KEY}\"\nsecret_key = \"{SECRET_KEY}\"\ncreate_bucket = true\n\
         [storage.backend.settings]\nendpoint = \"{}\"\nbucket = \"bench\"\nprefix = \"bitvault/\"\n\
         [storage.backend.grant]\nallow_private_addresses = true\n",
        store.endpoint()
    )
}

/// How many times as fast ours is.
pub(crate) fn ratio(theirs: f64, ours: f64) -> f64 {
    theirs / ours
}

/// rclone on an S3 store, without a configuration file.
pub(crate) fn rclone(endpoint: &str, key: &str, secret: &str) -> Result<Command> {
    let mut command = Command::new(tool("rclone")?);
    command.args([
        "--config",
        "/dev/null",
        "--s3-provider",
        "Minio",
        "--s3-endpoint",
        endpoint,
    ]);
    command.args([
        "--s3-access-key-id",
        key,
        "--s3-secret-access-key",
        secret,
        "--s3-no-check-bucket",
    ]);
    Ok(command)
}

/// The release CLI, signed in.
pub(crate) struct Cli {
    program: PathBuf,
    home: PathBuf,
}

impl Cli {
    pub(crate) fn sign_in(daemon: &Daemon, home: &Path) -> Result<Self> {
        std::fs::create_dir_all(home).context("make the CLI's home")?;
        let cli = Self {
            program: program("bitvault")?,
            home: home.to_owned(),
        };
        let mut child = cli
            .command()
            .args(["login", daemon.url(), "--email", EMAIL, "--password-stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("run bitvault")?;
        let mut stdin = child.stdin.take().context("write the password")?;
        writeln!(stdin, "{PASSWORD}").context("write the password")?;
        drop(stdin);
        anyhow::ensure!(
            child.wait().context("run bitvault")?.success(),
            "bitvault could not sign in"
        );
        Ok(cli)
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("XDG_CONFIG_HOME", &self.home)
            .env("XDG_STATE_HOME", &self.home);
        command
    }
}

fn random_tree(root: &Path) -> Result<()> {
    let mut content = vec![0; BYTES];
    for folder in 0..FOLDERS {
        let folder = root.join(format!("folder-{folder:03}"));
        std::fs::create_dir_all(&folder).context("write the tree")?;
        for file in 0..FILES {
            rand::rng().fill_bytes(&mut content);
            std::fs::write(folder.join(format!("file-{file:03}.bin")), &content).context("write the tree")?;
        }
    }
    Ok(())
}
