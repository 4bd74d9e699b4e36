//! A server whose database is put back to a backup, while its store is not, and goes on from there.

use crate::device::{Device, Tree, rest};
use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::api::sha256;
use bitvault_conformance::daemon::Daemon;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Changes after the restore: more than there were before it, so that the journal grows past what devices were told.
const AFTER: usize = 30;

/// By what the server finds out about the restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FoundBy {
    /// Its high-water mark.
    Mark,
    /// That of the store is gone too: the cursor of a device.
    Cursor,
}

pub(crate) async fn all(mut daemon: Daemon, by: FoundBy) -> Result<()> {
    let (desk, laptop) = (Device::new(&daemon, "desk")?, Device::new(&daemon, "laptop")?);
    desk.write("edited", "first")?;
    desk.write("left alone", "ever the same")?;
    desk.write("thrown away/file", "is thrown away after the backup")?;
    rest(&[&desk, &laptop])?;

    daemon.stop().await?;
    let (database, backup) = (
        daemon.data_dir().join("postgres"),
        daemon.data_dir().join("backup"),
    );
    copy(&database, &backup)?;
    daemon.start().await?;

    desk.write("edited", "second, after the backup")?;
    desk.write("new/of the desk", "made after the backup")?;
    laptop.write("of the laptop", "made after the backup as well")?;
    rest(&[&desk, &laptop])?;
    fs::remove_dir_all(desk.path("thrown away"))?;
    rest(&[&desk, &laptop])?;
    // The last that the desk does is not told by the journal: the answer alone tells that the server has it.
    desk.write("last", "nobody else has it")?;
    desk.once()?;

    let thrown = [desk.trash()?, laptop.trash()?, Tree::new()];
    daemon.stop().await?;
    fs::remove_dir_all(&database)?;
    copy(&backup, &database)?;
    if by == FoundBy::Cursor {
        let removed = remove_marks(&daemon.data_dir())?;
        ensure!(removed > 0, "the store has a mark");
    }
    daemon.start().await?;
    // Somebody works on, before any device comes.
    let third = Device::new(&daemon, "third")?;
    for number in 0..AFTER {
        let folder = format!("/after {number}");
        third.cli.run(&["mkdir", &folder])?.ok()?;
    }
    // Also with a file that devices know of in a state that is lost.
    third.write("edited", "third, by somebody who saw the first")?;
    let source = third.path("edited");
    let source = source.to_str().context("a path is Unicode")?;
    third.cli.run(&["put", source, "/edited"])?.ok()?;
    fs::remove_file(third.path("edited"))?;

    let tree = rest(&[&desk, &laptop, &third])?;
    let log = daemon.log();
    ensure!(log.contains("put back to an older state"), "the server says so");
    ensure!(
        log.contains("the tenant's devices read") == (by == FoundBy::Cursor),
        "found out by {by:?}"
    );
    for (path, content) in [
        ("left alone", "ever the same"),
        ("new/of the desk", "made after the backup"),
        ("of the laptop", "made after the backup as well"),
        ("last", "nobody else has it"),
        // The server has it again, and nobody had a reason to believe that somebody threw it away.
        ("thrown away/file", "is thrown away after the backup"),
    ] {
        ensure!(holds(&tree, path, content), "{path} is not as it was: {tree:#?}");
    }
    for content in ["second, after the backup", "third, by somebody who saw the first"] {
        let kept = tree
            .iter()
            .any(|(path, _)| path.starts_with("edited") && holds(&tree, path, content));
        ensure!(kept, "{content:?} is lost: {tree:#?}");
    }
    for number in 0..AFTER {
        ensure!(tree.contains_key(&format!("after {number}")), "{tree:#?}");
    }
    for (device, before) in [&desk, &laptop, &third].into_iter().zip(thrown) {
        let mut trash = device.trash()?;
        trash.retain(|path, hash| {
            !before.contains_key(path) && hash.is_some() && !tree.values().any(|kept| kept == hash)
        });
        ensure!(
            trash.is_empty(),
            "{} threw away what nobody has: {trash:#?}",
            device.name
        );
    }
    Ok(())
}

fn holds(tree: &Tree, path: &str, content: &str) -> bool {
    tree.get(path) == Some(&Some(sha256(content.as_bytes())))
}

/// With owners and modes: Postgres insists on them.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status()?;
    ensure!(status.success(), "copy {}", from.display());
    Ok(())
}

/// Removes what the store keeps of high-water marks; answers how many folders that were.
fn remove_marks(folder: &Path) -> Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        // Postgres has nothing of the kind, and other files come and go there.
        if !entry.file_type()?.is_dir() || path.ends_with("postgres") || path.ends_with("backup") {
            continue;
        }
        if entry.file_name().to_string_lossy().contains("high-water") {
            fs::remove_dir_all(&path)?;
            removed += 1;
        } else {
            removed += remove_marks(&path)?;
        }
    }
    Ok(removed)
}
