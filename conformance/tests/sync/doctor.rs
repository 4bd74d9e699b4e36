//! `bitvault sync doctor` on folders with which something is wrong.

use crate::device::{Device, rest};
use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::FileExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

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

    expired(&daemon, &desk, &laptop).await?;
    clocks_apart(&daemon, &desk).await?;

    desk.cli.run(&["logout"])?.ok()?;
    finds(&desk, &["session"])?;
    damaged(&laptop)
}

/// The journal was cut behind where the device has read to.
async fn expired(daemon: &Daemon, desk: &Device, laptop: &Device) -> Result<()> {
    laptop.write("b", "made while the desk was away")?;
    laptop.once()?;
    let mut database = PgConnection::connect(daemon.database_url()).await?;
    sqlx::query("DELETE FROM files.journal")
        .execute(&mut database)
        .await?;
    database.close().await?;
    let told: Value = desk.sync("doctor", &["--json"])?.ok()?.json()?;
    let checks = told["checks"].as_array().context("checks")?;
    let journal = checks.iter().find(|check| check["check"] == "journal");
    let journal = journal.context("a look at the journal")?;
    let says = journal["says"].as_str().unwrap_or_default();
    ensure!(
        journal["verdict"] == "note" && says.contains("compares everything anew"),
        "{journal}"
    );
    desk.once()?;
    ensure!(desk.tree()? == laptop.tree()?);
    finds(desk, &[])
}

/// The server's answers are from another time.
async fn clocks_apart(daemon: &Daemon, desk: &Device) -> Result<()> {
    let sign_in = |url: &str| {
        let arguments = ["login", url, "--email", EMAIL, "--password-stdin"];
        let signed_in = desk.cli.run_with_input(&arguments, &format!("{PASSWORD}\n"));
        signed_in?.ok().map(drop)
    };
    let address = daemon.url().strip_prefix("http://").context("a URL")?;
    sign_in(&twelve_hours_off(address.parse()?).await?)?;
    finds(desk, &["clock"])?;
    sign_in(daemon.url())?;
    finds(desk, &[])
}

/// Carries connections to the server, and sets the date of its answers by twelve hours. Answers its URL.
async fn twelve_hours_off(server: SocketAddr) -> Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = TcpStream::connect(server).await?.into_split();
                let up = async {
                    tokio::io::copy(&mut from_client, &mut to_server).await?;
                    to_server.shutdown().await
                };
                let down = async {
                    let mut buffer = vec![0; 64 << 10];
                    loop {
                        let read = from_server.read(&mut buffer).await?;
                        if read == 0 {
                            return to_client.shutdown().await;
                        }
                        set_date(&mut buffer[..read]);
                        to_client.write_all(&buffer[..read]).await?;
                    }
                };
                tokio::try_join!(up, down)
            });
        }
    });
    Ok(url)
}

/// `date: Sat, 28 Nov 2026 23:31:19 GMT` becomes `date: Sat, 28 Nov 2026 11:31:19 GMT`.
fn set_date(head: &mut [u8]) {
    const FIELD: &[u8] = b"\r\ndate: ";
    let Some(at) = head.windows(FIELD.len()).position(|window| window == FIELD) else {
        return;
    };
    let hour = at + FIELD.len() + "Sat, 28 Nov 2026 ".len();
    if let Some(digits) = head.get_mut(hour..hour + 2)
        && let Some(told) = std::str::from_utf8(digits)
            .ok()
            .and_then(|told| told.parse::<u8>().ok())
    {
        digits.copy_from_slice(format!("{:02}", (told + 12) % 24).as_bytes());
    }
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
    let state = device.state_file()?;
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
    let file = fs::OpenOptions::new().write(true).open(device.state_file()?)?;
    let pages = file.metadata()?.len() / 4096;
    for page in 1..pages {
        file.write_all_at(&[0x5a; 512], page * 4096)?;
    }
    finds(device, &["state"])
}
