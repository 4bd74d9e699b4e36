//! 1 GiB by the CLI, put and get, against rclone's S3 client straight into the same store with the same parallelism; on
//! MinIO and on the embedded endpoint.

use crate::process::timed;
use crate::report::{Report, median};
use crate::tree::{Cli, minio_config, ratio, rclone};
use anyhow::{Context as _, Result};
use bitvault_conformance::daemon::Daemon;
use bitvault_conformance::stores::{ACCESS_KEY, Kind, SECRET_KEY, Store};
use rand::RngCore as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

const GIB: usize = 1 << 30;
const ROUNDS: usize = 3;
const PARALLEL: &str = "8";

pub(crate) async fn run(report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir().context("make a folder")?;
    let source = folder.path().join("source.bin");
    random_file(&source, GIB)?;

    let minio = Store::start(Kind::Minio)?;
    let mut daemon = Daemon::with_config(&minio_config(&minio))?;
    daemon.start().await?;
    let mut lite = Daemon::lite()?;
    lite.start().await?;
    let on_minio = Cli::sign_in(&daemon, &folder.path().join("minio"))?;
    let embedded = Cli::sign_in(&lite, &folder.path().join("lite"))?;
    let target = folder.path().join("got.bin");
    let mut times: [Rounds; 3] = Default::default();
    // In turn: the later a round, the more the disk has to do besides.
    for round in 0..ROUNDS {
        let [minio_rounds, peer_rounds, lite_rounds] = &mut times;
        by_cli(&on_minio, round, &source, &target, minio_rounds)?;
        by_rclone(&minio.endpoint(), round, &source, &target, peer_rounds)?;
        by_cli(&embedded, round, &source, &target, lite_rounds)?;
    }
    let [on_minio, peer, embedded] = times.map(Rounds::medians);
    rows(report, "on MinIO", "rclone into MinIO", &on_minio, &peer);
    rows(
        report,
        "on the embedded endpoint",
        "BitVault on MinIO",
        &embedded,
        &on_minio,
    );
    Ok(())
}

/// Seconds of a put and of a get.
struct Times {
    put: f64,
    get: f64,
}

fn rows(report: &mut Report, place: &str, peer: &str, ours: &Times, theirs: &Times) {
    let row = |report: &mut Report, what: &str, ours: f64, theirs: f64| {
        let against = format!("{peer} {theirs:.2} s, ratio {:.2}", ratio(theirs, ours));
        report.row(
            &format!("1 GiB {what} {place}"),
            format!("{ours:.2} s"),
            against,
            "ratio ≥ 1.0",
        );
    };
    row(report, "put", ours.put, theirs.put);
    row(report, "get", ours.get, theirs.get);
}

/// Seconds of each round.
#[derive(Default)]
struct Rounds {
    put: Vec<f64>,
    get: Vec<f64>,
}

impl Rounds {
    fn medians(mut self) -> Times {
        Times {
            put: median(&mut self.put),
            get: median(&mut self.get),
        }
    }

    /// Times both, and removes what was got.
    fn take(&mut self, put: &mut Command, get: &mut Command, target: &Path) -> Result<()> {
        // What others wrote is not written back at this one's expense.
        rustix::fs::sync();
        self.put.push(timed(put)?);
        rustix::fs::sync();
        self.get.push(timed(get)?);
        std::fs::remove_file(target).context("remove what was got")
    }
}

fn by_cli(cli: &Cli, round: usize, source: &Path, target: &Path, rounds: &mut Rounds) -> Result<()> {
    let remote = format!("/{round}.bin");
    let (mut put, mut get) = (cli.command(), cli.command());
    put.arg("put").arg(source).arg(&remote);
    get.arg("get").arg(&remote).arg(target);
    rounds.take(&mut put, &mut get, target)
}

fn by_rclone(endpoint: &str, round: usize, source: &Path, target: &Path, rounds: &mut Rounds) -> Result<()> {
    let remote = format!(":s3:bench/peer/{round}.bin");
    let mut put = rclone(endpoint, ACCESS_KEY, SECRET_KEY)?;
    put.args([
        "--s3-upload-concurrency",
        PARALLEL,
        "--s3-chunk-size",
        "16M",
        "--s3-upload-cutoff",
        "64M",
    ]);
    put.arg("copyto").arg(source).arg(&remote);
    let mut get = rclone(endpoint, ACCESS_KEY, SECRET_KEY)?;
    get.args(["--multi-thread-streams", PARALLEL, "--multi-thread-cutoff", "64M"]);
    get.arg("copyto").arg(&remote).arg(target);
    rounds.take(&mut put, &mut get, target)
}

fn random_file(path: &Path, bytes: usize) -> Result<()> {
    let mut file = File::create(path).context("write the source")?;
    let mut block = vec![0; 8 << 20];
    for _ in 0..bytes / block.len() {
        rand::rng().fill_bytes(&mut block);
        file.write_all(&block).context("write the source")?;
    }
    file.sync_all().context("write the source")
}
