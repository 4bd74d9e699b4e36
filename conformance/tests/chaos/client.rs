//! A client that never gives up: it repeats each step as docs/api.md tells clients to.

use anyhow::{Context as _, Result, bail};
use bitvault_conformance::api::{Answer, Caller, presigned, sha256};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long a client tries before the test counts its retry as failed.
const PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(25);

/// A commit that was acknowledged.
#[derive(Debug, Clone)]
pub(crate) struct Acknowledged {
    pub(crate) node_id: String,
    pub(crate) content: Vec<u8>,
}

/// Where a step leads.
enum Next<T> {
    Done(T),
    /// The daemon did not answer, or could not: the same again.
    Again,
    /// The upload is no more: begin anew.
    Anew,
}

/// Uploads until it is acknowledged.
pub(crate) async fn persist(
    caller: &Caller,
    parent: &str,
    name: &str,
    content: Vec<u8>,
) -> Result<Acknowledged> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let body =
            json!({"parent_id": parent, "name": name, "size": content.len(), "sha256": sha256(&content)});
        let upload = match caller.post("/v1/uploads", body).await {
            Ok(answer) if answer.status.is_success() => answer.body,
            // An earlier round was committed and its answer lost.
            Ok(answer) if answer.reason() == "name_taken" => {
                return found(caller, parent, name, content).await;
            }
            Ok(answer) => {
                retryable(&answer)?;
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Err(_) => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        if let Some(node) = finish(caller, &upload, &content, deadline).await? {
            return Ok(acknowledged(&node, content));
        }
    }
    bail!("{name}: gave up after {PATIENCE:?}")
}

/// Sends an upload that it never commits, as far as the daemon lives to see it.
pub(crate) async fn abandon(caller: &Caller, parent: &str, name: &str, content: &[u8]) {
    let Ok(upload) = caller.start(parent, name, content).await else {
        return;
    };
    for part in upload.body["parts"].as_array().into_iter().flatten() {
        if caller.send_part(part, content).await.is_err() {
            return;
        }
    }
}

/// Sends the parts and commits; `None` when the upload must begin anew.
async fn finish(caller: &Caller, upload: &Value, content: &[u8], deadline: Instant) -> Result<Option<Value>> {
    let mut tags = Vec::new();
    for part in upload["parts"].as_array().context("an upload has parts")? {
        loop {
            match send(caller, part, content).await? {
                Next::Done(etag) => {
                    tags.push(json!({"number": part["number"], "etag": etag}));
                    break;
                }
                Next::Anew => return Ok(None),
                Next::Again if Instant::now() > deadline => return Ok(None),
                Next::Again => tokio::time::sleep(PAUSE).await,
            }
        }
    }
    let multipart = upload["multipart"].as_bool().unwrap_or_default();
    let body = if multipart {
        json!({"parts": tags})
    } else {
        json!({})
    };
    let path = format!(
        "/v1/uploads/{}/commit",
        upload["upload_id"].as_str().unwrap_or_default()
    );
    loop {
        match commit(caller, &path, &body).await? {
            Next::Done(node) => return Ok(Some(node)),
            Next::Anew => return Ok(None),
            Next::Again if Instant::now() > deadline => return Ok(None),
            Next::Again => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn send(caller: &Caller, part: &Value, content: &[u8]) -> Result<Next<String>> {
    let offset = usize::try_from(part["offset"].as_u64().unwrap_or_default())?;
    let size = usize::try_from(part["size"].as_u64().unwrap_or_default())?;
    let Ok(response) = presigned(&caller.http, part, content[offset..offset + size].to_vec()).await else {
        return Ok(Next::Again);
    };
    let etag = response
        .headers()
        .get("etag")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    Ok(match response.status().as_u16() {
        // 412: it is there already, which the commit verifies.
        200 | 412 => Next::Done(etag),
        500.. | 429 => Next::Again,
        // The URL has ended, or the multipart upload is gone.
        403 | 404 => Next::Anew,
        other => bail!(
            "the store answered {other}: {}",
            response.text().await.unwrap_or_default()
        ),
    })
}

async fn commit(caller: &Caller, path: &str, body: &Value) -> Result<Next<Value>> {
    let Ok(answer) = caller.post(path, body.clone()).await else {
        return Ok(Next::Again);
    };
    if answer.status.is_success() {
        return Ok(Next::Done(answer.body));
    }
    match answer.reason() {
        "upload_expired" | "upload_gone" | "upload_incomplete" | "upload_not_found" => Ok(Next::Anew),
        _ => retryable(&answer).map(|()| Next::Again),
    }
}

/// Only "not now" may be repeated; anything else fails the test.
fn retryable(answer: &Answer) -> Result<()> {
    match answer.status.as_u16() {
        429 | 503 => Ok(()),
        _ => bail!("{}: {}", answer.status, answer.body),
    }
}

async fn found(caller: &Caller, parent: &str, name: &str, content: Vec<u8>) -> Result<Acknowledged> {
    let deadline = Instant::now() + PATIENCE;
    let mut cursor = String::new();
    while Instant::now() < deadline {
        let path = format!("/v1/nodes/{parent}/children?limit=1000{cursor}");
        let Ok(page) = caller.get(&path).await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        if !page.status.is_success() {
            retryable(&page)?;
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        if let Some(node) = page.body["items"]
            .as_array()
            .and_then(|items| items.iter().find(|node| node["name"] == name))
        {
            assert_eq!(
                node["sha256"],
                sha256(&content),
                "{name} was committed with other bytes"
            );
            return Ok(acknowledged(node, content));
        }
        let next = page.body["next_cursor"]
            .as_str()
            .with_context(|| format!("{name} is taken but not listed"))?;
        cursor = format!("&cursor={next}");
    }
    bail!("{name}: gave up after {PATIENCE:?}")
}

fn acknowledged(node: &Value, content: Vec<u8>) -> Acknowledged {
    Acknowledged {
        node_id: node["id"].as_str().unwrap_or_default().to_owned(),
        content,
    }
}
