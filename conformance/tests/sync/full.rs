//! Disks that fill up under a synced folder and under a device's state.

use crate::device::{Device, rest};
use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::api::sha256;
use bitvault_conformance::daemon::Daemon;
use bitvault_conformance::disk::SmallDisk;
use bitvault_device::fs::own;
use std::collections::BTreeSet;

const MIB: usize = 1 << 20;
const DISK_MIB: u64 = 64;
/// What is free when the large files come.
const FREE: u64 = 12 * MIB as u64;
/// So many of a MiB each, more than is free.
const MEDIUM: u8 = 16;
const STATE_DISK_MIB: u64 = 8;
/// What a state takes in of these is more than is free.
const MANY: usize = 600;

pub(crate) fn folder(daemon: &Daemon) -> Result<()> {
    let Some(disk) = SmallDisk::mount(DISK_MIB)? else {
        return Ok(());
    };
    let desk = Device::new(daemon, "desk")?;
    let laptop = Device::new(daemon, "laptop")?.in_folder(disk.path().join("files"))?;
    desk.write("grows", "as it was")?;
    desk.write("small 0", "before")?;
    rest(&[&desk, &laptop])?;
    disk.leave(FREE)?;
    std::fs::write(desk.path("too large"), vec![1; 20 * MIB])?;
    std::fs::write(desk.path("grows"), vec![2; 14 * MIB])?;
    for number in 0..30 {
        desk.write(&format!("small {number}"), &format!("content {number}"))?;
    }
    desk.once()?;
    for _ in 0..2 {
        let held = laptop.sync("run", &["--once", "--json"])?;
        ensure!(held.code == 5, "{}: {}", held.code, held.stderr);
        let told = held.events()?.pop().context("how it ended")?;
        let problems = told["problems"].as_array().context("problems")?;
        let told: BTreeSet<&str> = problems.iter().filter_map(|one| one["path"].as_str()).collect();
        ensure!(told == BTreeSet::from(["grows", "too large"]), "{problems:#?}");
        for problem in problems {
            let reason = problem["reason"].as_str().unwrap_or_default();
            ensure!(reason.contains("no space is left"), "{reason}");
        }
        let tree = laptop.tree()?;
        ensure!(
            tree.get("grows") == Some(&Some(sha256(b"as it was"))),
            "the old version stays whole until the new one is there"
        );
        // Nothing torn or empty, and no temporary file either.
        ensure!(tree.len() == 31, "{:?}", tree.keys());
        for number in 0..30 {
            ensure!(laptop.read(&format!("small {number}"))? == format!("content {number}"));
        }
        ensure!(disk.free()? > FREE - MIB as u64, "what did not fit takes no room");
    }
    // A person's own work goes on meanwhile.
    laptop.write("small 1", "edited while the disk is full")?;
    ensure!(laptop.sync("run", &["--once"])?.code == 5);
    desk.once()?;
    ensure!(desk.read("small 1")? == "edited while the disk is full");
    // Room for these is not taken beforehand: what turns out not to fit leaves nothing behind either.
    for number in 0..MEDIUM {
        std::fs::write(desk.path(&format!("medium {number}")), vec![number; MIB])?;
    }
    desk.once()?;
    let held = laptop.sync("run", &["--once", "--json"])?;
    ensure!(held.code == 5, "{}: {}", held.code, held.stderr);
    let left: Vec<_> = std::fs::read_dir(laptop.path(""))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| own::is_leftover(name))
        .collect();
    ensure!(left.is_empty(), "{left:?}");
    disk.make_room()?;
    let tree = rest(&[&desk, &laptop])?;
    ensure!(tree.get("too large") == Some(&Some(sha256(&vec![1; 20 * MIB]))));
    ensure!(tree.get("grows") == Some(&Some(sha256(&vec![2; 14 * MIB]))));
    ensure!(tree.len() == 32 + usize::from(MEDIUM), "{:?}", tree.keys());
    Ok(())
}

pub(crate) fn state(daemon: &Daemon) -> Result<()> {
    let Some(disk) = SmallDisk::mount(STATE_DISK_MIB)? else {
        return Ok(());
    };
    let desk = Device::new(daemon, "desk")?;
    let laptop = Device::new(daemon, "laptop")?.with_state(disk.path().join("state"));
    for number in 0..100 {
        desk.write(&format!("both/{number}"), &format!("as it was {number}"))?;
    }
    rest(&[&desk, &laptop])?;
    for (round, free) in [0, 16 << 10, 128 << 10].into_iter().enumerate() {
        disk.leave(free)?;
        // More than the free room of the state can take in.
        for number in 0..MANY {
            desk.write(&format!("new {round}/{number}"), &format!("{round}: {number}"))?;
        }
        desk.write("both/1", &format!("edited by the desk {round}"))?;
        laptop.write("both/2", &format!("edited by the laptop {round}"))?;
        std::fs::rename(
            desk.path(&format!("both/{}", round + 10)),
            desk.path(&format!("moved {round}")),
        )?;
        std::fs::remove_file(desk.path(&format!("both/{}", round + 20)))?;
        desk.once()?;
        for _ in 0..2 {
            let stopped = laptop.sync("run", &["--once"])?;
            ensure!(stopped.code == 1, "{}: {}", stopped.code, stopped.stderr);
            ensure!(stopped.stderr.contains("full"), "{}", stopped.stderr);
        }
        disk.make_room()?;
        let tree = rest(&[&desk, &laptop]).with_context(|| format!("with {free} bytes"))?;
        let files = tree.values().flatten().count();
        ensure!(files == 100 + MANY * (round + 1) - (round + 1), "{files} files");
        let copies: Vec<_> = tree.keys().filter(|path| path.contains("conflicted")).collect();
        ensure!(copies.is_empty(), "{copies:?}");
        ensure!(laptop.read("both/1")? == format!("edited by the desk {round}"));
        ensure!(desk.read("both/2")? == format!("edited by the laptop {round}"));
    }
    Ok(())
}
