//! Old versions, and what is known of nodes.

use crate::Target;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::fs;

pub(crate) fn all(target: &Target) -> Result<()> {
    an_old_version_is_read_restored_labelled_and_removed(target)?;
    a_tree_and_its_nodes_are_shown(target)?;
    usage_is_told(target)?;
    a_space_is_named_as_everywhere(target)
}

/// The ids of a file's versions, the newest first.
fn ids(target: &Target, path: &str) -> Result<Vec<String>> {
    let listed = target.cli.run(&["versions", "--json", path])?.ok()?.json()?;
    let items = listed["items"].as_array().context("items")?;
    let ids = items.iter().filter_map(|item| item["id"].as_str());
    Ok(ids.map(str::to_owned).collect())
}

fn an_old_version_is_read_restored_labelled_and_removed(target: &Target) -> Result<()> {
    let (cli, file) = (&target.cli, target.cli.folder().join("versioned.txt"));
    for content in ["first", "second, and longer"] {
        fs::write(&file, content)?;
        cli.run(&["put", "versioned.txt", "/"])?.ok()?;
    }
    let path = "/versioned.txt";
    let both = ids(target, path)?;
    let old = both[1].as_str();
    assert_eq!(cli.run(&["cat", "--version", old, path])?.ok()?.text(), "first");
    cli.run(&["get", "--version", old, path, "old.txt"])?.ok()?;
    assert_eq!(fs::read_to_string(cli.folder().join("old.txt"))?, "first");

    let labelled = cli
        .run(&["versions", "label", "--json", path, old, "as sent"])?
        .ok()?;
    assert_eq!(labelled.events()?[0]["version"]["label"], "as sent");
    let table = cli.run(&["versions", path])?.ok()?.text();
    let lines: Vec<&str> = table.lines().collect();
    assert!(
        lines[0].ends_with("\tcurrent\t") && lines[1].ends_with("\tas sent"),
        "{table}"
    );
    cli.run(&["versions", "label", path, old, "--clear"])?.ok()?;
    let restored = cli.run(&["versions", "restore", "--json", path, old])?.ok()?;
    assert_eq!(restored.events()?[0]["node"]["size"], 5);
    assert_eq!(cli.run(&["cat", path])?.ok()?.text(), "first");
    let all = ids(target, path)?;
    assert_eq!(
        cli.run(&["versions", "rm", path, &all[0]])?.code,
        5,
        "the current one"
    );
    cli.run(&["versions", "rm", path, old, &both[0]])?.ok()?;
    assert_eq!(ids(target, path)?, all[..1]);
    for (arguments, code) in [
        (&["versions"][..], 2),
        (&["versions", "/none"], 3),
        (&["versions", "label", path, old], 2),
        (&["versions", "restore", path, old], 3),
        (&["cat", "--version", old, path], 3),
    ] {
        assert_eq!(cli.run(arguments)?.code, code, "{arguments:?}");
    }
    Ok(())
}

fn a_tree_and_its_nodes_are_shown(target: &Target) -> Result<()> {
    let cli = &target.cli;
    cli.run(&["mkdir", "-p", "/shown/a/deep", "/shown/b"])?.ok()?;
    fs::write(cli.folder().join("leaf"), "leaf")?;
    cli.run(&["put", "leaf", "/shown/a/"])?.ok()?;
    let shown = cli.run(&["tree", "/shown"])?.ok()?.text();
    let expected = "/shown\n├── a/\n│   ├── deep/\n│   └── leaf  (4 B)\n└── b/\n\n3 folders, 1 files, 4 B\n";
    assert_eq!(shown, expected);
    let shallow = cli.run(&["tree", "-L", "1", "/shown"])?.ok()?.text();
    assert!(shallow.contains("a/") && !shallow.contains("deep"), "{shallow}");
    let events = cli.run(&["tree", "--json", "/shown"])?.ok()?.events()?;
    let told: Vec<(&Value, &Value)> = events
        .iter()
        .map(|event| (&event["path"], &event["depth"]))
        .collect();
    assert_eq!(told.len(), 5);
    assert_eq!(
        (told[3].0.as_str(), told[3].1.as_u64()),
        (Some("/shown/a/leaf"), Some(2))
    );

    let stat = cli.run(&["stat", "--json", "/shown/a/leaf"])?.ok()?.json()?;
    assert_eq!((&stat["node"]["size"], &stat["versions"]), (&4.into(), &1.into()));
    assert_eq!(stat["retention"]["source"], "default");
    let text = cli.run(&["stat", "/shown/a/leaf", "/shown"])?.ok()?.text();
    assert!(text.contains("4 (4 B)") && text.contains("folder"), "{text}");
    assert_eq!(cli.run(&["stat", "/none"])?.code, 3);
    Ok(())
}

fn usage_is_told(target: &Target) -> Result<()> {
    let usage = target.cli.run(&["usage", "--json"])?.ok()?.json()?;
    assert!(usage["files"].as_u64().is_some_and(|files| files > 0), "{usage}");
    let text = target.cli.run(&["usage"])?.ok()?.text();
    assert!(text.contains("old versions") && text.contains("trash"), "{text}");
    Ok(())
}

/// What is in a space, or below a folder that is named by its id, is copied, looked at and counted as one's own files are.
fn a_space_is_named_as_everywhere(target: &Target) -> Result<()> {
    let cli = &target.cli;
    let me = cli.run(&["whoami", "--json"])?.ok()?.json()?;
    let account = me["account"]["id"].as_str().context("id")?;
    cli.run(&["group", "create", "Crew"])?.ok()?;
    cli.run(&["group", "add", "Crew", account])?.ok()?;
    cli.run(&["space", "create", "Crew files", "--group", "Crew"])?
        .ok()?;
    fs::write(cli.folder().join("crew.txt"), "ahoy")?;
    cli.run(&["put", "crew.txt", "Crew files:/"])?.ok()?;
    cli.run(&["cp", "Crew files:/crew.txt", "/mine.txt"])?.ok()?;
    cli.run(&["cp", "/mine.txt", "Crew files:/"])?.ok()?;
    let top = cli.run(&["stat", "--json", "Crew files:/"])?.ok()?.json()?;
    let below = format!("{}:/", top["node"]["id"].as_str().context("id")?);
    cli.run(&["cp", &format!("{below}mine.txt"), &format!("{below}again.txt")])?
        .ok()?;
    assert_eq!(cli.run(&["cat", "Crew files:/again.txt"])?.ok()?.text(), "ahoy");
    let shown = cli.run(&["tree", &below])?.ok()?.text();
    assert!(
        shown.contains("crew.txt") && shown.ends_with("3 files, 12 B\n"),
        "{shown}"
    );
    let path = format!("{below}crew.txt");
    let told = cli.run(&["favourites", "--add", &path])?.ok()?.text();
    assert!(told.contains("Crew files:/crew.txt\t"), "{told}");
    cli.run(&["favourites", "--remove", &path])?.ok()?;
    let only = ids(target, &path)?;
    assert_eq!(only.len(), 1);
    cli.run(&["versions", "label", &path, &only[0], "first"])?.ok()?;
    let usage = cli.run(&["usage", "--json", "Crew files:/"])?.ok()?.json()?;
    assert_eq!((&usage["files"], &usage["bytes"]), (&3.into(), &12.into()));
    assert_eq!(cli.run(&["usage", "/shown"])?.code, 3, "it is no tree of its own");
    Ok(())
}
