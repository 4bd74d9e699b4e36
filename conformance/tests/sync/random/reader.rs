//! Somebody who reads the journal by the API while everybody works: each entry once, and in order.

use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::api::Caller;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// What is left out of a call's time when the server can't answer.
const PAUSE: Duration = Duration::from_millis(50);
const WAIT_S: u32 = 2;
/// What one entry of the journal tells of one node. Entries of a node that stand on one page are one.
const ACTS: [&str; 5] = ["created", "changed", "moved", "trashed", "deleted"];
/// Pages until it must have come to the end.
const PAGES: usize = 10_000;

/// A reader at work.
pub(super) struct Following {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Result<Reader>>,
}

impl Following {
    pub(super) fn begin(caller: Caller) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, mut reader) = (Arc::clone(&stop), Reader::new(caller));
        let task = tokio::spawn(async move {
            while !stopped.load(Ordering::Relaxed) {
                // The server may be killed, start or settle its journal; what the reader was told must be right.
                match reader.caller.get(&reader.query(WAIT_S)).await {
                    Ok(answer) if answer.status.is_success() => reader.take(&answer.body)?,
                    Ok(answer) => {
                        ensure!(
                            answer.status.is_server_error(),
                            "{}: {}",
                            answer.status,
                            answer.body
                        );
                        tokio::time::sleep(PAUSE).await;
                    }
                    Err(_) => tokio::time::sleep(PAUSE).await,
                }
            }
            Ok(reader)
        });
        Self { stop, task }
    }

    /// The reader, which is at rest again.
    pub(super) async fn end(self) -> Result<Reader> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await?
    }
}

/// What somebody knows who has taken in every page.
pub(super) struct Reader {
    pub(super) caller: Caller,
    cursor: Option<String>,
    /// Nodes by their ids.
    nodes: BTreeMap<String, Value>,
    /// The last entry that was told.
    seq: i64,
}

impl Reader {
    fn new(caller: Caller) -> Self {
        Self {
            caller,
            cursor: None,
            nodes: BTreeMap::new(),
            seq: 0,
        }
    }

    fn query(&self, wait_s: u32) -> String {
        let cursor = self.cursor.iter().map(|cursor| format!("&cursor={cursor}"));
        format!("/v1/changes?wait={wait_s}{}", cursor.collect::<String>())
    }

    fn take(&mut self, page: &Value) -> Result<()> {
        let (before, mut told) = (self.seq, BTreeSet::new());
        for change in page["items"].as_array().context("items")? {
            let id = change["node_id"].as_str().context("a node")?;
            let seq = change["seq"].as_i64().context("an entry")?;
            // What is there already, and what comes back with a folder, is told as it stands.
            if ACTS.contains(&change["cause"].as_str().unwrap_or_default()) {
                ensure!(seq > before, "told behind entry {before}: {change}");
                ensure!(told.insert(id), "told twice: {change}");
            }
            self.seq = self.seq.max(seq);
            match change["kind"].as_str() {
                Some("upsert") => {
                    self.nodes.insert(id.to_owned(), change["node"].clone());
                }
                _ => self.remove(id),
            }
        }
        let cursor = page["next_cursor"].as_str().context("a cursor")?;
        self.cursor = Some(cursor.to_owned());
        Ok(())
    }

    fn remove(&mut self, id: &str) {
        self.nodes.remove(id);
        let below = |(_, node): &(&String, &Value)| node["parent_id"] == id;
        let below: Vec<String> = self
            .nodes
            .iter()
            .filter(below)
            .map(|(id, _)| id.clone())
            .collect();
        for id in below {
            self.remove(&id);
        }
    }

    async fn catch_up(&mut self) -> Result<()> {
        for _ in 0..PAGES {
            let page = self.caller.get(&self.query(0)).await?.ok()?;
            self.take(&page)?;
            if page["has_more"] == false && page["items"].as_array().is_some_and(Vec::is_empty) {
                return Ok(());
            }
        }
        anyhow::bail!("the journal has no end")
    }

    /// Whoever followed everything knows what somebody is told who comes new.
    pub(super) async fn knows_all(&mut self) -> Result<()> {
        self.catch_up().await?;
        let mut newcomer = Self::new(self.caller.clone());
        newcomer.catch_up().await?;
        for (id, node) in &newcomer.nodes {
            let known = self.nodes.get(id);
            ensure!(known == Some(node), "{node} is known as {known:?}");
        }
        let gone = self.nodes.keys().find(|id| !newcomer.nodes.contains_key(*id));
        ensure!(gone.is_none(), "{gone:?} is not there any more");
        Ok(())
    }

    /// Every node hangs on the one root, and no two of a folder have one name.
    pub(super) fn is_a_tree(&self) -> Result<()> {
        let mut names = BTreeSet::new();
        let mut roots = 0;
        for (id, node) in &self.nodes {
            let Some(parent) = node["parent_id"].as_str() else {
                roots += 1;
                continue;
            };
            let name = node["name"].as_str().context("a name")?.to_lowercase();
            ensure!(names.insert((parent, name)), "a twin: {node}");
            let mut above = Some(parent);
            for _ in 0..self.nodes.len() {
                let Some(next) = above else { break };
                let folder = self.nodes.get(next);
                let folder = folder.with_context(|| format!("{id} hangs on nothing: {node}"))?;
                above = folder["parent_id"].as_str();
            }
            ensure!(above.is_none(), "{id} is in a cycle: {node}");
        }
        ensure!(roots == 1, "{roots} roots");
        Ok(())
    }

    /// The hashes of all files.
    pub(super) fn contents(&self) -> BTreeSet<String> {
        let hashes = self.nodes.values().filter_map(|node| node["sha256"].as_str());
        hashes.map(str::to_owned).collect()
    }
}
