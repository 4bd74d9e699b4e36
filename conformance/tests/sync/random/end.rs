//! What must be so at rest: the invariants of the sync, as far as bytes tell of them.
//!
//! By number: 1, nothing is lost; 2 and 3, all devices hold the same and the next sync does nothing ([`rest`]); 4, copies do not
//! multiply; 5, nothing was removed or replaced that was not synced; 6, what is synced is on the server; 7, the server's nodes are
//! a tree; 8, who follows the journal is told all, once and in order; 9, every version's bytes are there; 10, nothing is
//! another tenant's.

use super::Tenant;
use super::history::History;
use crate::device::{Device, Tree, rest};
use crate::network::Network;
use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::PASSWORD;
use bitvault_device::state::{SqliteStore, Store as _};
use std::collections::BTreeSet;

impl Tenant {
    /// Checks everything, with devices that were killed in the middle of their work. Answers what the server holds, and who
    /// may see it.
    pub(super) async fn end(self, network: &Network) -> Result<(History, Caller)> {
        let Self {
            email,
            work,
            mut devices,
            reader,
        } = self;
        let daemon = &network.daemon;
        let mut reader = reader.end().await.context("follow the journal")?;
        let history = History::of(daemon, &reader.caller).await?;
        for device in &devices {
            is_on_the_server(device, &history)?;
        }
        // One that comes new shows what the server has.
        devices.push(Device::of_account(
            &network.server.url(),
            "newcomer",
            &email,
            PASSWORD,
        )?);
        let all: Vec<&Device> = devices.iter().collect();
        let tree = rest(&all)?;
        let history = History::of(daemon, &reader.caller).await?;
        for device in &devices {
            is_on_the_server(device, &history)?;
            ensure!(
                hashes(&tree) == synced(device)?.into_iter().map(|(_, hash)| hash).collect(),
                "{} remembers something else than it has",
                device.name
            );
            was_synced(device, &history)?;
        }
        reader.knows_all().await.context("follow the journal")?;
        reader.is_a_tree()?;
        ensure!(
            reader.contents() == hashes(&tree),
            "the journal tells of other contents"
        );
        let kept: BTreeSet<String> = history.hashes();
        let foreign = kept.iter().find(|hash| !work.written.contains_key(*hash));
        ensure!(
            foreign.is_none(),
            "a version holds what nobody of this tenant wrote"
        );
        history.is_whole(&reader.caller).await?;
        work.nothing_is_lost(&devices, &tree, kept)?;
        Ok((history, reader.caller))
    }
}

fn hashes(tree: &Tree) -> BTreeSet<String> {
    tree.values().flatten().cloned().collect()
}

/// Files that a device remembers as synced: where the server has them, and their hashes.
fn synced(device: &Device) -> Result<Vec<((String, String), String)>> {
    let loaded = SqliteStore::open(&device.state_file()?)?.load()?;
    let trees = loaded.context("a state")?.trees;
    let files = trees.synced.iter().filter_map(|node| {
        let content = node.kind.content()?;
        let id = (node.node.to_string(), content.version.to_string());
        Some((id, content.sha256.to_string()))
    });
    Ok(files.collect())
}

fn is_on_the_server(device: &Device, history: &History) -> Result<()> {
    for ((node, version), hash) in synced(device)? {
        let held = history.get(&node, &version);
        ensure!(
            held == Some(hash.as_str()),
            "{} remembers {hash} as {version} of {node}, and the server has {held:?}",
            device.name
        );
    }
    Ok(())
}

/// What the device put into its trash, the server had.
fn was_synced(device: &Device, history: &History) -> Result<()> {
    let held = history.hashes();
    for (path, hash) in device.trash()? {
        ensure!(
            hash.as_ref().is_none_or(|hash| held.contains(hash)),
            "{} put away what was not synced: {path}",
            device.name
        );
    }
    Ok(())
}

impl super::Work {
    fn nothing_is_lost(&self, devices: &[Device], tree: &Tree, mut kept: BTreeSet<String>) -> Result<()> {
        for hash in hashes(tree) {
            ensure!(
                self.written.contains_key(&hash),
                "a file holds what nobody wrote: {hash} in {tree:#?}"
            );
            kept.insert(hash);
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
        let lost: Vec<&String> = self
            .written
            .iter()
            .filter(|(hash, _)| !self.gone.contains(*hash) && !kept.contains(*hash))
            .map(|(_, what)| what)
            .collect();
        ensure!(lost.is_empty(), "lost: {lost:#?}");
        Ok(())
    }
}
