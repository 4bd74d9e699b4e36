//! Devices on which people work at random, while they and the server are killed now and then and the network between
//! them is cut and crippled.
//!
//! Each write has a content that no other one has. What somebody overwrote or removed had been read before: that is known
//! to be gone. All else must be in the folders at rest, or at least in the server's history or a trash.

use crate::device::{Device, Tree, rest};
use crate::network::Network;
use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::api::sha256;
use bitvault_conformance::daemon::Daemon;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

const SECONDS: u64 = 180;
const SEED: u64 = 1;
const NAMES: [&str; 3] = ["desk", "laptop", "tablet"];
/// Files to begin with: so many that a few deletes are not most of them.
const FILES: usize = 60;
/// Time between two acts.
const PACE: std::ops::Range<u64> = 5..60;
/// An act out of so many is a kill.
const KILL_EVERY: u32 = 40;
/// Before an act out of so many the network fails, or is well again.
const FAULT_EVERY: u32 = 30;

fn asked(variable: &str, otherwise: u64) -> u64 {
    #[allow(
        clippy::disallowed_methods,
        reason = "a longer search is asked for by the environment"
    )]
    std::env::var(variable)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

pub(crate) async fn all(mut network: Network) -> Result<()> {
    let seed = asked("BITVAULT_SYNC_SEED", SEED);
    let mut work = Work {
        random: StdRng::seed_from_u64(seed),
        written: BTreeMap::new(),
        gone: BTreeSet::new(),
        acts: 0,
    };
    let mut devices = Vec::new();
    for name in NAMES {
        devices.push(network.device(name)?);
    }
    for _ in 0..FILES {
        work.create(&devices[0])?;
    }
    rest(&devices.iter().collect::<Vec<_>>())?;
    for device in &mut devices {
        device.start(&[])?;
    }
    let began = Instant::now();
    let lasts = Duration::from_secs(asked("BITVAULT_SYNC_SECONDS", SECONDS));
    let mut is_well = true;
    while began.elapsed() < lasts {
        if work.random.random_range(0..FAULT_EVERY) == 0 {
            match is_well {
                true => network.fail(&mut work.random).await?,
                false => network.heal().await?,
            }
            is_well = !is_well;
        }
        let at = work.random.random_range(0..devices.len());
        if work.random.random_range(0..KILL_EVERY) > 0 {
            work.act(&devices[at])?;
        } else if work.random.random_bool(0.3) {
            network.daemon.kill()?;
            network.daemon.start().await.context("start again")?;
        } else {
            devices[at].kill()?;
            devices[at].start(&[])?;
        }
        for device in &mut devices {
            // A server that is away for long makes it give up: people start it again.
            if !device.runs()? {
                device.start(&[])?;
            }
        }
        let pause = work.random.random_range(PACE);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    for device in &mut devices {
        device.kill()?;
    }
    ensure!(
        work.acts > 100,
        "seed {seed}: only {} acts in {lasts:?}",
        work.acts
    );
    network.heal().await?;
    // One that comes new shows what the server has.
    devices.push(network.device("newcomer")?);
    let all: Vec<&Device> = devices.iter().collect();
    let tree = rest(&all).with_context(|| format!("seed {seed}"))?;
    nothing_is_lost(&work, &network.daemon, &all, &tree)
        .await
        .with_context(|| format!("seed {seed}"))
}

async fn nothing_is_lost(work: &Work, daemon: &Daemon, devices: &[&Device], tree: &Tree) -> Result<()> {
    let mut kept: BTreeSet<String> = tree.values().flatten().cloned().collect();
    for hash in &kept {
        ensure!(
            work.written.contains_key(hash),
            "a file holds what nobody wrote: {hash} in {tree:#?}"
        );
    }
    let twice = tree
        .keys()
        .find(|path| path.matches("(conflicted copy").count() > 1);
    ensure!(
        twice.is_none(),
        "a conflicted copy of a conflicted copy: {twice:?}"
    );
    for device in devices {
        kept.extend(device.trash()?.into_values().flatten());
    }
    let pool = sqlx::PgPool::connect(daemon.database_url()).await?;
    let history: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT encode(b.sha256, 'hex') FROM files.versions v
         JOIN files.blobs b ON b.tenant_id = v.tenant_id AND b.id = v.blob_id",
    )
    .fetch_all(&pool)
    .await?;
    kept.extend(history);
    let lost: Vec<&String> = work
        .written
        .iter()
        .filter(|(hash, _)| !work.gone.contains(*hash) && !kept.contains(*hash))
        .map(|(_, what)| what)
        .collect();
    ensure!(lost.is_empty(), "lost: {lost:#?}");
    Ok(())
}

struct Work {
    random: StdRng,
    /// What was written, by its hash.
    written: BTreeMap<String, String>,
    /// Hashes of what somebody saw and did away with.
    gone: BTreeSet<String>,
    acts: u32,
}

impl Work {
    /// Something that a person does. The engine works in the same folder: what was just seen may be gone, and then the act
    /// comes to nothing.
    fn act(&mut self, device: &Device) -> Result<()> {
        self.acts += 1;
        match self.random.random_range(0..100) {
            0..30 => self.create(device)?,
            30..62 => self.edit(device)?,
            62..80 => self.rename(device)?,
            80..88 => {
                let _made =
                    fs::create_dir(device.path(&format!("{}/folder {}", self.folder(device)?, self.acts)));
            }
            88..96 => self.remove(device)?,
            // Only one that is empty goes.
            _ => {
                let _removed = fs::remove_dir(device.path(&self.folder(device)?));
            }
        }
        Ok(())
    }

    fn content(&mut self, device: &Device, path: &str) -> String {
        let content = format!(
            "{} wrote {path} in act {} ({})",
            device.name,
            self.acts,
            self.written.len()
        );
        self.written.insert(sha256(content.as_bytes()), content.clone());
        content
    }

    fn create(&mut self, device: &Device) -> Result<()> {
        let path = format!("{}/file {}", self.folder(device)?, self.written.len());
        let content = self.content(device, &path);
        if fs::write(device.path(&path), &content).is_err() {
            self.gone.insert(sha256(content.as_bytes()));
        }
        Ok(())
    }

    fn edit(&mut self, device: &Device) -> Result<()> {
        let Some(path) = self.file(device)? else {
            return Ok(());
        };
        let Ok(seen) = fs::read(device.path(&path)) else {
            return Ok(());
        };
        let content = self.content(device, &path);
        let written = if self.random.random_bool(0.5) {
            fs::write(device.path(&path), &content)
        } else {
            // As editors save.
            let aside = device.cli.folder().join("saving");
            fs::write(&aside, &content).and_then(|()| fs::rename(&aside, device.path(&path)))
        };
        match written {
            Ok(()) => self.gone.insert(sha256(&seen)),
            Err(_) => self.gone.insert(sha256(content.as_bytes())),
        };
        Ok(())
    }

    fn rename(&mut self, device: &Device) -> Result<()> {
        let from = match self.random.random_bool(0.8) {
            true => self.file(device)?,
            false => Some(self.folder(device)?).filter(|folder| folder != "."),
        };
        if let Some(from) = from {
            let to = format!("{}/moved {}", self.folder(device)?, self.acts);
            let _moved = fs::rename(device.path(&from), device.path(&to));
        }
        Ok(())
    }

    fn remove(&mut self, device: &Device) -> Result<()> {
        if let Some(path) = self.file(device)?
            && let Ok(seen) = fs::read(device.path(&path))
            && fs::remove_file(device.path(&path)).is_ok()
        {
            self.gone.insert(sha256(&seen));
        }
        Ok(())
    }

    fn file(&mut self, device: &Device) -> Result<Option<String>> {
        let files = paths(device, false);
        Ok(files.choose(&mut self.random).cloned())
    }

    fn folder(&mut self, device: &Device) -> Result<String> {
        let mut folders = paths(device, true);
        folders.push(".".to_owned());
        folders
            .choose(&mut self.random)
            .cloned()
            .context("there is the top")
    }
}

/// Paths of files, or of folders. The engine's own work comes and goes meanwhile and is nobody's business.
fn paths(device: &Device, folders: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![String::new()];
    while let Some(at) = left.pop() {
        let Ok(entries) = fs::read_dir(device.path(&at)) else {
            continue;
        };
        for entry in entries.flatten() {
            let (Ok(name), Ok(kind)) = (entry.file_name().into_string(), entry.file_type()) else {
                continue;
            };
            if name.starts_with(".bitvault") {
                continue;
            }
            let path = if at.is_empty() {
                name
            } else {
                format!("{at}/{name}")
            };
            if kind.is_dir() {
                left.push(path.clone());
            }
            if kind.is_dir() == folders {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
