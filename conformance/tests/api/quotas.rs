//! Limits on space: set, shown, kept.

use crate::{Target, bytes};
use anyhow::{Context as _, Result};
use bitvault_conformance::api::{Answer, Caller, sha256};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

pub(crate) async fn all(target: &Target) -> Result<()> {
    a_folder_takes_no_more_than_its_limit(target).await?;
    limits_are_listed_for_administrators(target).await
}

async fn send(caller: &Caller, method: Method, path: &str, body: Value) -> Result<Answer> {
    let response = caller.request(method, path).json(&body).send().await?;
    let status = response.status();
    let text = response.text().await?;
    let body = if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text)?
    };
    Ok(Answer { status, body })
}

async fn a_folder_takes_no_more_than_its_limit(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let body = json!({"parent_id": "root", "name": "limited"});
    let folder = owner.post("/v1/folders", body).await?.ok()?;
    let folder = folder["id"].as_str().context("id")?;
    owner.upload(folder, "first.bin", &bytes(100, 1)).await?;
    let at = format!("/v1/nodes/{folder}/quota");
    let missing = owner.get(&at).await?;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(missing.body["reason"], json!("quota_not_found"));
    let set = send(owner, Method::PUT, &at, json!({"max_bytes": 250}))
        .await?
        .ok()?;
    let expected = json!({
        "kind": "folder", "node_id": folder, "max_bytes": 250, "used_bytes": 100, "reserved_bytes": 0,
    });
    assert_eq!(set, expected);
    assert_eq!(owner.get(&at).await?.ok()?, expected);

    let start = |name: &str, size: usize| {
        let content = bytes(size, 3);
        json!({"parent_id": folder, "name": name, "size": size, "sha256": sha256(&content)})
    };
    let upload = owner.post("/v1/uploads", start("second.bin", 120)).await?.ok()?;
    assert_eq!(owner.get(&at).await?.ok()?["reserved_bytes"], json!(120));
    let full = owner
        .request(Method::POST, "/v1/uploads")
        .json(&start("third.bin", 31));
    let full = full.send().await?;
    assert_eq!(full.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(
        !full.headers().contains_key("retry-after"),
        "waiting does not help"
    );
    let told: Value = serde_json::from_str(&full.text().await?)?;
    assert_eq!(
        (&told["code"], &told["reason"]),
        (&json!("exhausted"), &json!("quota_exceeded"))
    );
    let upload = upload["upload_id"].as_str().context("upload_id")?;
    let gone = send(
        owner,
        Method::DELETE,
        &format!("/v1/uploads/{upload}"),
        json!(null),
    )
    .await?;
    assert!(gone.status.is_success(), "{}", gone.status);
    let third = owner.upload(folder, "third.bin", &bytes(31, 3)).await?;
    let copy = json!({"parent_id": folder});
    for left in [
        StatusCode::CREATED,
        StatusCode::CREATED,
        StatusCode::CREATED,
        StatusCode::TOO_MANY_REQUESTS,
    ] {
        let copied = format!("/v1/nodes/{}/copy", third["id"].as_str().context("id")?);
        assert_eq!(owner.post(&copied, copy.clone()).await?.status, left);
    }
    assert_eq!(owner.get(&at).await?.ok()?["used_bytes"], json!(224));
    for (bad, reason) in [
        (json!({"max_bytes": 1_u64 << 61}), "quota_invalid"),
        (json!({"max_bytes": -1}), "body_invalid"),
        (json!({"max_bytes": "1"}), "body_invalid"),
        (json!({}), "body_invalid"),
        (json!({"max_bytes": 1, "more": 1}), "body_invalid"),
    ] {
        let refused = send(owner, Method::PUT, &at, bad.clone()).await?;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{bad}");
        assert_eq!(refused.body["reason"], json!(reason), "{bad}");
    }
    for _ in 0..2 {
        let gone = send(owner, Method::DELETE, &at, json!(null)).await?;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
    }
    owner.post("/v1/uploads", start("second.bin", 120)).await?.ok()?;
    Ok(())
}

async fn limits_are_listed_for_administrators(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let me = owner.get("/v1/me").await?.ok()?;
    let account = me["account"]["id"].as_str().context("id")?;
    let at = format!("/v1/nodes/{account}/quota");
    let set = send(owner, Method::PUT, &at, json!({"max_bytes": 1_u64 << 40}))
        .await?
        .ok()?;
    assert_eq!(
        (&set["kind"], &set["account_id"]),
        (&json!("home"), &json!(account))
    );
    assert_eq!(owner.get("/v1/nodes/root/quota").await?.ok()?, set);
    assert_eq!(owner.get("/v1/usage").await?.ok()?["limits"], json!([set]));
    let page = owner.get("/v1/quotas?limit=1").await?.ok()?;
    assert_eq!(page["items"], json!([set]));
    assert_eq!(
        owner.get("/v1/quotas?cursor=x").await?.body["reason"],
        json!("cursor_invalid")
    );
    let gone = send(owner, Method::DELETE, &at, json!(null)).await?;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(owner.get("/v1/quotas").await?.ok()?["items"], json!([]));
    let homes = "/v1/quotas/homes";
    assert_eq!(owner.get(homes).await?.body["reason"], "quota_not_found");
    let limit = json!({"max_bytes": 1000});
    let set = send(owner, Method::PUT, homes, limit.clone()).await?.ok()?;
    assert_eq!((&set, &owner.get(homes).await?.ok()?), (&limit, &limit));
    owner.delete(homes).await?.ok()?;
    Ok(())
}
