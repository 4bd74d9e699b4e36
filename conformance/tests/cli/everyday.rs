//! One file at a time.

use crate::{Target, bytes};
use anyhow::{Context as _, Result};
use bitvault_conformance::api::sha256;
use bitvault_conformance::cli::Cli;
use bitvault_conformance::daemon::{EMAIL, PASSWORD, TENANT};
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};

pub(crate) fn all(target: &Target) -> Result<()> {
    login_says_who_and_where(target)?;
    a_file_is_put_listed_got_and_shown(target)?;
    an_empty_file_is_a_file(target)?;
    a_changed_file_gets_a_new_version(target)?;
    what_is_moved_is_there_and_nothing_is_replaced(target)?;
    what_is_there_is_found_by_name(target)?;
    what_is_removed_is_gone(target)?;
    url_and_token_from_the_environment_are_enough(target)?;
    nothing_is_drawn_into_a_pipe(target)?;
    the_manual_has_a_page_for_each_command(target)?;
    signing_out_ends_the_session(target)
}

fn login_says_who_and_where(target: &Target) -> Result<()> {
    let cli = Cli::new()?;
    let arguments = [
        "--json",
        "login",
        target.daemon.url(),
        "--email",
        EMAIL,
        "--password-stdin",
    ];
    let login = cli.run_with_input(&arguments, PASSWORD)?.ok()?;
    assert!(!login.text().contains(PASSWORD) && !login.stderr.contains(PASSWORD));
    let who = cli.run(&["whoami", "--json"])?.ok()?.json()?;
    for told in [login.json()?, who] {
        assert_eq!(told["account"]["email"], EMAIL);
        assert_eq!(told["tenant"]["name"], TENANT);
        assert_eq!(told["role"], "owner");
    }
    let text = cli.run(&["whoami"])?.ok()?.text();
    assert!(
        text.contains(EMAIL) && text.contains(target.daemon.url()),
        "{text}"
    );
    Ok(())
}

fn a_file_is_put_listed_got_and_shown(target: &Target) -> Result<()> {
    let (cli, folder) = (&target.cli, target.cli.folder());
    cli.run(&["mkdir", "-p", "/a/b/c"])?.ok()?;
    let again = cli.run(&["mkdir", "-p", "/a/b/c", "--json"])?.ok()?;
    assert!(!again.events()?.is_empty());
    let content = bytes(300_000, 1);
    fs::write(folder.join("report.bin"), &content)?;
    let put = cli.run(&["put", "--json", "report.bin", "/a/b/c/"])?.ok()?;
    let events = put.events()?;
    assert_eq!(
        (&events[0]["event"], &events[0]["status"]),
        (&json!("file"), &json!("done"))
    );
    assert_eq!(
        (&events[0]["remote"], &events[0]["sha256"]),
        (&json!("/a/b/c/report.bin"), &json!(sha256(&content)))
    );
    assert_eq!(put.summary()?["files"], 1);
    let listed = cli.run(&["ls", "--json", "/a/b/c"])?.ok()?.json()?;
    let items = listed["items"].as_array().context("items")?;
    assert_eq!(items.len(), 1);
    assert_eq!(
        (&items[0]["name"], &items[0]["size"], &items[0]["sha256"]),
        (
            &json!("report.bin"),
            &json!(content.len()),
            &json!(sha256(&content))
        )
    );
    let got = cli
        .run(&["get", "--json", "/a/b/c/report.bin", "copy.bin"])?
        .ok()?;
    assert_eq!(got.summary()?["bytes"], json!(content.len()));
    assert_eq!(fs::read(folder.join("copy.bin"))?, content);
    assert_eq!(
        cli.run(&["cat", "/a/b/c/report.bin"])?.ok()?.stdout,
        content,
        "cat"
    );
    Ok(())
}

fn an_empty_file_is_a_file(target: &Target) -> Result<()> {
    let (cli, folder) = (&target.cli, target.cli.folder());
    fs::write(folder.join("empty"), b"")?;
    cli.run(&["put", "empty", "/empty"])?.ok()?;
    let listed = cli.run(&["ls", "--json", "/empty"])?.ok()?.json()?;
    assert_eq!(listed["items"][0]["size"], 0);
    cli.run(&["get", "/empty", "empty-copy"])?.ok()?;
    assert_eq!(fs::read(folder.join("empty-copy"))?, b"");
    assert!(cli.run(&["cat", "/empty"])?.ok()?.stdout.is_empty());
    Ok(())
}

fn node(target: &Target, path: &str) -> Result<Value> {
    Ok(target.cli.run(&["ls", "--json", path])?.ok()?.json()?["items"][0].clone())
}

fn a_changed_file_gets_a_new_version(target: &Target) -> Result<()> {
    let (cli, file) = (&target.cli, target.cli.folder().join("notes.txt"));
    fs::write(&file, "first")?;
    cli.run(&["put", "notes.txt", "/"])?.ok()?;
    let first = node(target, "/notes.txt")?;
    let same = cli.run(&["put", "--json", "notes.txt", "/"])?.ok()?;
    assert_eq!(same.events()?[0]["status"], "unchanged");
    fs::write(&file, "second, and longer")?;
    cli.run(&["put", "notes.txt", "/"])?.ok()?;
    let second = node(target, "/notes.txt")?;
    assert_eq!(first["id"], second["id"], "the node stays");
    assert_ne!(first["version_id"], second["version_id"]);
    assert_ne!(first["revision"], second["revision"]);
    assert_eq!(
        cli.run(&["cat", "/notes.txt"])?.ok()?.text(),
        "second, and longer"
    );
    Ok(())
}

fn what_is_moved_is_there_and_nothing_is_replaced(target: &Target) -> Result<()> {
    let cli = &target.cli;
    cli.run(&["mkdir", "-p", "/moving/into", "/moving/tree/deep"])?
        .ok()?;
    fs::write(cli.folder().join("one"), "1")?;
    fs::write(cli.folder().join("two"), "2")?;
    cli.run(&["put", "one", "two", "/moving/"])?.ok()?;
    let renamed = cli.run(&["mv", "--json", "/moving/one", "/moving/ONE"])?.ok()?;
    assert_eq!(renamed.events()?[0]["node"]["name"], "ONE");
    assert_eq!(
        cli.run(&["mv", "/moving/ONE", "/moving/two"])?.code,
        5,
        "a name that is taken"
    );
    cli.run(&["mv", "/moving/ONE", "/moving/two", "/moving/tree", "/moving/into"])?
        .ok()?;
    assert_eq!(cli.run(&["cat", "/moving/into/two"])?.ok()?.text(), "2");
    assert_eq!(node(target, "/moving/into/ONE")?["size"], 1);
    cli.run(&["ls", "/moving/into/tree/deep"])?.ok()?;
    // Another spelling of a folder's own name is its new name.
    cli.run(&["mv", "/moving/into", "/moving/Into"])?.ok()?;
    let listed = cli.run(&["ls", "--json", "/moving"])?.ok()?.json()?;
    assert_eq!(listed["items"][0]["name"], "Into");
    for (arguments, code) in [
        (&["mv", "/moving/into", "/moving/into/tree"][..], 1),
        (&["mv", "/moving/into", "/moving/two", "/moving/into"], 1),
        (&["mv", "/moving/nothing", "/moving/x"], 3),
        (&["mv", "/moving/into", "/moving/new/"], 2),
        (&["mv", "/", "/moving"], 2),
    ] {
        assert_eq!(cli.run(arguments)?.code, code, "{arguments:?}");
    }
    Ok(())
}

fn what_is_there_is_found_by_name(target: &Target) -> Result<()> {
    let cli = &target.cli;
    cli.run(&["mkdir", "-p", "/findings/Amber Necklace", "/elsewhere/amber"])?
        .ok()?;
    let ask = [
        "search",
        "--json",
        "amb",
        "--in",
        "/findings",
        "--type",
        "folder",
        "--after",
        "2020-01-01",
    ];
    let started = Instant::now();
    let found = loop {
        let found = cli.run(&ask)?.ok()?.json()?;
        if found["items"].as_array().is_some_and(|items| !items.is_empty()) {
            break found;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{found}");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(found["items"].as_array().context("items")?.len(), 1);
    assert_eq!(
        (&found["items"][0]["path"], &found["more"]),
        (&json!("/findings/Amber Necklace"), &json!(false))
    );
    let text = cli.run(&["search", "necklace", "amber"])?.ok()?.text();
    assert!(text.ends_with("  /findings/Amber Necklace/\n"), "{text:?}");
    cli.run(&[
        "metadata",
        "/elsewhere/amber",
        "--tag",
        "Baltic Sea",
        "--set",
        "era=Eocene",
    ])?
    .ok()?;
    let tagged = ["search", "--json", "--tag", "baltic sea", "--field", "era:eocene"];
    let started = Instant::now();
    while cli.run(&tagged)?.ok()?.json()?["items"][0]["path"] != json!("/elsewhere/amber") {
        assert!(started.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(50));
    }
    let text = cli.run(&["search", "eoc"])?.ok()?.text();
    assert!(text.ends_with("  /elsewhere/amber/\n"), "{text:?}");
    assert_eq!(cli.run(&["search", "--tag", "baltic"])?.ok()?.text(), "");
    assert_eq!(cli.run(&["search"])?.code, 2);
    assert_eq!(cli.run(&["search", "--field", "era"])?.code, 1);
    assert_eq!(cli.run(&["search", "%%%"])?.code, 1);
    assert_eq!(cli.run(&["search", "a", "--in", "/nowhere"])?.code, 3);
    assert_eq!(cli.run(&["search", "a", "--after", "soon"])?.code, 2);
    Ok(())
}

fn what_is_removed_is_gone(target: &Target) -> Result<()> {
    let cli = &target.cli;
    let removed = cli.run(&["rm", "--json", "/notes.txt"])?.ok()?;
    assert!(!removed.events()?.is_empty());
    assert_eq!(cli.run(&["ls", "/notes.txt"])?.code, 3);
    cli.run(&["mkdir", "-p", "/gone/below"])?.ok()?;
    assert_ne!(cli.run(&["rm", "/gone"])?.code, 0, "a folder wants -r");
    cli.run(&["rm", "-r", "/gone"])?.ok()?;
    assert_eq!(cli.run(&["ls", "/gone/below"])?.code, 3);
    Ok(())
}

fn url_and_token_from_the_environment_are_enough(target: &Target) -> Result<()> {
    let profile = target.cli.folder().join("config/bitvault/profiles/default.json");
    let profile: Value = serde_json::from_slice(&fs::read(profile)?)?;
    let token = find_token(&profile).context("the profile holds an access token")?;
    let mut script = Cli::new()?;
    script.set_env("BITVAULT_URL", target.daemon.url());
    script.set_env("BITVAULT_TOKEN", &token);
    let who = script.run(&["whoami", "--json"])?.ok()?.json()?;
    assert_eq!(who["account"]["email"], EMAIL);
    script.run_with_input(&["ls", "/"], "")?.ok()?;
    assert!(
        !script.folder().join("config").exists(),
        "nothing is remembered of a token from the environment"
    );
    Ok(())
}

/// The access token, wherever the profile keeps it.
fn find_token(value: &Value) -> Option<String> {
    match value {
        Value::Object(fields) => fields.iter().find_map(|(name, value)| match value {
            Value::String(text) if name.starts_with("access") => Some(text.clone()),
            other => find_token(other),
        }),
        _ => None,
    }
}

fn the_manual_has_a_page_for_each_command(target: &Target) -> Result<()> {
    let cli = &target.cli;
    let first = cli.run(&["man"])?.ok()?.text();
    assert!(first.contains(".TH bitvault 1"), "{first}");
    cli.run(&["man", "pages/man1"])?.ok()?;
    let pages = cli.folder().join("pages/man1");
    for (page, told) in [
        ("bitvault.1", "Exit codes"),
        ("bitvault-put.1", "new version"),
        ("bitvault-link-create.1", "download"),
    ] {
        let page = fs::read_to_string(pages.join(page)).with_context(|| page.to_owned())?;
        assert!(page.contains(told), "{page}");
    }
    assert_eq!(cli.run(&["man", "pages/man1/bitvault.1/no-folder"])?.code, 1);
    Ok(())
}

fn nothing_is_drawn_into_a_pipe(target: &Target) -> Result<()> {
    let (cli, folder) = (&target.cli, target.cli.folder());
    fs::write(folder.join("quiet"), bytes(2_000_000, 9))?;
    for arguments in [&["put", "quiet", "/"][..], &["get", "/quiet", "quiet-copy"]] {
        let ended = cli.run(arguments)?.ok()?;
        assert_eq!(
            (ended.text().as_str(), ended.stderr.as_str()),
            ("", ""),
            "{arguments:?}"
        );
    }
    Ok(())
}

fn signing_out_ends_the_session(target: &Target) -> Result<()> {
    let cli = Cli::signed_in(target.daemon.url(), EMAIL, PASSWORD)?;
    cli.run(&["logout", "--json"])?.ok()?.json()?;
    assert_eq!(cli.run(&["whoami"])?.code, 4);
    Ok(())
}
