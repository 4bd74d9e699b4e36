//! Tags, fields, favourites, recent files, and folders in other orders.

use crate::Target;
use anyhow::Result;
use serde_json::json;
use std::fs;

pub(crate) fn all(target: &Target) -> Result<()> {
    let cli = &target.cli;
    cli.run(&["mkdir", "/marked"])?.ok()?;
    for (name, content) in [("b", "bbb"), ("c", "cc"), ("a", "a")] {
        fs::write(cli.folder().join(name), content)?;
        cli.run(&["put", name, "/marked/"])?.ok()?;
    }
    tags_and_fields_are_shown_and_changed(target)?;
    favourites_and_recent_files_are_listed(target)?;
    a_folder_is_listed_in_the_order_that_is_asked_for(target)
}

fn tags_and_fields_are_shown_and_changed(target: &Target) -> Result<()> {
    let cli = &target.cli;
    let none = cli.run(&["metadata", "/marked/a"])?.ok()?;
    assert!(
        none.text().is_empty() && none.stderr.contains("--tag"),
        "{}",
        none.stderr
    );
    let change = [
        "metadata",
        "/marked/a",
        "--tag",
        "Draft",
        "--tag",
        "2026",
        "--set",
        "Client=Ada & Co",
    ];
    let told = cli.run(&change)?.ok()?.text();
    assert_eq!(told, "tag\t2026\ntag\tdraft\nclient\tAda & Co\n");
    let change = [
        "metadata",
        "/marked/a",
        "--untag",
        "DRAFT",
        "--unset",
        "client",
        "--json",
    ];
    let told = cli.run(&change)?.ok()?.json()?;
    assert_eq!((&told["tags"], &told["fields"]), (&json!(["2026"]), &json!({})));
    for (arguments, code) in [
        (&["metadata", "/marked/nothing"][..], 3),
        (&["metadata", "/marked/a", "--set", "no-equals"], 2),
        (&["metadata", "/marked/a", "--tag", " "], 1),
    ] {
        assert_eq!(cli.run(arguments)?.code, code, "{arguments:?}");
    }
    Ok(())
}

fn favourites_and_recent_files_are_listed(target: &Target) -> Result<()> {
    let cli = &target.cli;
    let told = cli
        .run(&["favourites", "--add", "/marked", "--add", "/marked/c"])?
        .ok()?
        .text();
    let paths: Vec<&str> = told.lines().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(paths, ["/marked/c", "/marked/"]);
    let told = cli.run(&["recent", "-n", "1"])?.ok()?.text();
    assert!(told.starts_with("/marked/a\t"), "{told}");
    let told = cli
        .run(&["favourites", "--remove", "/marked/c", "--json"])?
        .ok()?
        .json()?;
    assert_eq!(told["items"].as_array().map(Vec::len), Some(1));
    let told = cli.run(&["recent", "-n", "2", "--json"])?.ok()?.json()?;
    let names: Vec<_> = told["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|node| &node["name"])
        .collect();
    assert_eq!(names, ["a", "c"]);
    Ok(())
}

fn a_folder_is_listed_in_the_order_that_is_asked_for(target: &Target) -> Result<()> {
    let cli = &target.cli;
    for (arguments, names) in [
        (&["ls", "/marked"][..], "a\nb\nc\n"),
        (&["ls", "/marked", "--reverse"], "c\nb\na\n"),
        (&["ls", "/marked", "--sort", "created"], "a\nc\nb\n"),
        (&["ls", "/marked", "-s", "modified", "-r"], "b\nc\na\n"),
        (&["ls", "/marked", "-s", "size", "-r"], "a\nc\nb\n"),
    ] {
        assert_eq!(cli.run(arguments)?.ok()?.text(), names, "{arguments:?}");
    }
    Ok(())
}
