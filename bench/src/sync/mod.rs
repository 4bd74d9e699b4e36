//! Devices in step: many small files from one to another through the server, one change among them, and no change at
//! all; against two instances of Syncthing side by side on the same machine, and against rclone.

mod device;
mod syncthing;
mod tree;
mod usage;
pub(crate) mod waiting;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bitvault_conformance::daemon::Daemon;
use bitvault_conformance::stores::tool;
use tempfile::TempDir;

use crate::postgres::Server;
use crate::process::timed;
use crate::report::{Report, median};
use device::{Device, wait_until};
use syncthing::Peer;
use usage::{Usage, usage};

/// Files of 4 KiB in the large tree, and in the small one that tells what grows.
const FILES: (usize, usize) = (100_000, 1_000);
/// Another number for the large tree, while one works on what is measured.
const FILES_VARIABLE: &str = "BITVAULT_BENCH_SYNC_FILES";
/// Files that are changed one after the other: of ours, and of Syncthing, which waits ten seconds with each.
const CHANGES: (usize, usize) = (21, 5);
const CHECKS: usize = 3;
/// How long all files may take.
const WITHIN: Duration = Duration::from_secs(1800);
/// How often it is asked whether all is there, and whether one file is.
const LOOK: Duration = Duration::from_secs(1);
const GLANCE: Duration = Duration::from_millis(5);
/// Until hints that came late have been followed, and statistics of Postgres are written.
const REST: Duration = Duration::from_secs(12);

pub(crate) async fn run(report: &mut Report) -> Result<()> {
    let files = std::env::var_os(FILES_VARIABLE)
        .and_then(|files| files.to_str()?.parse().ok())
        .unwrap_or(FILES.0);
    let small = ours(FILES.1).await?;
    let large = ours(files).await?;
    let theirs = theirs(files).await?;
    copied(report, files, &large, &theirs);
    let growth = |few: f64, many: f64| (many - few) * 1024.0 / (files - FILES.1) as f64;
    report.row(
        "memory of a device, for each file",
        format!(
            "{:.2} KiB where they were, {:.2} KiB where they came",
            growth(small.from.peak_mib, large.from.peak_mib),
            growth(small.to.peak_mib, large.to.peak_mib)
        ),
        format!("from the peaks at {} and at {files} files", FILES.1),
        "",
    );
    report.row(
        &format!("one file changed among {files}, on the other device, median"),
        format!("{:.2} s", large.change_s),
        format!(
            "Syncthing as it comes {:.2} s; ours among {} files {:.2} s",
            theirs.change_s, FILES.1, small.change_s
        ),
        "≤ 1 s",
    );
    report.row(
        "rows that Postgres read and wrote for one change",
        format!("{:.0} and {:.0}", large.rows.0, large.rows.1),
        format!(
            "{:.0} and {:.0} among {} files",
            small.rows.0, small.rows.1, FILES.1
        ),
        "the same",
    );
    report.row(
        &format!("nothing changed among {files}, `sync run --once`"),
        format!("{:.2} s", large.nothing_s),
        format!(
            "rclone check --size-only of both folders {:.2} s, ratio {:.2}",
            large.check_s,
            large.check_s / large.nothing_s
        ),
        "ratio ≥ 1.0",
    );
    Ok(())
}

/// What was measured with so many files.
struct Figures {
    seconds: f64,
    from: Usage,
    to: Usage,
    /// Daemon and Postgres; nothing of the peer.
    server: Option<(Usage, Usage)>,
    change_s: f64,
    rows: (f64, f64),
    nothing_s: f64,
    check_s: f64,
    /// What was made for it, deleted when all is measured: files are made slowly for minutes after many were deleted.
    _kept: (TempDir, Option<Daemon>),
}

fn copied(report: &mut Report, files: usize, ours: &Figures, theirs: &Figures) {
    let table = |figures: &Figures| {
        let mut text = format!("{} where they were, {} where they came", figures.from, figures.to);
        if let Some((daemon, postgres)) = &figures.server {
            text += &format!(", bitvaultd {daemon}, Postgres {postgres}");
        }
        text
    };
    report.row(
        &format!("{files} × 4 KiB from one device to another"),
        format!("{:.0} s: {}", ours.seconds, table(ours)),
        format!(
            "Syncthing {:.0} s: {}; ratio {:.2}",
            theirs.seconds,
            table(theirs),
            theirs.seconds / ours.seconds
        ),
        "≤ 150 MiB a device",
    );
}

async fn ours(files: usize) -> Result<Figures> {
    let home = tempfile::tempdir().context("make a folder")?;
    let mut daemon = Daemon::lite()?;
    daemon.start().await?;
    let server = Server::of(&daemon)?;
    let mut from = Device::new(&daemon, home.path(), "from")?;
    let mut to = Device::new(&daemon, home.path(), "to")?;
    tree::make(&from.folder, files)?;

    let pid = daemon.pid().context("the daemon runs")?;
    let (daemon_before, postgres_before) = (usage(pid)?, usage::postgres(pid)?);
    let begun = Instant::now();
    to.start()?;
    from.start()?;
    let entries = files + tree::folders(files);
    let seconds = wait_until(begun, LOOK, WITHIN, || {
        Ok(to.rests_with(entries)? && from.rests_with(entries)?)
    })?;
    let (of_from, of_to) = (usage(from.pid()?)?, usage(to.pid()?)?);
    let of_server = (
        usage(pid)?.since(&daemon_before),
        usage::postgres(pid)?.since(&postgres_before),
    );
    tree::ensure_same(&from.folder, &to.folder)?;

    tokio::time::sleep(REST).await;
    let quiet = rows(&server)?;
    tokio::time::sleep(REST).await;
    let noise = difference(quiet, rows(&server)?);
    let begun = Instant::now();
    let before = rows(&server)?;
    let change_s = changes(&from.folder, &to.folder, CHANGES.0)?;
    tokio::time::sleep(REST).await;
    let (read, written) = difference(before, rows(&server)?);
    // What the server does by itself goes on meanwhile.
    let share = begun.elapsed().as_secs_f64() / REST.as_secs_f64();
    let rows = (
        (read - noise.0 * share) / CHANGES.0 as f64,
        (written - noise.1 * share) / CHANGES.0 as f64,
    );

    from.stop()?;
    to.stop()?;
    let (mut nothing, mut checks) = (vec![], vec![]);
    from.once()?;
    for _ in 0..CHECKS {
        nothing.push(from.once()?);
        let mut check = std::process::Command::new(tool("rclone")?);
        check.args([
            "--config",
            "/dev/null",
            "check",
            "--size-only",
            "--exclude",
            "/.bitvault/**",
        ]);
        checks.push(timed(check.arg(&from.folder).arg(&to.folder))?);
    }
    drop((from, to));
    daemon.stop().await?;
    Ok(Figures {
        seconds,
        from: of_from,
        to: of_to,
        server: Some(of_server),
        change_s,
        rows,
        nothing_s: median(&mut nothing),
        check_s: median(&mut checks),
        _kept: (home, Some(daemon)),
    })
}

async fn theirs(files: usize) -> Result<Figures> {
    let home = tempfile::tempdir().context("make a folder")?;
    let mut from = Peer::new(home.path(), "from")?;
    let mut to = Peer::new(home.path(), "to")?;
    tree::make(&from.folder, files)?;
    from.start().await?;
    to.start().await?;
    let begun = Instant::now();
    to.share_with(&from).await?;
    from.share_with(&to).await?;
    while !to.has(files).await.unwrap_or(false) {
        anyhow::ensure!(begun.elapsed() < WITHIN, "Syncthing was not done in time");
        tokio::time::sleep(LOOK).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    // One watches over the other.
    let (of_from, of_to) = (usage::family(from.pid()?)?, usage::family(to.pid()?)?);
    tree::ensure_same(&from.folder, &to.folder)?;
    tokio::time::sleep(REST).await;
    Ok(Figures {
        seconds,
        from: of_from,
        to: of_to,
        server: None,
        change_s: changes(&from.folder, &to.folder, CHANGES.1)?,
        rows: (0.0, 0.0),
        nothing_s: 0.0,
        check_s: 0.0,
        _kept: (home, None),
    })
}

/// Changes so many files, one after the other here, each once the one before is there; answers the median of the seconds that took.
fn changes(from: &Path, to: &Path, count: usize) -> Result<f64> {
    let mut seconds = Vec::new();
    for change in 0..count {
        let path = tree::path_of(change * 37);
        let content = format!("change {change}");
        let begun = Instant::now();
        std::fs::write(from.join(&path), &content).context("change a file")?;
        seconds.push(wait_until(begun, GLANCE, WITHIN, || {
            Ok(std::fs::read(to.join(&path)).is_ok_and(|found| found == content.as_bytes()))
        })?);
    }
    Ok(median(&mut seconds))
}

/// Rows that Postgres has read and written in tables of ours.
fn rows(server: &Server) -> Result<(f64, f64)> {
    let sql = "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) || ' ' || \
               sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables";
    let answer = server.query(sql)?;
    let (read, written) = answer.split_once(' ').context("two figures")?;
    Ok((read.parse()?, written.parse()?))
}

fn difference(before: (f64, f64), after: (f64, f64)) -> (f64, f64) {
    (after.0 - before.0, after.1 - before.1)
}
