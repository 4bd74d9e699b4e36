//! What people do in the folders of a tenant, and what they wrote and did away with.

use crate::device::Device;
use anyhow::{Context as _, Result};
use bitvault_conformance::api::sha256;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

pub(super) struct Work {
    random: StdRng,
    /// What was written, by its hash.
    pub(super) written: BTreeMap<String, String>,
    /// Hashes of what somebody saw and did away with.
    pub(super) gone: BTreeSet<String>,
    pub(super) acts: u32,
}

impl Work {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            written: BTreeMap::new(),
            gone: BTreeSet::new(),
            acts: 0,
        }
    }

    /// Something that a person does. The engine works in the same folder: what was just seen may be gone, and then the act
    /// comes to nothing.
    pub(super) fn act(&mut self, device: &Device) -> Result<()> {
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

    pub(super) fn create(&mut self, device: &Device) -> Result<()> {
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
