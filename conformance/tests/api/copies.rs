//! Copies without a byte.

use crate::{Target, bytes};
use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};

pub(crate) async fn all(target: &Target) -> Result<()> {
    a_tree_is_copied(target).await?;
    what_cannot_be_copied_is_refused(target).await
}

fn id(node: &Value) -> &str {
    node["id"].as_str().unwrap_or_default()
}

async fn folder(target: &Target, parent: &str, name: &str) -> Result<Value> {
    let body = json!({"parent_id": parent, "name": name});
    target.owner.post("/v1/folders", body).await?.ok()
}

async fn a_tree_is_copied(target: &Target) -> Result<()> {
    let from = folder(target, "root", "copy from").await?;
    let content = bytes(100, 7);
    let file = target.owner.upload(id(&from), "file.bin", &content).await?;
    let path = format!("/v1/nodes/{}/copy", id(&from));
    let request = target.owner.request(Method::POST, &path);
    let request = request
        .header("Idempotency-Key", "copy-1")
        .json(&json!({"parent_id": "root"}));
    let again = request.try_clone();
    let answer = request.send().await?;
    assert_eq!(answer.status(), 201);
    let location = answer.headers()["location"].to_str()?.to_owned();
    let copy: Value = answer.json().await?;
    assert_eq!(copy["name"], "copy from (copy)");
    assert_eq!(target.owner.get(&location).await?.ok()?, copy);
    if let Some(again) = again {
        let again: Value = again.send().await?.json().await?;
        assert_eq!(again, copy);
    }
    let inside = target
        .owner
        .get("/v1/lookup?path=/copy%20from%20(copy)/file.bin")
        .await?
        .ok()?;
    assert_eq!(inside["sha256"], file["sha256"]);
    assert_ne!(inside["id"], file["id"]);
    assert_ne!(inside["version_id"], file["version_id"]);
    assert_eq!(target.owner.content(id(&inside)).await?, content);
    Ok(())
}

async fn what_cannot_be_copied_is_refused(target: &Target) -> Result<()> {
    let from = folder(target, "root", "copy refused").await?;
    let inner = folder(target, id(&from), "inner").await?;
    let path = format!("/v1/nodes/{}/copy", id(&from));
    for (body, status, reason) in [
        (
            json!({"parent_id": "root", "name": "copy refused"}),
            409,
            "name_taken",
        ),
        (json!({"parent_id": id(&inner)}), 400, "into_itself"),
        (json!({"parent_id": "root", "name": "a/b"}), 400, "name_invalid"),
        (json!({"parent_id": "root", "to": "x"}), 400, "body_invalid"),
        (
            json!({"parent_id": "nod_00000000000000000000000000000000"}),
            404,
            "parent_not_found",
        ),
    ] {
        let refused = target.owner.post(&path, body).await?;
        assert_eq!((refused.status.as_u16(), refused.reason()), (status, reason));
    }
    for nothing in ["cpy_00000000000000000000000000000000", "x"] {
        let path = format!("/v1/copies/{nothing}");
        assert_eq!(target.owner.get(&path).await?.reason(), "copy_not_found");
        assert_eq!(target.owner.delete(&path).await?.reason(), "copy_not_found");
    }
    Ok(())
}
