//! Old versions, how long they are kept, and the space that they take.

use crate::{Target, bytes};
use anyhow::{Context as _, Result};
use bitvault_conformance::api::{Answer, sha256};
use reqwest::Method;
use serde_json::{Value, json};

pub(crate) async fn all(target: &Target) -> Result<()> {
    many_contents_are_read_with_one_call(target).await?;
    versions_are_listed_read_restored_labelled_and_deleted(target).await?;
    a_policy_is_set_where_it_holds(target).await?;
    usage_follows_what_is_there(target).await
}

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap_or_default()
}

async fn send(target: &Target, method: Method, path: &str, body: Value) -> Result<Answer> {
    let response = target.owner.request(method, path).json(&body).send().await?;
    let status = response.status();
    let text = response.text().await?;
    let body = if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text)?
    };
    Ok(Answer { status, body })
}

/// A new version of a file.
async fn upload_version(target: &Target, node: &str, content: &[u8]) -> Result<Value> {
    let body = json!({"node_id": node, "size": content.len(), "sha256": sha256(content)});
    let upload = target.owner.post("/v1/uploads", body).await?.ok()?;
    target.owner.send_part(&upload["parts"][0], content).await?;
    let upload = upload["upload_id"].as_str().context("upload_id")?;
    target.owner.commit(upload).await?.ok()
}

async fn versions_are_listed_read_restored_labelled_and_deleted(target: &Target) -> Result<()> {
    let (first, second) = (bytes(100, 1), bytes(200, 2));
    let file = target.owner.upload("root", "versions.bin", &first).await?;
    let changed = upload_version(target, id(&file), &second).await?;
    let versions = format!("/v1/nodes/{}/versions", id(&file));
    let page = target.owner.get(&format!("{versions}?limit=1")).await?.ok()?;
    assert_eq!(page["items"][0]["current"], json!(true));
    let cursor = page["next_cursor"].as_str().context("next_cursor")?;
    let rest = target
        .owner
        .get(&format!("{versions}?limit=1&cursor={cursor}"))
        .await?
        .ok()?;
    let old = &rest["items"][0];
    assert_eq!(
        (&old["size"], &old["sha256"], &old["current"]),
        (&json!(100), &json!(sha256(&first)), &json!(false))
    );
    assert!(rest.get("next_cursor").is_none());
    let place = format!(
        "/v1/nodes/{}/content?redirect=false&version_id={}",
        id(&file),
        id(old)
    );
    let place = target.owner.get(&place).await?.ok()?;
    let read = target.owner.http.get(place["url"].as_str().context("url")?);
    assert_eq!(read.send().await?.bytes().await?, first);

    let old = format!("{versions}/{}", id(old));
    let labelled = send(target, Method::PATCH, &old, json!({"label": "as sent"})).await?;
    assert_eq!(labelled.ok()?["label"], "as sent");
    for (body, reason) in [
        (json!({}), "body_invalid"),
        (json!({"label": ""}), "label_invalid"),
        (json!({"label": "x".repeat(256)}), "label_invalid"),
    ] {
        let refused = send(target, Method::PATCH, &old, body).await?;
        assert_eq!((refused.status.as_u16(), refused.reason()), (400, reason));
    }
    let cleared = send(target, Method::PATCH, &old, json!({"label": null}))
        .await?
        .ok()?;
    assert!(cleared.get("label").is_none());

    let stale = target.owner.request(Method::POST, &format!("{old}/restore"));
    let stale = stale.header("If-Match", "\"1\"").send().await?;
    assert_eq!(stale.status(), 412);
    let stale: Value = stale.json().await?;
    assert_eq!(
        (&stale["reason"], &stale["current"]),
        (&json!("revision_conflict"), &changed)
    );
    let restored = target.owner.request(Method::POST, &format!("{old}/restore"));
    let restored = restored
        .header("If-Match", changed["revision"].to_string())
        .send()
        .await?;
    assert_eq!(restored.status(), 200);
    let etag = restored.headers()["etag"].to_str()?.to_owned();
    let restored: Value = restored.json().await?;
    assert_eq!(etag, format!("\"{}\"", restored["revision"]));
    assert_eq!(restored["sha256"], sha256(&first));
    assert_eq!(target.owner.content(id(&file)).await?, first);

    let current = restored["version_id"].as_str().context("version_id")?;
    let refused = target.owner.delete(&format!("{versions}/{current}")).await?;
    assert_eq!(
        (refused.status.as_u16(), refused.reason()),
        (409, "version_current")
    );
    assert_eq!(target.owner.delete(&old).await?.status, 204);
    assert_eq!(target.owner.delete(&old).await?.reason(), "version_not_found");
    assert_eq!(target.owner.content(id(&file)).await?, first);
    let left = target.owner.get(&versions).await?.ok()?;
    assert_eq!(left["items"].as_array().map(Vec::len), Some(2));
    for nothing in ["ver_x", "ver_00000000000000000000000000000000"] {
        let answer = target.owner.delete(&format!("{versions}/{nothing}")).await?;
        assert_eq!(answer.reason(), "version_not_found");
    }
    Ok(())
}

async fn many_contents_are_read_with_one_call(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let file = owner.upload("root", "in a batch", b"first").await?;
    let newer = upload_version(target, id(&file), b"second").await?;
    let items = json!({"items": [
        {"id": file["id"]},
        {"id": file["id"], "version_id": file["version_id"]},
        {"id": "root"},
    ]});
    let answer = owner.post("/v1/batch/contents", items).await?.ok()?;
    let contents = &answer["items"];
    assert_eq!(contents[0]["content"]["sha256"], newer["sha256"]);
    for (at, bytes) in [(0, &b"second"[..]), (1, b"first")] {
        let url = contents[at]["content"]["url"]
            .as_str()
            .context("a content has a URL")?;
        let read = owner
            .http
            .get(url)
            .send()
            .await?
            .error_for_status()?
            .bytes()
            .await?;
        assert_eq!(&read[..], bytes);
    }
    assert_eq!(contents[2]["error"]["reason"], "not_a_file");
    let unknown = json!({"items": [{"id": file["id"], "attachment": true}]});
    assert_eq!(
        owner.post("/v1/batch/contents", unknown).await?.reason(),
        "body_invalid"
    );
    Ok(())
}

async fn a_policy_is_set_where_it_holds(target: &Target) -> Result<()> {
    let folder = json!({"parent_id": "root", "name": "kept"});
    let folder = target.owner.post("/v1/folders", folder).await?.ok()?;
    let at = format!("/v1/nodes/{}/retention", id(&folder));
    let default = target.owner.get(&at).await?.ok()?;
    assert_eq!(default, json!({"thin": false, "source": "default"}));
    let set = send(target, Method::PUT, &at, json!({"max_count": 3, "thin": true})).await?;
    let own = json!({"max_count": 3, "thin": true, "source": "own"});
    assert_eq!(set.ok()?, own);
    let tenant = send(target, Method::PUT, "/v1/retention", json!({"max_age_days": 30})).await?;
    let tenant = tenant.ok()?;
    assert_eq!(
        tenant,
        json!({"max_age_days": 30, "thin": false, "source": "tenant"})
    );
    assert_eq!(target.owner.get("/v1/retention").await?.ok()?, tenant);
    assert_eq!(target.owner.get("/v1/nodes/root/retention").await?.ok()?, tenant);
    assert_eq!(target.owner.get(&at).await?.ok()?, own);
    for (body, reason) in [
        (json!({"max_count": 0}), "retention_invalid"),
        (json!({"max_days": 1}), "body_invalid"),
    ] {
        assert_eq!(send(target, Method::PUT, &at, body).await?.reason(), reason);
    }
    for path in [at.as_str(), "/v1/retention", at.as_str()] {
        assert_eq!(target.owner.delete(path).await?.status, 204);
    }
    assert_eq!(target.owner.get(&at).await?.ok()?, default);
    Ok(())
}

async fn usage_follows_what_is_there(target: &Target) -> Result<()> {
    let before = target.owner.get("/v1/usage").await?.ok()?;
    let file = target
        .owner
        .upload("root", "counted.bin", &bytes(1000, 3))
        .await?;
    upload_version(target, id(&file), &bytes(10, 4)).await?;
    let grown = |usage: &Value, field: &str| {
        let number = |usage: &Value| usage[field].as_i64().unwrap_or_default();
        number(usage) - number(&before)
    };
    let after = target.owner.get("/v1/usage").await?.ok()?;
    for (field, by) in [
        ("files", 1),
        ("bytes", 10),
        ("old_versions", 1),
        ("old_version_bytes", 1000),
        ("trash_bytes", 0),
    ] {
        assert_eq!(grown(&after, field), by, "{field}");
    }
    let path = format!("/v1/nodes/{}", id(&file));
    target.owner.delete(&path).await?.ok()?;
    let binned = target.owner.get("/v1/usage").await?.ok()?;
    assert_eq!(
        (grown(&binned, "bytes"), grown(&binned, "trash_bytes")),
        (0, 1010)
    );
    target
        .owner
        .delete(&format!("{path}?permanent=true"))
        .await?
        .ok()?;
    assert_eq!(target.owner.get("/v1/usage").await?.ok()?, before);
    Ok(())
}
