//! Public links from the command line.

use crate::Target;
use anyhow::{Context as _, Result};
use serde_json::json;
use std::fs;

pub(crate) fn all(target: &Target) -> Result<()> {
    a_link_is_made_listed_changed_and_ended(target)?;
    what_makes_no_sense_is_told(target)
}

fn a_link_is_made_listed_changed_and_ended(target: &Target) -> Result<()> {
    let cli = &target.cli;
    fs::write(cli.folder().join("shared.txt"), "hello")?;
    cli.run(&["mkdir", "-p", "/linked/inbox"])?.ok()?;
    cli.run(&["put", "shared.txt", "/linked/"])?.ok()?;
    let arguments = [
        "link",
        "create",
        "/linked",
        "--password-stdin",
        "--expires",
        "7d",
        "--label",
        "For Ada",
    ];
    let made = cli
        .run_with_input(&arguments, "a long walk in the rain\n")?
        .ok()?;
    let url = made.text().trim().to_owned();
    assert!(
        url.starts_with(&format!("{}/s/bvl_", target.daemon.url())),
        "{url}"
    );
    let limited = [
        "--json",
        "link",
        "create",
        "/linked/shared.txt",
        "--max-downloads",
        "3",
    ];
    let limited = cli.run(&limited)?.ok()?.json()?;
    assert_eq!(
        (&limited["kind"], &limited["max_downloads"]),
        (&json!("download"), &json!(3))
    );
    let dropped = cli
        .run(&["--json", "link", "create", "/linked/inbox", "--drop"])?
        .ok()?
        .json()?;
    assert_eq!(dropped["kind"], "drop");

    let listed = cli.run(&["link", "ls", "--json"])?.ok()?.json()?;
    assert_eq!(listed["items"].as_array().context("no items")?.len(), 3);
    let shown = cli.run(&["link", "ls", "/linked"])?.ok()?.text();
    assert!(
        shown.contains("For Ada") && shown.contains("\tyes\t") && !shown.contains("bvl_"),
        "{shown}"
    );
    let id = limited["id"].as_str().context("no id")?;
    let edited = cli
        .run(&[
            "--json",
            "link",
            "edit",
            id,
            "--max-downloads",
            "5",
            "--label",
            "x",
        ])?
        .ok()?
        .json()?;
    assert_eq!(
        (&edited["max_downloads"], &edited["label"]),
        (&json!(5), &json!("x"))
    );
    let edited = cli
        .run(&["--json", "link", "edit", id, "--no-max-downloads", "--label", ""])?
        .ok()?
        .json()?;
    assert!(edited.get("max_downloads").is_none() && edited.get("label").is_none());
    cli.run(&["link", "rm", id])?.ok()?;
    assert_eq!(cli.run(&["link", "rm", id])?.code, 3);
    Ok(())
}

fn what_makes_no_sense_is_told(target: &Target) -> Result<()> {
    let cli = &target.cli;
    for (arguments, code) in [
        (vec!["link", "create", "/nowhere"], 3),
        (vec!["link", "create", "/linked", "--drop", "--view"], 2),
        (vec!["link", "create", "/linked", "--expires", "soon"], 2),
        (vec!["link", "create", "/linked/shared.txt", "--drop"], 1),
        (vec!["link", "edit", "lnk_1", "--no-expiry"], 3),
    ] {
        assert_eq!(cli.run(&arguments)?.code, code, "{arguments:?}");
    }
    let short = cli.run_with_input(
        &["--json", "link", "create", "/linked", "--password-stdin"],
        "short\n",
    )?;
    assert_eq!(short.error()?["reason"], "password_short");
    Ok(())
}
