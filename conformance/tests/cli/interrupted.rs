//! SIGKILL in the middle of a transfer, and the same command again.

use crate::{MIB, Target, bytes};
use anyhow::{Context as _, Result};
use bitvault_conformance::api::sha256;
use std::fs;
use std::path::Path;
use std::process::Child;

const FILE: usize = 90 * MIB;
/// Where the transfer is stopped. Eight parts of 5 MiB move at once, so at least the rest of this has arrived whole.
const STOP_AT: usize = 65 * MIB;
const IN_FLIGHT: usize = 40 * MIB;
/// Where a download is stopped. Eight pieces of 8 MiB are fetched ahead, so two have arrived in order; one may be on its
/// way to the disk.
const STOP_GET_AT: usize = 80 * MIB;
const GET_AGAIN: usize = FILE - 8 * MIB;

pub(crate) async fn all(target: &Target) -> Result<()> {
    let content = bytes(FILE, 60);
    fs::write(target.cli.folder().join("large.bin"), &content)?;
    a_killed_put_goes_on(target, &content).await?;
    a_killed_get_leaves_no_half_file_and_goes_on(target, &content).await?;
    a_file_that_changed_in_between_is_sent_anew(target).await
}

fn kill(mut child: Child) -> Result<()> {
    child.kill().context("kill bitvault")?;
    child.wait().context("wait for bitvault")?;
    Ok(())
}

/// Starts a put of `large.bin` to `/NAME` and kills it when `STOP_AT` bytes have gone.
async fn put_and_kill(target: &Target, remote: &str) -> Result<()> {
    target.meter.reset();
    target.meter.hold_sent_at(STOP_AT as u64);
    let child = target.cli.spawn(&["put", "large.bin", remote])?;
    target.meter.wait_sent(STOP_AT as u64).await?;
    kill(child)?;
    target.meter.reset();
    let there = target.cli.run(&["ls", remote])?;
    assert_eq!(there.code, 3, "nothing is visible before the commit");
    Ok(())
}

async fn a_killed_put_goes_on(target: &Target, content: &[u8]) -> Result<()> {
    put_and_kill(target, "/large.bin").await?;
    let put = target
        .cli
        .run(&["put", "--json", "large.bin", "/large.bin"])?
        .ok()?;
    assert_eq!(put.events()?[0]["sha256"], sha256(content));
    let sent = target.meter.sent() as usize;
    let most = FILE - (STOP_AT - IN_FLIGHT) + MIB;
    assert!(
        sent <= most,
        "{sent} bytes were sent, at most {most} were missing"
    );
    assert!(sent >= FILE - STOP_AT - MIB, "{sent}");
    assert!(target.cli.run(&["cat", "/large.bin"])?.ok()?.stdout == content);
    let left = fs::read_dir(target.cli.folder().join("state/bitvault/uploads"))?.count();
    assert_eq!(left, 0, "nothing is remembered of an upload that has ended");
    Ok(())
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

async fn a_killed_get_leaves_no_half_file_and_goes_on(target: &Target, content: &[u8]) -> Result<()> {
    let into = target.cli.folder().join("into");
    fs::create_dir(&into)?;
    target.meter.reset();
    target.meter.hold_received_at(STOP_GET_AT as u64);
    let child = target.cli.spawn(&["get", "/large.bin", "into/large.bin"])?;
    target.meter.wait_received(STOP_GET_AT as u64).await?;
    kill(child)?;
    target.meter.reset();
    let left = names(&into)?;
    assert!(left.iter().all(|name| name.starts_with('.')), "{left:?}");
    target.cli.run(&["get", "/large.bin", "into/large.bin"])?.ok()?;
    assert!(fs::read(into.join("large.bin"))? == content);
    assert_eq!(names(&into)?, ["large.bin"]);
    let received = target.meter.received() as usize;
    assert!(received <= GET_AGAIN + MIB, "{received} bytes came again");
    Ok(())
}

async fn a_file_that_changed_in_between_is_sent_anew(target: &Target) -> Result<()> {
    put_and_kill(target, "/other.bin").await?;
    let changed = bytes(FILE, 61);
    fs::write(target.cli.folder().join("large.bin"), &changed)?;
    target.cli.run(&["put", "large.bin", "/other.bin"])?.ok()?;
    assert!(target.cli.run(&["cat", "/other.bin"])?.ok()?.stdout == changed);
    Ok(())
}
