//! schemathesis tries every operation of the OpenAPI document, with proper and improper requests and with sequences of
//! them: no answer is 5xx, none has a status, a header or a body that the document does not tell, nothing works without a
//! token. `fuzz/schemathesis.toml` says what is left out and why.

use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use bitvault_conformance::stores::tool;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Ends the caller's session, and with it the run: it is tried by itself.
const SIGN_OUT: &str = "/v1/sessions/current";
/// Closes the caller's tenant, whose name another answer tells, and with it the run: it is tried by itself, last.
const CLOSE_TENANT: &str = "DELETE /v1/tenant";
/// Fewer cases than this mean that the document was not understood.
const CASES_MIN: u64 = 500;

/// Runs schemathesis with the caller's token and answers what it printed.
fn run(daemon: &Daemon, caller: &Caller, ids: &Value, arguments: &[&str]) -> Result<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let scratch = tempfile::tempdir()?;
    let output = Command::new(tool("schemathesis")?)
        .arg("--config-file")
        .arg(folder.join("schemathesis.toml"))
        .args(["--no-color", "run"])
        .arg(format!("{}/v1/openapi.json", daemon.url()))
        .args(["--header", &format!("Authorization: Bearer {}", caller.token())])
        .args(arguments)
        .env("SCHEMATHESIS_HOOKS", folder.join("hooks.py"))
        .env("BITVAULT_FUZZ_IDS", ids.to_string())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        // It keeps what it found in the folder it runs in.
        .current_dir(scratch.path())
        .output()
        .context("run schemathesis")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "schemathesis ended with {}:\n{text}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(text)
}

/// Things that are there for the requests to meet.
async fn ids(caller: &Caller) -> Result<Value> {
    let folder = json!({"parent_id": "root", "name": "a folder"});
    let folder = caller.post("/v1/folders", folder).await?.ok()?;
    let file = caller.upload("root", "a file", b"content").await?;
    let small = caller.start("root", "a small upload", b"bytes").await?.ok()?;
    let large = json!({"parent_id": "root", "name": "a large upload", "size": 300_000_000});
    let large = caller.post("/v1/uploads", large).await?.ok()?;
    let nodes = json!([folder["id"], file["id"], "root"]);
    let uploads = json!([large["upload_id"], small["upload_id"]]);
    Ok(json!({
        "file": file["id"],
        "/v1/nodes/{id}": nodes,
        "/v1/nodes/{id}/children": nodes,
        "/v1/nodes/{id}/content": nodes,
        "/v1/uploads/{id}": uploads,
        "/v1/uploads/{id}/parts": uploads,
        "/v1/uploads/{id}/commit": uploads,
    }))
}

/// How many cases the summary counts.
fn cases(text: &str) -> u64 {
    let summary = text.split("Test cases:").nth(1).unwrap_or_default();
    let number = summary.split_whitespace().next().unwrap_or_default();
    number.parse().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_answers_as_its_document_says_whatever_is_sent() {
    let mut daemon = Daemon::lite().unwrap();
    daemon.start().await.unwrap();
    let owner = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await.unwrap();
    // Before the run: its failed sign-ins hold up others for a while.
    let leaving = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await.unwrap();
    let ids = ids(&owner).await.unwrap();

    let others = ["--exclude-path", SIGN_OUT, "--exclude-name", CLOSE_TENANT];
    let text = tokio::task::block_in_place(|| run(&daemon, &owner, &ids, &others)).unwrap();
    assert!(cases(&text) >= CASES_MIN, "{text}");
    // The token held to the end: nothing of the run was a row of refusals.
    assert!(owner.get("/v1/me").await.unwrap().status.is_success());

    let text = tokio::task::block_in_place(|| run(&daemon, &leaving, &ids, &["--include-path", SIGN_OUT]));
    assert!(cases(&text.unwrap()) > 0);

    let text = tokio::task::block_in_place(|| run(&daemon, &owner, &ids, &["--include-name", CLOSE_TENANT]));
    assert!(cases(&text.unwrap()) > 0);
}
