//! What a tenant's server holds: every version, also of files in the trash, and that its bytes are there.

use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::api::{Caller, sha256};
use bitvault_conformance::daemon::Daemon;
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Items of one call.
const BATCH: usize = 500;
/// Contents that are read at once.
const AT_ONCE: usize = 8;

/// The hash of every version, by node and version.
pub(super) struct History(BTreeMap<(String, String), String>);

impl History {
    pub(super) async fn of(daemon: &Daemon, caller: &Caller) -> Result<Self> {
        let me = caller.get("/v1/me").await?.ok()?;
        let tenant = me["tenant"]["id"].as_str().context("a tenant")?;
        let pool = sqlx::PgPool::connect(daemon.database_url()).await?;
        let rows: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT 'nod_' || replace(v.node_id::text, '-', ''), 'ver_' || replace(v.id::text, '-', ''),
                    encode(b.sha256, 'hex')
             FROM files.versions v JOIN files.blobs b ON b.tenant_id = v.tenant_id AND b.id = v.blob_id
             WHERE v.tenant_id = $1::uuid",
        )
        .bind(tenant.trim_start_matches("ten_"))
        .fetch_all(&pool)
        .await?;
        let rows = rows.into_iter();
        Ok(Self(
            rows.map(|(node, version, hash)| ((node, version), hash))
                .collect(),
        ))
    }

    /// The hash of a version.
    pub(super) fn get(&self, node: &str, version: &str) -> Option<&str> {
        let key = (node.to_owned(), version.to_owned());
        self.0.get(&key).map(String::as_str)
    }

    pub(super) fn hashes(&self) -> BTreeSet<String> {
        self.0.values().cloned().collect()
    }

    /// Reads every version by the API. What is in the trash is taken out of it for that.
    pub(super) async fn is_whole(&self, caller: &Caller) -> Result<()> {
        empty_trash_into_folder(caller).await?;
        let all: Vec<_> = self.0.iter().collect();
        for some in all.chunks(BATCH) {
            let items = some
                .iter()
                .map(|((node, version), _)| json!({"id": node, "version_id": version}));
            let items = json!({"items": items.collect::<Vec<Value>>()});
            let told = caller.post("/v1/batch/contents", items).await?.ok()?;
            let told = told["items"].as_array().context("items")?.clone();
            ensure!(told.len() == some.len(), "{told:?}");
            futures::stream::iter(some.iter().zip(told))
                .map(Ok::<_, anyhow::Error>)
                .try_for_each_concurrent(AT_ONCE, |((id, hash), told)| async move {
                    let url = told["content"]["url"].as_str();
                    let url = url.with_context(|| format!("{id:?} can't be read: {told}"))?;
                    let answer = caller.http.get(url).send().await?.error_for_status()?;
                    let found = sha256(&answer.bytes().await?);
                    ensure!(found == **hash, "{id:?} is {found} instead of {hash}");
                    Ok(())
                })
                .await?;
        }
        Ok(())
    }

    /// Somebody of another tenant is told of none of it.
    pub(super) async fn is_hidden_from(&self, stranger: &Caller) -> Result<()> {
        let some = self.0.keys().take(BATCH);
        let items = some.map(|(node, version)| json!({"id": node, "version_id": version}));
        let items = json!({"items": items.collect::<Vec<Value>>()});
        let told = stranger.post("/v1/batch/contents", items).await?.ok()?;
        for one in told["items"].as_array().context("items")? {
            ensure!(one["error"]["reason"] == "node_not_found", "{one}");
        }
        Ok(())
    }
}

/// Restores all that is in the trash.
async fn empty_trash_into_folder(caller: &Caller) -> Result<()> {
    let folder = json!({"parent_id": "root", "name": "out of the trash"});
    let folder = caller.post("/v1/folders", folder).await?.ok()?;
    let mut cursor = String::new();
    loop {
        let page = caller.get(&format!("/v1/trash?limit=1000{cursor}")).await?.ok()?;
        let items = page["items"].as_array().context("items")?;
        futures::stream::iter(items)
            .map(Ok::<_, anyhow::Error>)
            .try_for_each_concurrent(AT_ONCE, |item| {
                let into = json!({"parent_id": folder["id"]});
                async move {
                    let id = item["node"]["id"].as_str().context("a node")?;
                    caller
                        .post(&format!("/v1/nodes/{id}/restore"), into)
                        .await?
                        .ok()?;
                    Ok(())
                }
            })
            .await?;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(()),
        }
    }
}
