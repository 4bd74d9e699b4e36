//! The first release's daemon with data in it, a migration under its feet, and today's daemon after it.

use crate::until;
use anyhow::{Context as _, Result};
use bitvault_conformance::api::{Caller, sha256};
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD, program};
use bitvault_platform::db::MIGRATOR;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use std::path::PathBuf;

/// `bitvaultd` of the first release; `cargo xtask test` builds it where the history reaches back that far.
fn first_release() -> Option<PathBuf> {
    #[allow(clippy::disallowed_methods, reason = "the environment says where it is")]
    std::env::var_os("BITVAULT_FIRST_RELEASE").map(PathBuf::from)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_daemon_runs_on_the_new_schema_and_hands_over_all_that_it_holds() {
    match first_release() {
        Some(first) => upgrade(first).await.unwrap(),
        None => eprintln!("SKIPPED: BITVAULT_FIRST_RELEASE names no daemon"),
    }
}

/// A file with what it must hold.
struct Kept {
    id: String,
    content: Vec<u8>,
}

async fn put(caller: &Caller, parent: &str, name: &str, content: &[u8]) -> Result<Kept> {
    let node = caller.upload(parent, name, content).await?;
    Ok(Kept {
        id: id(&node)?,
        content: content.to_vec(),
    })
}

fn id(node: &Value) -> Result<String> {
    Ok(node["id"].as_str().context("id")?.to_owned())
}

async fn folder(caller: &Caller, parent: &str, name: &str) -> Result<String> {
    let body = json!({"parent_id": parent, "name": name});
    id(&caller.post("/v1/folders", body).await?.ok()?)
}

/// What people do: folders, files, a second version, a move, something thrown away.
async fn work(caller: &Caller, when: &str) -> Result<Vec<Kept>> {
    let top = folder(caller, "root", when).await?;
    let inner = folder(caller, &top, "inner").await?;
    let mut kept = vec![
        put(caller, "root", &format!("{when}.txt"), when.as_bytes()).await?,
        put(caller, &inner, "large.bin", &vec![7; 9 << 20]).await?,
    ];
    let mut changed = put(caller, &top, "changed.txt", b"first").await?;
    let node = caller.get(&format!("/v1/nodes/{}", changed.id)).await?.ok()?;
    let body = json!({
        "node_id": changed.id, "base_version": node["version_id"], "size": 6, "sha256": sha256(b"second")
    });
    let upload = caller.post("/v1/uploads", body).await?.ok()?;
    caller.send_part(&upload["parts"][0], b"second").await?;
    let commit = format!(
        "/v1/uploads/{}/commit",
        upload["upload_id"].as_str().context("upload_id")?
    );
    caller.post(&commit, json!({})).await?.ok()?;
    changed.content = b"second".to_vec();
    kept.push(changed);
    let moved = put(caller, "root", &format!("{when} moved"), b"moved").await?;
    let path = format!("/v1/nodes/{}", moved.id);
    let body = json!({"name": "moved.txt", "parent_id": inner});
    caller.send(Method::PATCH, &path, Some(body)).await?.ok()?;
    kept.push(moved);
    let gone = put(caller, &top, "gone.txt", b"gone").await?;
    caller.delete(&format!("/v1/nodes/{}", gone.id)).await?.ok()?;
    Ok(kept)
}

async fn holds(caller: &Caller, kept: &[Kept]) -> Result<()> {
    for file in kept {
        assert!(
            caller.content(&file.id).await? == file.content,
            "{} has other bytes",
            file.id
        );
    }
    Ok(())
}

async fn upgrade(first: PathBuf) -> Result<()> {
    let mut daemon = Daemon::lite()?.program(first);
    daemon.start().await?;
    let caller = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await?;
    let mut kept = work(&caller, "before").await?;

    let mut database = PgConnection::connect(daemon.database_url()).await?;
    let migrated = "SELECT max(version) FROM _sqlx_migrations";
    let before: i64 = sqlx::query_scalar(migrated).fetch_one(&mut database).await?;
    MIGRATOR.run(&mut database).await?;
    let after: i64 = sqlx::query_scalar(migrated).fetch_one(&mut database).await?;
    assert!(after > before, "nothing was migrated: {before} {after}");
    database.close().await?;

    // It still runs, and serves what it knows.
    kept.extend(work(&caller, "between").await?);
    holds(&caller, &kept).await?;
    let listed = caller.get("/v1/nodes/root/children").await?.ok()?;
    let listed = listed["items"].as_array().context("items")?.len();

    daemon.stop().await?;
    let mut daemon = daemon.program(program("bitvaultd")?);
    daemon.start().await?;
    let caller = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await?;
    // Homes take in what stood below the root before there were any.
    until("everything is at home", async || {
        for file in &kept {
            if caller.get(&format!("/v1/nodes/{}", file.id)).await?.status == 404 {
                return Ok(None);
            }
        }
        Ok(Some(()))
    })
    .await?;
    holds(&caller, &kept).await?;
    let children = caller.get("/v1/nodes/root/children").await?.ok()?;
    assert_eq!(
        children["items"].as_array().context("items")?.len(),
        listed,
        "{children}"
    );
    let trash = caller.get("/v1/trash").await?.ok()?;
    assert_eq!(trash["items"].as_array().context("items")?.len(), 2, "{trash}");
    kept.extend(work(&caller, "after").await?);
    holds(&caller, &kept).await?;
    let report: Value = serde_json::from_str(&daemon.command(&["fsck", "--json"])?)?;
    for (kind, found) in report.as_object().context("a report")? {
        assert!(!found.is_array() || found == &json!([]), "{kind}: {report}");
    }
    Ok(())
}
