//! Suspending a tenant, and deleting one with everything in it, through kills.

use crate::until;
use anyhow::{Context as _, Result};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD, TENANT};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::path::Path;
use std::time::{Duration, Instant};

/// Nothing waits: no grace, and every job looks often.
const AT_ONCE: &str = "[identity.deletion]\ngrace = \"0s\"\nperiod = \"100ms\"\n\
    [files]\npresign_lifetime = \"5s\"\nupload_lifetime = \"20s\"\n\
    [files.collector]\nperiod = \"200ms\"\ngrace = \"6s\"\n";

/// How many rows every table with a tenant_id, found in the catalogue, holds of a tenant.
async fn rows(database: &mut PgConnection, tenant: &str) -> Result<Vec<(String, i64)>> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
         WHERE c.relkind IN ('r', 'p') ORDER BY 1",
    )
    .fetch_all(&mut *database)
    .await?;
    let mut held = Vec::new();
    for table in tables {
        let sql = format!("SELECT count(*) FROM {table} WHERE tenant_id = $1::uuid");
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(tenant)
            .fetch_one(&mut *database)
            .await?;
        if count > 0 {
            held.push((table, count));
        }
    }
    Ok(held)
}

/// Whether a file of the embedded endpoint lies below a name that holds the tenant's id: keys begin with it.
fn stored(folder: &Path, needle: &str, named: bool) -> Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let named = named || name.contains(needle);
        if (path.is_dir() && stored(&path, needle, named)?) || (named && !path.is_dir()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The number of an id, as Postgres and the store write it.
fn bare(id: &str) -> String {
    id.rsplit('_').next().unwrap_or_default().to_owned()
}

async fn owner_of(daemon: &Daemon, tenant: &str, email: &str) -> Result<Caller> {
    let create = [
        "admin",
        "create-user",
        "--role",
        "owner",
        "--tenant",
        tenant,
        "--email",
        email,
    ];
    daemon.command_with_input(&create, PASSWORD)?;
    Caller::sign_in(daemon.url(), email, PASSWORD).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_tenant_is_closed_within_seconds_and_opens_again() {
    let mut daemon = Daemon::lite().unwrap();
    daemon.start().await.unwrap();
    let acme = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await.unwrap();
    let other = owner_of(&daemon, "globex", "b@example.org").await.unwrap();
    let node = acme.upload("root", "kept", b"kept").await.unwrap();
    let id = node["id"].as_str().unwrap();
    let link = acme
        .post("/v1/links", json!({"node_id": id, "kind": "download"}))
        .await
        .unwrap()
        .ok()
        .unwrap();
    let visited = format!(
        "/v1/public/{}",
        link["url"].as_str().unwrap().rsplit('/').next().unwrap()
    );
    let visitor = Caller::anonymous(daemon.url()).unwrap();
    visitor.get(&visited).await.unwrap().ok().unwrap();
    daemon.command(&["admin", "suspend-tenant", TENANT]).unwrap();
    let suspended = Instant::now();
    until("the tenant is closed", async || {
        let answer = acme.get("/v1/nodes/root").await?;
        Ok((answer.reason() == "tenant_suspended").then_some(()))
    })
    .await
    .unwrap();
    assert!(suspended.elapsed() < Duration::from_secs(10));
    for path in [
        "/v1/me",
        "/v1/members",
        "/v1/tenant",
        "/v1/search?q=kept",
        &format!("/v1/nodes/{id}/content"),
    ] {
        let answer = acme.get(path).await.unwrap();
        assert_eq!(
            (answer.status.as_u16(), answer.reason()),
            (403, "tenant_suspended"),
            "{path}"
        );
    }
    assert_eq!(visitor.get(&visited).await.unwrap().reason(), "link_not_found");
    assert!(Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await.is_err());
    other.get("/v1/nodes/root").await.unwrap().ok().unwrap();
    daemon.command(&["admin", "resume-tenant", TENANT]).unwrap();
    until("the tenant is open", async || {
        let answer = acme.get("/v1/nodes/root").await?;
        Ok(answer.status.is_success().then_some(()))
    })
    .await
    .unwrap();
    assert_eq!(acme.content(id).await.unwrap(), b"kept");
    visitor.get(&visited).await.unwrap().ok().unwrap();
    assert!(daemon.command(&["admin", "suspend-tenant", "nobody"]).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_is_marked_by_mistake_comes_back() {
    let mut daemon = Daemon::lite().unwrap();
    daemon.start().await.unwrap();
    let acme = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await.unwrap();
    acme.upload("root", "kept", b"kept").await.unwrap();
    let unasked = daemon.command(&["admin", "delete-tenant", TENANT]).unwrap_err();
    assert!(unasked.to_string().contains("--yes"), "{unasked}");
    acme.get("/v1/me").await.unwrap().ok().unwrap();
    let said = daemon
        .command(&["admin", "delete-tenant", TENANT, "--yes"])
        .unwrap();
    assert!(said.contains("for good after 2"), "{said}");
    daemon.command(&["admin", "resume-tenant", TENANT]).unwrap();
    until("the tenant is open", async || {
        let answer = acme.get("/v1/lookup?path=/kept").await?;
        Ok(answer.status.is_success().then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_a_deleted_tenant_however_often_the_daemon_dies() {
    let mut daemon = Daemon::with_config(AT_ONCE).unwrap();
    daemon.start().await.unwrap();
    let kept = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await.unwrap();
    let node = kept.upload("root", "kept", b"kept").await.unwrap();
    let doomed = owner_of(&daemon, "globex", "b@example.org").await.unwrap();
    // One belongs to both tenants and stays; one belongs to this one only.
    doomed
        .post("/v1/members", json!({"email": EMAIL, "role": "guest"}))
        .await
        .unwrap()
        .ok()
        .unwrap();
    doomed
        .post("/v1/members", json!({"email": "c@example.org", "role": "guest"}))
        .await
        .unwrap()
        .ok()
        .unwrap();
    doomed
        .post("/v1/tokens", json!({"name": "t", "scopes": ["read"]}))
        .await
        .unwrap()
        .ok()
        .unwrap();
    for number in 0..20 {
        let folder = json!({"parent_id": "root", "name": format!("folder {number}")});
        let folder = doomed.post("/v1/folders", folder).await.unwrap().ok().unwrap();
        let folder = folder["id"].as_str().unwrap();
        doomed
            .upload(folder, "file", format!("file {number}").as_bytes())
            .await
            .unwrap();
        doomed
            .start(folder, "never sent", b"x")
            .await
            .unwrap()
            .ok()
            .unwrap();
    }
    let link = json!({"node_id": "root", "kind": "download"});
    doomed.post("/v1/links", link).await.unwrap().ok().unwrap();
    let id = |caller: &Caller| {
        let caller = caller.clone();
        async move {
            bare(
                caller.get("/v1/tenant").await.unwrap().ok().unwrap()["id"]
                    .as_str()
                    .unwrap(),
            )
        }
    };
    let (kept_id, doomed_id) = (id(&kept).await, id(&doomed).await);
    let objects = daemon.data_dir().join("objects");
    let mut database = PgConnection::connect(daemon.database_url()).await.unwrap();
    let settled = "SELECT NOT EXISTS (SELECT FROM files.journal_heads h LEFT JOIN search.cursors c USING (tenant_id, seq)
                                       WHERE c.tenant_id IS NULL) AND NOT EXISTS (SELECT FROM search.pending)";
    until("everything is in the search index", async || {
        let mut database = PgConnection::connect(daemon.database_url()).await?;
        let settled: bool = sqlx::query_scalar(settled).fetch_one(&mut database).await?;
        Ok(settled.then_some(()))
    })
    .await
    .unwrap();
    let before = rows(&mut database, &kept_id).await.unwrap();
    let doomed_rows = rows(&mut database, &doomed_id).await.unwrap();
    assert!(doomed_rows.len() > 10);
    assert!(doomed_rows.iter().any(|(table, _)| table == "search.postings"));
    assert!(stored(&objects, &doomed_id, false).unwrap());

    let answer = doomed.delete("/v1/tenant?name=globex").await.unwrap();
    assert_eq!(answer.status, 202);
    let refused = doomed.get("/v1/me").await.unwrap();
    assert!(
        ["tenant_suspended", "token_invalid"].contains(&refused.reason()),
        "{refused:?}"
    );
    for pause in [60, 150, 250, 400] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        daemon.kill().unwrap();
        daemon.start().await.unwrap();
    }
    let url = daemon.database_url().to_owned();
    until("the tenant is gone", async || {
        let mut database = PgConnection::connect(&url).await?;
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM identity.tenants WHERE name = 'globex'")
            .fetch_one(&mut database)
            .await?;
        Ok((left == 0).then_some(()))
    })
    .await
    .unwrap();
    let mut database = PgConnection::connect(&url).await.context("connect").unwrap();
    assert_eq!(rows(&mut database, &doomed_id).await.unwrap(), []);
    assert!(!stored(&objects, &doomed_id, false).unwrap());
    let accounts: Vec<String> = sqlx::query_scalar("SELECT email FROM identity.accounts")
        .fetch_all(&mut database)
        .await
        .unwrap();
    assert_eq!(accounts, [EMAIL]);

    let after = rows(&mut database, &kept_id).await.unwrap();
    let durable = |held: Vec<(String, i64)>| -> Vec<_> {
        // Events are handed over meanwhile.
        held.into_iter()
            .filter(|(table, _)| table != "files.outbox")
            .collect()
    };
    assert_eq!(durable(after), durable(before));
    assert_eq!(kept.content(node["id"].as_str().unwrap()).await.unwrap(), b"kept");
    let report = daemon.command(&["fsck", "--json"]).unwrap();
    assert!(report.contains("\"unknown_objects\": []"), "{report}");
    // The name is free again, for a tenant that has nothing of the old one.
    let again = owner_of(&daemon, "globex", "b@example.org").await.unwrap();
    assert_eq!(
        again.get("/v1/nodes/root/children").await.unwrap().ok().unwrap()["items"],
        json!([])
    );
}
