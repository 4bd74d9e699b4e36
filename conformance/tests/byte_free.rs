//! Namespace operations move no bytes of files: what goes through the API's socket is JSON of a few KiB, and nothing goes
//! to or from the store.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use anyhow::{Context as _, Result};
use bitvault_conformance::api::Caller;
use bitvault_conformance::cli::Cli;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD, free_port};
use bitvault_conformance::meter::Meter;
use reqwest::Method;
use serde_json::{Value, json};
use std::fs::File;

/// Set to anything, the file is 1 GiB large instead.
const LARGE: &str = "BITVAULT_BYTE_FREE_GIB";
const FILE_BYTES: u64 = 65 << 20;
const LARGE_BYTES: u64 = 1 << 30;
/// Most bytes that one operation may take in one direction, heads of requests included.
const OPERATION_BYTES: u64 = 8 * 1024;

/// A daemon behind two meters, and somebody signed in.
struct Target {
    _daemon: Daemon,
    api: Meter,
    store: Meter,
    owner: Caller,
    cli: Cli,
}

async fn target() -> Result<Target> {
    let port = free_port()?;
    let store = Meter::before(([127, 0, 0, 1], port).into()).await?;
    let mut daemon = Daemon::with_config(&format!(
        "[lite]\ns3_listen = \"127.0.0.1:{port}\"\ns3_public_url = \"{}\"\n",
        store.url()
    ))?;
    daemon.start().await?;
    let address = daemon.url().trim_start_matches("http://").parse()?;
    let api = Meter::before(address).await?;
    let url = api.url();
    Ok(Target {
        owner: Caller::sign_in(&url, EMAIL, PASSWORD).await?,
        cli: Cli::signed_in(&url, EMAIL, PASSWORD)?,
        _daemon: daemon,
        api,
        store,
    })
}

impl Target {
    /// One call, which must take no more than JSON.
    async fn call(&self, method: Method, path: &str, body: Value) -> Result<Value> {
        let passed = |meter: &Meter| (meter.sent(), meter.received());
        let (api, store) = (passed(&self.api), passed(&self.store));
        let request = self.owner.request(method.clone(), path).json(&body);
        let response = request.send().await?.error_for_status()?;
        let text = response.text().await?;
        let (sent, received) = (self.api.sent() - api.0, self.api.received() - api.1);
        assert!(sent > 0 && received > 0, "the meter saw {method} {path}");
        for bytes in [sent, received] {
            assert!(
                bytes <= OPERATION_BYTES,
                "{method} {path}: {sent} sent, {received} received"
            );
        }
        assert_eq!(passed(&self.store), store, "{method} {path}");
        if text.is_empty() {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_str(&text)?)
    }

    async fn lookup(&self, path: &str) -> Result<Value> {
        self.owner.get(&format!("/v1/lookup?path={path}")).await?.ok()
    }
}

fn id(node: &Value) -> Result<&str> {
    node["id"].as_str().context("id")
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_on_a_large_file_move_only_json() {
    run(&target().await.unwrap()).await.unwrap();
}

async fn run(target: &Target) -> Result<()> {
    let bytes = match std::env::var_os(LARGE) {
        Some(_) => LARGE_BYTES,
        None => FILE_BYTES,
    };
    let cli = &target.cli;
    cli.run(&["mkdir", "-p", "/tree/inner", "/other"])?.ok()?;
    // One version of a few bytes, then the large one: that is restored again.
    std::fs::write(cli.folder().join("large.bin"), "small")?;
    cli.run(&["put", "large.bin", "/tree/inner/"])?.ok()?;
    File::create(cli.folder().join("large.bin"))?.set_len(bytes)?;
    cli.run(&["put", "large.bin", "/tree/inner/"])?.ok()?;
    assert!(target.store.sent() >= bytes, "the meter saw the upload");

    let (file, tree, other) = (
        target.lookup("/tree/inner/large.bin").await?,
        target.lookup("/tree").await?,
        target.lookup("/other").await?,
    );
    let file = format!("/v1/nodes/{}", id(&file)?);
    let tree = format!("/v1/nodes/{}", id(&tree)?);
    target
        .call(Method::PATCH, &file, json!({"name": "renamed.bin"}))
        .await?;
    target
        .call(Method::PATCH, &tree, json!({"parent_id": id(&other)?}))
        .await?;
    let copy = target
        .call(
            Method::POST,
            &format!("{file}/copy"),
            json!({"parent_id": "root"}),
        )
        .await?;
    assert_eq!(copy["size"], json!(bytes));
    let twin = target
        .call(
            Method::POST,
            &format!("{tree}/copy"),
            json!({"parent_id": "root"}),
        )
        .await?;
    assert_eq!(
        target.lookup("/tree/inner/renamed.bin").await?["size"],
        json!(bytes)
    );

    let versions = target
        .call(Method::GET, &format!("{file}/versions"), Value::Null)
        .await?;
    let [large, small] = [0, 1].map(|at| versions["items"][at]["id"].as_str().unwrap_or_default());
    for (version, size) in [(small, 5), (large, bytes)] {
        let path = format!("{file}/versions/{version}/restore");
        let restored = target.call(Method::POST, &path, Value::Null).await?;
        assert_eq!(restored["size"], json!(size));
    }
    let twin = format!("/v1/nodes/{}", id(&twin)?);
    target.call(Method::DELETE, &twin, Value::Null).await?;
    target
        .call(Method::DELETE, &format!("{twin}?permanent=true"), Value::Null)
        .await?;
    let kept = cli.run(&["stat", "--json", "/renamed.bin"])?.ok()?.json()?;
    assert_eq!(kept["node"]["size"], json!(bytes));
    Ok(())
}
