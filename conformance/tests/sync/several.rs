//! Several folders and several accounts on one machine: each folder is synced by a process of its own, with a state of its own.

use crate::device::{Device, settle, until};
use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::daemon::{Daemon, TENANT};
use serde_json::Value;
use std::collections::BTreeSet;

const OTHER: &str = "other@example.org";
const SECRET: &str = "tall-giraffes-hum-9";
const PROFILE: &str = "other";

fn paths(device: &Device) -> Result<Vec<String>> {
    Ok(device.tree()?.into_keys().collect())
}

/// What `status` tells of every folder that is synced on this machine, by folder.
fn told(device: &Device) -> Result<Vec<Value>> {
    let mut told = device.cli.run(&["sync", "status", "--json"])?.ok()?.events()?;
    told.sort_by_key(|one| one["folder"].to_string());
    Ok(told)
}

pub(crate) async fn folders(daemon: &Daemon) -> Result<()> {
    let mut all = Device::new(daemon, "desk")?;
    all.cli.run(&["mkdir", "/projects"])?.ok()?;
    let mut projects = all.beside("projects")?.of_remote("/projects");
    all.write("note", "of home")?;
    projects.write("plan", "of projects")?;
    settle(&[&all, &projects])?;
    ensure!(paths(&all)? == ["note", "projects", "projects/plan"]);
    ensure!(paths(&projects)? == ["plan"]);

    let both = told(&all)?;
    ensure!(both.len() == 2, "{both:#?}");
    for key in ["folder", "remote_id", "device_id"] {
        ensure!(both[0][key] != both[1][key], "{both:#?}");
    }
    ensure!(both[0]["account"] == both[1]["account"], "{both:#?}");
    // Where on the server it is, a folder knows from then on.
    let refused = all
        .beside("elsewhere")?
        .of_remote("/nowhere")
        .sync("run", &["--once"])?;
    ensure!(refused.code == 3, "{}: {}", refused.code, refused.stderr);
    let moved = all.sync("run", &["--once", "--remote", "/projects"])?;
    ensure!(moved.code == 2, "{}: {}", moved.code, moved.stderr);
    ensure!(moved.stderr.contains("this state belongs to"), "{}", moved.stderr);

    all.start(&[])?;
    projects.start(&[])?;
    projects.write("plan", "as the one wants it")?;
    until("an edit in one is in the other", || {
        Ok(all.read("projects/plan")? == "as the one wants it")
    })
    .await?;
    all.write("projects/deep/plan", "as the other wants it")?;
    std::fs::remove_file(all.path("projects/plan"))?;
    until("so it is the other way round", || {
        Ok(paths(&projects)? == ["deep", "deep/plan"])
    })
    .await?;
    all.kill()?;
    projects.kill()?;
    settle(&[&all, &projects])?;
    ensure!(paths(&all)? == ["note", "projects", "projects/deep", "projects/deep/plan"]);
    ensure!(projects.read("deep/plan")? == "as the other wants it");
    Ok(())
}

pub(crate) async fn accounts(daemon: &Daemon) -> Result<()> {
    let create = [
        "admin",
        "create-user",
        "--tenant",
        TENANT,
        "--role",
        "member",
        "--email",
        OTHER,
    ];
    daemon.command_with_input(&create, SECRET)?;
    let mut mine = Device::new(daemon, "desk")?;
    let login = [
        "login",
        daemon.url(),
        "--email",
        OTHER,
        "--password-stdin",
        "--profile",
        PROFILE,
    ];
    mine.cli.run_with_input(&login, SECRET)?.ok()?;
    let mut theirs = mine.beside("theirs")?.of_profile(PROFILE);
    mine.start(&[])?;
    theirs.start(&[])?;
    // Of one name, and of another.
    mine.write("plan", "mine")?;
    theirs.write("plan", "theirs")?;
    mine.write("only mine", "mine")?;
    theirs.write("only theirs", "theirs")?;
    let listed = |profile: &str| -> Result<BTreeSet<String>> {
        let listed = mine
            .cli
            .run(&["ls", "/", "--json", "--profile", profile])?
            .ok()?
            .json()?;
        let items = listed["items"].as_array().context("items")?;
        Ok(items
            .iter()
            .filter_map(|one| Some(one["name"].as_str()?.to_owned()))
            .collect())
    };
    for (profile, only) in [("default", "only mine"), (PROFILE, "only theirs")] {
        let wanted = BTreeSet::from(["plan".to_owned(), only.to_owned()]);
        until("each has what is its own", || Ok(listed(profile)? == wanted)).await?;
    }
    mine.kill()?;
    theirs.kill()?;
    settle(&[&mine, &theirs])?;
    ensure!(paths(&mine)? == ["only mine", "plan"] && mine.read("plan")? == "mine");
    ensure!(paths(&theirs)? == ["only theirs", "plan"] && theirs.read("plan")? == "theirs");
    let both = told(&mine)?;
    ensure!(
        both.len() == 2 && both[0]["account"] != both[1]["account"],
        "{both:#?}"
    );

    // A folder stays with the account that it began with.
    mine.write("new", "mine")?;
    let by_other = mine.sync("run", &["--once", "--profile", PROFILE])?;
    ensure!(by_other.code == 2, "{}: {}", by_other.code, by_other.stderr);
    ensure!(
        by_other.stderr.contains("this state belongs to") && by_other.stderr.contains("--profile"),
        "{}",
        by_other.stderr
    );
    ensure!(told(&mine)? == both, "who was refused left everything as it was");
    settle(&[&mine, &theirs])?;
    ensure!(paths(&mine)? == ["new", "only mine", "plan"]);
    ensure!(paths(&theirs)? == ["only theirs", "plan"]);
    Ok(())
}
