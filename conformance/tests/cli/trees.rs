//! Whole trees, both ways.

use crate::{MIB, Target, bytes};
use anyhow::{Context as _, Result};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Names that must arrive as they are: composed, other scripts, beyond the basic plane, blanks, quotes, a leading dash.
const NAMES: [&str; 8] = [
    "grüße.txt",
    "日本語.md",
    "🦀 crab.rs",
    "a b  c",
    "it's \"quoted\".txt",
    "-dash",
    "%41 percent?#.txt",
    ".hidden",
];

pub(crate) fn all(target: &Target) -> Result<()> {
    let tree = target.cli.folder().join("tree");
    grow(&tree)?;
    let planted = read(&tree)?;
    a_tree_arrives_whole(target, planted.len())?;
    the_same_tree_again_sends_nothing(target, planted.len())?;
    the_tree_comes_back_identical(target, &planted)?;
    only_what_changed_is_sent(target, &tree)
}

fn grow(tree: &Path) -> Result<()> {
    let deep = tree.join("one/two/three/four");
    fs::create_dir_all(&deep)?;
    fs::create_dir_all(tree.join("empty folder/inside"))?;
    fs::write(deep.join("bottom"), "the bottom")?;
    for (seed, name) in NAMES.iter().enumerate() {
        fs::write(tree.join(name), bytes(seed * 1000, seed as u64))?;
        fs::write(tree.join("one").join(name), b"")?;
    }
    for number in 0..120_u64 {
        fs::write(
            tree.join("one/two").join(format!("small-{number}")),
            bytes(4096, number),
        )?;
    }
    fs::create_dir(tree.join("größe"))?;
    fs::write(tree.join("größe/large.bin"), bytes(80 * MIB, 80))?;
    Ok(())
}

/// Every path below a folder, with a file's bytes.
fn read(folder: &Path) -> Result<BTreeMap<String, Option<Vec<u8>>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next)? {
            let path = entry?.path();
            let name = path
                .strip_prefix(folder)?
                .to_str()
                .context("a name in UTF-8")?
                .to_owned();
            if path.is_dir() {
                found.insert(name, None);
                folders.push(path);
            } else {
                found.insert(name, Some(fs::read(path)?));
            }
        }
    }
    Ok(found)
}

fn a_tree_arrives_whole(target: &Target, entries: usize) -> Result<()> {
    let put = target.cli.run(&["put", "-r", "--json", "tree", "/"])?.ok()?;
    let summary = put.summary()?;
    let count = |name: &str| summary[name].as_u64().unwrap_or_default() as usize;
    assert_eq!(count("failed") + count("ignored"), 0, "{summary}");
    let made = count("files") + count("folders");
    assert!(
        made == entries || made == entries + 1,
        "{summary} for {entries} entries"
    );
    assert!(target.meter.sent() as usize > 80 * MIB);
    Ok(())
}

fn the_same_tree_again_sends_nothing(target: &Target, entries: usize) -> Result<()> {
    target.meter.reset();
    let again = target.cli.run(&["put", "-r", "--json", "tree", "/"])?.ok()?;
    let summary = again.summary()?;
    assert_eq!(
        (&summary["files"], &summary["bytes"]),
        (&json!(0), &json!(0)),
        "{summary}"
    );
    assert!(summary["unchanged"].as_u64().unwrap_or_default() as usize > entries / 2);
    assert_eq!(target.meter.sent(), 0, "not one byte goes to the store");
    Ok(())
}

fn the_tree_comes_back_identical(target: &Target, planted: &BTreeMap<String, Option<Vec<u8>>>) -> Result<()> {
    let got = target.cli.run(&["get", "-r", "--json", "/tree", "back"])?.ok()?;
    assert_eq!(got.summary()?["failed"], 0);
    let back = read(&target.cli.folder().join("back"))?;
    let names = |tree: &BTreeMap<String, _>| tree.keys().cloned().collect::<Vec<String>>();
    assert_eq!(names(&back), names(planted));
    for (name, content) in planted {
        assert!(back[name] == *content, "{name} came back changed");
    }
    Ok(())
}

fn only_what_changed_is_sent(target: &Target, tree: &Path) -> Result<()> {
    target.meter.reset();
    fs::write(tree.join("one/two/small-7"), "changed")?;
    let put = target.cli.run(&["put", "-r", "--json", "tree", "/"])?.ok()?;
    assert_eq!(put.summary()?["files"], 1);
    assert!(target.meter.sent() < 64 * 1024, "{} bytes", target.meter.sent());
    let shown = target.cli.run(&["cat", "/tree/one/two/small-7"])?.ok()?;
    assert_eq!(shown.text(), "changed");
    Ok(())
}
