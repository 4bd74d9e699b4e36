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
    let on_minio = cli(&daemon, folder.path(), &source, "minio")?;
    let peer = peer(
        &minio.endpoint(),
        ACCESS_KEY,
        SECRET_KEY,
        "bench",
        folder.path(),
        &source,
    )?;
    rows(report, "on MinIO", "rclone into MinIO", &on_minio, &peer);
    drop(daemon);

    let mut lite = Daemon::lite()?;
    lite.start().await?;
    let embedded = cli(&lite, folder.path(), &source, "lite")?;
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

fn cli(daemon: &Daemon, folder: &Path, source: &Path, name: &str) -> Result<Times> {
    let cli = Cli::sign_in(daemon, &folder.join(name))?;
    let target = folder.join(format!("{name}.bin"));
    let (mut put, mut get) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let remote = format!("/{round}.bin");
        put.push(timed(cli.command().arg("put").arg(source).arg(&remote))?);
        get.push(timed(cli.command().arg("get").arg(&remote).arg(&target))?);
        std::fs::remove_file(&target).context("remove what was got")?;
    }
    Ok(Times {
        put: median(&mut put),
        get: median(&mut get),
    })
}

fn peer(
    endpoint: &str,
    key: &str,
    secret: &str,
    bucket: &str,
    folder: &Path,
    source: &Path,
) -> Result<Times> {
    let target = folder.join("peer.bin");
    let (mut put, mut get) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let remote = format!(":s3:{bucket}/peer/{round}.bin");
        let mut command = rclone(endpoint, key, secret)?;
        command.args([
            "--s3-upload-concurrency",
            PARALLEL,
            "--s3-chunk-size",
            "16M",
            "--s3-upload-cutoff",
            "64M",
        ]);
        put.push(timed(command.arg("copyto").arg(source).arg(&remote))?);
        let mut command = rclone(endpoint, key, secret)?;
        command.args(["--multi-thread-streams", PARALLEL, "--multi-thread-cutoff", "64M"]);
        get.push(timed(command.arg("copyto").arg(&remote).arg(&target))?);
        std::fs::remove_file(&target).context("remove what was got")?;
    }
    Ok(Times {
        put: median(&mut put),
        get: median(&mut get),
    })
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
