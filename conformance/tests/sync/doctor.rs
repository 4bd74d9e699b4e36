//! `bitvault sync doctor` on folders with which something is wrong.

use crate::device::{Device, rest};
use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

/// What the engine calls the beginning of a download.
const PARTIAL: &str = ".bitvault-part-0123456789abcdef";

/// The checks that are not well, as `verdict check`, and how the command ended.
fn wrongs(device: &Device) -> Result<(Vec<String>, i32)> {
    let ended = device.sync("doctor", &["--json"])?;
    let told = ended.json().with_context(|| ended.stderr.clone())?;
    let checks = told["checks"].as_array().context("checks")?;
    let mut wrongs = Vec::new();
    for check in checks.iter().filter(|check| check["verdict"] == "wrong") {
        ensure!(
            check["do"].as_str().is_some_and(|cure| !cure.is_empty()),
            "{check}"
        );
        wrongs.push(check["check"].as_str().context("its name")?.to_owned());
    }
    ensure!(told["well"] == wrongs.is_empty(), "{told}");
    Ok((wrongs, ended.code))
}

fn finds(device: &Device, wanted: &[&str]) -> Result<()> {
    let (wrongs, code) = wrongs(device)?;
    ensure!(wrongs == wanted, "{wrongs:?} instead of {wanted:?}");
    ensure!(
        code == i32::from(!wanted.is_empty()),
        "exit code {code} with {wrongs:?}"
    );
    Ok(())
}

/// The file that is the device's state.
fn state(device: &Device) -> Result<PathBuf> {
    let all = device.cli.folder().join("state/bitvault/sync");
    let mut folders = fs::read_dir(all)?;
    Ok(folders.next().context("a state")??.path().join("state"))
}

pub(crate) async fn all(mut daemon: Daemon) -> Result<()> {
    let (desk, laptop) = (Device::new(&daemon, "desk")?, Device::new(&daemon, "laptop")?);
    ensure!(desk.sync("doctor", &[])?.code == 3, "nothing was synced yet");
    desk.write("a/file", "as it was")?;
    rest(&[&desk, &laptop])?;
    finds(&desk, &[])?;

    desk.sync("pause", &[])?.ok()?;
    finds(&desk, &["paused"])?;
    let said = desk.sync("doctor", &[])?;
    ensure!(said.text().contains("bitvault sync resume"), "{}", said.text());
    desk.sync("resume", &[])?.ok()?;

    desk.write("a/file", "as the desk wants it")?;
    laptop.write("a/file", "as the laptop wants it")?;
    rest(&[&desk, &laptop])?;
    finds(&laptop, &["conflicts"])?;
    fs::remove_file(laptop.path(&copy(&laptop)?))?;
    rest(&[&desk, &laptop])?;
    finds(&laptop, &[])?;

    fs::write(laptop.path(PARTIAL), "half of something")?;
    let told = laptop.sync("doctor", &["--json"])?.ok()?.text();
    ensure!(told.contains(PARTIAL), "{told}");
    laptop.once()?;
    ensure!(
        !laptop.path(PARTIAL).exists(),
        "what nobody goes on with is cleared"
    );

    folder(&desk)?;
    let status = desk.status()?;
    let owner = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await?;
    let id = status["device_id"].as_str().context("the device's id")?;
    owner.delete(&format!("/v1/devices/{id}")).await?.ok()?;
    let (wrongs, _) = wrongs(&desk)?;
    ensure!(wrongs.first().map(String::as_str) == Some("device"), "{wrongs:?}");
    desk.once()?;
    finds(&desk, &[])?;

    daemon.stop().await?;
    finds(&desk, &["server"])?;
    ensure!(desk.sync("run", &["--once"])?.code == 6);
    daemon.start().await?;
    desk.once()?;
    finds(&desk, &[])?;

    desk.cli.run(&["logout"])?.ok()?;
    finds(&desk, &["session"])?;
    damaged(&laptop)
}

fn copy(device: &Device) -> Result<String> {
    let listed: Value = device.sync("conflicts", &["--json"])?.ok()?.json()?;
    Ok(listed["path"].as_str().context("a copy")?.to_owned())
}

/// The folder's marker is missing, or the whole folder.
fn folder(device: &Device) -> Result<()> {
    let marker = device.path(".bitvault/root.json");
    let kept = fs::read(&marker)?;
    fs::remove_file(&marker)?;
    finds(device, &["folder"])?;
    fs::write(&marker, &kept)?;
    finds(device, &[])?;
    let state = state(device)?;
    let state = state
        .parent()
        .context("its folder")?
        .to_string_lossy()
        .into_owned();
    let away = device.cli.folder().join("away");
    fs::rename(&device.folder, &away)?;
    let told = device.cli.run(&["sync", "doctor", "--state", &state])?;
    ensure!(
        told.code == 1 && told.text().contains("is not there"),
        "{}",
        told.text()
    );
    fs::rename(&away, &device.folder)?;
    finds(device, &[])
}

/// Bytes of the state are not what SQLite wrote.
fn damaged(device: &Device) -> Result<()> {
    let file = fs::OpenOptions::new().write(true).open(state(device)?)?;
    let pages = file.metadata()?.len() / 4096;
    for page in 1..pages {
        file.write_all_at(&[0x5a; 512], page * 4096)?;
    }
    finds(device, &["state"])
}
