//! What the server bears: devices that wait for changes, all at once, and pushes.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::process::{cpu_seconds, memory_mib};
use crate::report::{Report, median};

const DEVICES: usize = 1_000;
/// Changes that each device is told of, one after the other.
const CHANGES: usize = 11;
/// Between one change and the next, so that all wait again.
const REST: Duration = Duration::from_secs(1);

const PUSHERS: usize = 8;
/// Calls of each pusher.
const PUSHES: usize = 4;
/// Writes in each call.
const WRITES: usize = 100;

pub(crate) async fn run(report: &mut Report) -> Result<()> {
    let mut daemon = Daemon::with_config(&format!("[sync]\ndevices_per_account = {DEVICES}\n"))?;
    daemon.start().await?;
    let caller = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await?;
    wait(report, &daemon, &caller).await?;
    push(report, &caller).await
}

async fn wait(report: &mut Report, daemon: &Daemon, caller: &Caller) -> Result<()> {
    let pid = daemon.pid().context("the daemon runs")?;
    let mut devices = Vec::with_capacity(DEVICES);
    for number in 0..DEVICES {
        let body = json!({"name": format!("device {number}"), "platform": "linux"});
        let device = caller.post("/v1/devices", body).await?.ok()?;
        devices.push(device["id"].as_str().context("a device has an id")?.to_owned());
    }
    let before = memory_mib(pid, "VmRSS")?;
    let (tell, mut told) = mpsc::unbounded_channel();
    let waiting: Vec<_> = devices
        .into_iter()
        .map(|device| tokio::spawn(follow(caller.clone(), device, tell.clone())))
        .collect();
    all(&mut told).await?;
    tokio::time::sleep(REST).await;
    let each_kib = (memory_mib(pid, "VmRSS")? - before) * 1024.0 / DEVICES as f64;
    let mut seconds = Vec::new();
    let cpu = cpu_seconds(pid)?;
    for number in 0..CHANGES {
        let begun = Instant::now();
        let body = json!({"parent_id": "root", "name": format!("change {number}")});
        caller.post("/v1/folders", body).await?.ok()?;
        all(&mut told).await?;
        seconds.push(begun.elapsed().as_secs_f64());
        tokio::time::sleep(REST).await;
    }
    let cpu = (cpu_seconds(pid)? - cpu) / (CHANGES * DEVICES) as f64;
    for task in waiting {
        task.abort();
    }
    let took = median(&mut seconds);
    report.row(
        "1,000 devices that wait, one change: told to all",
        format!("{:.0} changes/s", DEVICES as f64 / took),
        format!(
            "{:.0} ms until the last one has it, the asking of 1,000 clients on the same cores included; {:.0} µs of the daemon's CPU each",
            took * 1e3,
            cpu * 1e6
        ),
        "",
    );
    report.row(
        "memory of one waiting device",
        format!("{each_kib:.0} KiB"),
        "its connection, buffers and request".to_owned(),
        "",
    );
    Ok(())
}

/// Once each device said something.
async fn all(told: &mut mpsc::UnboundedReceiver<Result<()>>) -> Result<()> {
    for _ in 0..DEVICES {
        told.recv().await.context("all devices stopped")??;
    }
    Ok(())
}

/// Reads to the end of the journal and says so, and again each time that there is more.
async fn follow(caller: Caller, device: String, tell: mpsc::UnboundedSender<Result<()>>) {
    let mut cursor = String::new();
    // It waits once it has read to the end.
    let mut waits = false;
    loop {
        let news = match page(&caller, &device, &cursor, waits).await {
            Ok(page) => {
                cursor = page["next_cursor"].as_str().unwrap_or_default().to_owned();
                let has_items = page["items"].as_array().is_some_and(|items| !items.is_empty());
                let is_told = page["has_more"] == false && (!waits || has_items);
                waits = page["has_more"] == false;
                is_told.then_some(Ok(()))
            }
            Err(error) => Some(Err(error)),
        };
        let Some(news) = news else { continue };
        let has_failed = news.is_err();
        if tell.send(news).is_err() || has_failed {
            return;
        }
    }
}

async fn page(caller: &Caller, device: &str, cursor: &str, waits: bool) -> Result<Value> {
    let mut path = format!("/v1/changes?device_id={device}");
    if !cursor.is_empty() {
        path += &format!("&cursor={cursor}");
    }
    if waits {
        path += "&wait=50";
    }
    caller.get(&path).await?.ok()
}

async fn push(report: &mut Report, caller: &Caller) -> Result<()> {
    let folder = caller
        .post("/v1/folders", json!({"parent_id": "root", "name": "pushed"}))
        .await?
        .ok()?;
    let folder = folder["id"].as_str().context("a folder has an id")?.to_owned();
    let body = json!({"name": "pusher", "platform": "linux"});
    // The others have used all the places up.
    let listed = caller.get("/v1/devices").await?.ok()?;
    let first = listed["items"][0]["id"].as_str().context("a device is listed")?;
    caller.delete(&format!("/v1/devices/{first}")).await?.ok()?;
    let device = caller.post("/v1/devices", body).await?.ok()?;
    let device = device["id"].as_str().context("a device has an id")?.to_owned();

    let begun = Instant::now();
    let made = each_pusher(caller, |pusher, push| {
        let items = (0..WRITES).map(|write| {
            let name = format!("{pusher}-{push}-{write}");
            json!({"create_folder": {"parent_id": folder, "name": name}})
        });
        json!({"device_id": device, "items": items.collect::<Vec<_>>()})
    })
    .await?;
    let folders = begun.elapsed().as_secs_f64();

    let begun = Instant::now();
    each_pusher(caller, |pusher, push| {
        let ids = &made[pusher][push * WRITES..(push + 1) * WRITES];
        let items = ids.iter().enumerate().map(|(write, id)| {
            let name = format!("moved {pusher}-{push}-{write}");
            json!({"move": {"id": id, "name": name, "revision": 1}})
        });
        json!({"device_id": device, "items": items.collect::<Vec<_>>()})
    })
    .await?;
    let moves = begun.elapsed().as_secs_f64();
    let per_second = |seconds: f64| (PUSHERS * PUSHES) as f64 / seconds;
    report.row(
        "pushes of 100 writes each, 8 clients",
        format!(
            "{:.1}/s of moves, {:.1}/s of new folders",
            per_second(moves),
            per_second(folders)
        ),
        format!(
            "{:.0} and {:.0} writes/s; what follows each other is one transaction",
            per_second(moves) * WRITES as f64,
            per_second(folders) * WRITES as f64
        ),
        "",
    );
    Ok(())
}

/// Sends what `body` makes of pusher and push, all pushers side by side; answers the nodes by pusher, in order.
async fn each_pusher(caller: &Caller, body: impl Fn(usize, usize) -> Value) -> Result<Vec<Vec<String>>> {
    let mut pushers = Vec::new();
    for pusher in 0..PUSHERS {
        let bodies: Vec<Value> = (0..PUSHES).map(|push| body(pusher, push)).collect();
        let caller = caller.clone();
        pushers.push(tokio::spawn(async move {
            let mut ids = Vec::new();
            for body in bodies {
                let answer = caller.post("/v1/changes", body).await?.ok()?;
                let results = answer["items"].as_array().context("a push has results")?;
                for result in results {
                    ensure!(result["error"].is_null(), "a write was refused: {result}");
                    ids.push(
                        result["node"]["id"]
                            .as_str()
                            .context("a node has an id")?
                            .to_owned(),
                    );
                }
            }
            Ok(ids)
        }));
    }
    let mut nodes = Vec::new();
    for pusher in pushers {
        nodes.push(pusher.await??);
    }
    Ok(nodes)
}
