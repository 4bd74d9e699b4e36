//! What two people do to the same things while their devices are offline.

use crate::device::{Device, rest};
use anyhow::{Context as _, Result};
use bitvault_conformance::api::sha256;
use bitvault_conformance::daemon::Daemon;

fn pair(daemon: &Daemon) -> Result<(Device, Device)> {
    Ok((Device::new(daemon, "desk")?, Device::new(daemon, "laptop")?))
}

pub(crate) fn both_versions_survive(daemon: &Daemon) -> Result<()> {
    let (desk, laptop) = pair(daemon)?;
    desk.write("plans/budget.txt", "as it was")?;
    rest(&[&desk, &laptop])?;
    desk.write("plans/budget.txt", "as the desk wants it")?;
    laptop.write("plans/budget.txt", "as the laptop wants it")?;
    let tree = rest(&[&desk, &laptop])?;
    assert_eq!(
        laptop.read("plans/budget.txt")?,
        "as the desk wants it",
        "who came first"
    );
    let copies: Vec<&String> = tree
        .keys()
        .filter(|path| path.contains("conflicted copy"))
        .collect();
    let [copy] = copies.as_slice() else {
        panic!("one conflicted copy is wanted: {tree:?}");
    };
    assert!(
        copy.starts_with("plans/budget (conflicted copy, laptop, 20"),
        "{copy}"
    );
    assert!(copy.ends_with(").txt"), "{copy}");
    assert_eq!(desk.read(copy)?, "as the laptop wants it");
    assert_eq!(tree.len(), 3, "{tree:?}");
    let listed = laptop.sync("conflicts", &["--json"])?.ok()?.events()?;
    assert_eq!(listed[0]["path"], copy.as_str());
    // An edit of the copy is an edit like any other.
    desk.write(copy, "settled")?;
    let tree = rest(&[&desk, &laptop])?;
    assert_eq!((laptop.read(copy)?.as_str(), tree.len()), ("settled", 3));
    // The same edit on both makes no conflict.
    desk.write("plans/budget.txt", "agreed")?;
    laptop.write("plans/budget.txt", "agreed")?;
    assert_eq!(rest(&[&desk, &laptop])?.len(), 3);
    Ok(())
}

pub(crate) fn an_edit_wins(daemon: &Daemon) -> Result<()> {
    let (desk, laptop) = pair(daemon)?;
    for name in [
        "kept.txt",
        "gone.txt",
        "folder/old.txt",
        "more/1",
        "more/2",
        "more/3",
    ] {
        desk.write(name, &format!("{name} as it was"))?;
    }
    rest(&[&desk, &laptop])?;
    std::fs::remove_file(desk.path("kept.txt"))?;
    std::fs::remove_dir_all(desk.path("folder"))?;
    laptop.write("kept.txt", "edited meanwhile")?;
    laptop.write("folder/new.txt", "nobody has this yet")?;
    let tree = rest(&[&desk, &laptop])?;
    assert_eq!(desk.read("kept.txt")?, "edited meanwhile");
    assert_eq!(desk.read("folder/new.txt")?, "nobody has this yet");
    assert!(!tree.contains_key("folder/old.txt"), "{tree:?}");
    Ok(())
}

pub(crate) fn removed_is_kept(daemon: &Daemon) -> Result<()> {
    let (desk, laptop) = pair(daemon)?;
    for name in ["a", "b", "c", "d"] {
        desk.write(name, &format!("content of {name}"))?;
    }
    rest(&[&desk, &laptop])?;
    std::fs::remove_file(desk.path("a"))?;
    let tree = rest(&[&desk, &laptop])?;
    assert_eq!(tree.len(), 3, "{tree:?}");
    let kept = laptop.trash()?;
    let lies_there = kept
        .values()
        .flatten()
        .any(|hash| *hash == sha256(b"content of a"));
    assert!(lies_there, "{kept:?}");
    let trash = desk.cli.run(&["trash", "--json"])?.ok()?.text();
    assert!(trash.contains("\"a\""), "{trash}");
    Ok(())
}

pub(crate) fn many_deletes_wait(daemon: &Daemon) -> Result<()> {
    let (desk, laptop) = pair(daemon)?;
    for number in 0..30 {
        desk.write(&format!("file {number}"), &format!("content {number}"))?;
    }
    rest(&[&desk, &laptop])?;
    for number in 0..25 {
        std::fs::remove_file(desk.path(&format!("file {number}")))?;
    }
    let held = desk.sync("run", &["--once", "--json"])?;
    assert_eq!(held.code, 5, "{}", held.stderr);
    let told = held.events()?.pop().context("what it waits for")?;
    assert_eq!(told["waiting"].as_array().map(Vec::len), Some(1), "{told}");
    laptop.once()?;
    assert_eq!(
        laptop.tree()?.len(),
        30,
        "nothing is deleted before somebody agrees"
    );
    desk.sync("resume", &["--delete", "25"])?.ok()?;
    laptop.sync("resume", &["--delete", "25"])?.ok()?;
    assert_eq!(rest(&[&desk, &laptop])?.len(), 5);
    Ok(())
}

/// What a device fetches of many small files costs the server a call for a group of them, and not one for each.
pub(crate) async fn many_files_are_asked_for_together(daemon: &Daemon) -> Result<()> {
    let (desk, laptop) = pair(daemon)?;
    for number in 0..300 {
        desk.write(&format!("many/{number}"), &format!("content {number}"))?;
    }
    desk.once()?;
    laptop.once()?;
    assert_eq!(laptop.tree()?, desk.tree()?);
    let metrics = reqwest::get(format!("{}/metrics", daemon.url()))
        .await?
        .text()
        .await?;
    let calls = |route: &str| {
        let counted = metrics.lines().filter(|line| {
            line.starts_with("bitvault_http_requests_total") && line.contains(&format!("route=\"{route}\""))
        });
        counted
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum::<u64>()
    };
    assert_eq!(calls("/v1/nodes/{id}/content"), 0, "{metrics}");
    let together = calls("/v1/batch/contents");
    assert!((1..=5).contains(&together), "{together} calls");
    Ok(())
}
