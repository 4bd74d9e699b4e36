//! The trash, and many things at once.

use crate::Target;
use anyhow::{Context as _, Result};
use std::fs;

pub(crate) fn all(target: &Target) -> Result<()> {
    what_is_removed_is_listed_and_comes_back(target)?;
    one_of_several_that_fails_does_not_stop_the_others(target)?;
    the_trash_is_emptied_when_that_is_meant(target)
}

fn what_is_removed_is_listed_and_comes_back(target: &Target) -> Result<()> {
    let cli = &target.cli;
    cli.run(&["mkdir", "-p", "/bin/inner", "/bin/other"])?.ok()?;
    fs::write(cli.folder().join("note.txt"), "first")?;
    cli.run(&["put", "note.txt", "/bin/inner/"])?.ok()?;
    cli.run(&["rm", "/bin/inner/note.txt"])?.ok()?;
    cli.run(&["rm", "-r", "/bin/other"])?.ok()?;
    let listed = cli.run(&["trash", "--in", "/bin", "--json"])?.ok()?.json()?;
    let items = listed["items"].as_array().context("items")?;
    assert_eq!((items.len(), &items[1]["origin_path"]), (2, &"/bin/inner".into()));
    let id = items[0]["node"]["id"].as_str().context("id")?;
    let table = cli.run(&["trash"])?.ok()?.text();
    assert!(
        table.contains("\tyou\t") && table.contains("\t/bin/inner/note.txt\n"),
        "{table}"
    );
    assert!(table.contains("/bin/other/"), "{table}");
    let purge_at = items[0]["purge_at"].as_str().context("when it goes")?;
    let day = purge_at.split('T').next().unwrap_or_default();
    assert!(table.contains(&format!("\t{day} ")), "{purge_at} {table}");

    cli.run(&["restore", "/bin/inner/note.txt", id])?.ok()?;
    assert_eq!(cli.run(&["cat", "/bin/inner/note.txt"])?.ok()?.text(), "first");
    cli.run(&["ls", "/bin/other"])?.ok()?;
    // The name is taken meanwhile.
    cli.run(&["rm", "/bin/inner/note.txt"])?.ok()?;
    cli.run(&["put", "note.txt", "/bin/inner/"])?.ok()?;
    let restored = cli.run(&["restore", "/bin/inner/note.txt"])?.ok()?;
    assert!(
        restored.stderr.contains("note (restored).txt"),
        "{}",
        restored.stderr
    );
    cli.run(&["rm", "/bin/inner/note (restored).txt"])?.ok()?;
    let to = [
        "restore",
        "--json",
        "--to",
        "/bin/other/new.txt",
        "/bin/inner/note (restored).txt",
    ];
    let event = cli.run(&to)?.ok()?.events()?.remove(0);
    assert_eq!(
        (&event["event"], &event["node"]["name"]),
        (&"restored".into(), &"new.txt".into())
    );
    cli.run(&["cat", "/bin/other/new.txt"])?.ok()?;
    for (arguments, code) in [
        (&["restore", "/bin/nothing"][..], 3),
        (&["restore", "nod_00000000000000000000000000000000"], 3),
        (&["restore", "nothing"], 2),
        (&["restore"], 2),
        (&["restore", "--to", "/bin/none/", "/bin/nothing"], 2),
        (&["trash", "--in", "/bin/none"], 3),
    ] {
        assert_eq!(cli.run(arguments)?.code, code, "{arguments:?}");
    }
    Ok(())
}

fn one_of_several_that_fails_does_not_stop_the_others(target: &Target) -> Result<()> {
    let cli = &target.cli;
    cli.run(&["mkdir", "-p", "/many/a", "/many/b", "/many/c", "/many/into/b"])?
        .ok()?;
    let moved = cli.run(&[
        "mv",
        "--json",
        "/many/a",
        "/many/b",
        "/many/c",
        "/many/none",
        "/many/into",
    ])?;
    assert_eq!(moved.code, 1, "a conflict and something missing");
    let events = moved.events()?;
    let told: Vec<_> = events
        .iter()
        .filter_map(|event| event["event"].as_str())
        .collect();
    assert_eq!(told, ["failed", "moved", "failed", "moved"]);
    assert_eq!(events[2]["error"]["reason"], "name_taken");
    cli.run(&["ls", "/many/into/c"])?.ok()?;
    let removed = cli.run(&["rm", "-r", "/many/into/a", "/many/none", "/many/into/c"])?;
    assert_eq!(removed.code, 3);
    assert!(removed.stderr.contains("1 of 3 failed"), "{}", removed.stderr);
    assert_eq!(cli.run(&["ls", "/many/into/c"])?.code, 3);
    Ok(())
}

fn the_trash_is_emptied_when_that_is_meant(target: &Target) -> Result<()> {
    let cli = &target.cli;
    cli.run(&["mkdir", "-p", "/leaving/below"])?.ok()?;
    let gone = cli
        .run(&["rm", "-r", "--permanent", "--json", "/leaving"])?
        .ok()?;
    assert_eq!(gone.events()?[0]["to"], "nowhere");
    let listed = cli.run(&["trash", "--json"])?.ok()?;
    assert!(!listed.text().contains("leaving"), "{}", listed.text());
    assert!(listed.text().contains("nod_"));
    assert_eq!(cli.run(&["trash", "empty"])?.code, 2, "nobody can be asked");
    let emptied = cli.run(&["trash", "empty", "--yes", "--json"])?.ok()?.json()?;
    assert!(emptied["removed"].as_u64() > Some(1), "{emptied}");
    let emptied = cli.run(&["trash"])?.ok()?;
    assert_eq!(emptied.text(), "");
    assert!(
        emptied.stderr.contains("the trash is empty"),
        "{}",
        emptied.stderr
    );
    Ok(())
}
