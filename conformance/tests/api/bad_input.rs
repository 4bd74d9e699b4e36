use crate::Target;
use anyhow::Result;
use bitvault_conformance::api::{Caller, sha256};
use reqwest::Method;
use serde_json::{Value, json};

pub(crate) async fn all(target: &Target) -> Result<()> {
    every_refusal_is_a_problem_document(target).await?;
    an_unknown_field_is_named(target).await?;
    sizes_and_hashes_that_can_not_be_are_refused(target).await?;
    what_the_document_rules_out_is_refused_for_the_whole_batch(target).await?;
    another_tenants_ids_look_like_missing_ones(target).await
}

async fn every_refusal_is_a_problem_document(target: &Target) -> Result<()> {
    let send = |method: Method, path: &str, kind: &str, body: &str| {
        let request = target
            .owner
            .request(method, path)
            .header("content-type", kind)
            .body(body.to_owned());
        async move { request.send().await }
    };
    let large = format!(
        "{{\"parent_id\": \"root\", \"name\": \"{}\"}}",
        "x".repeat(3 << 20)
    );
    let cases = [
        (
            send(Method::POST, "/v1/folders", "application/json", "{").await?,
            400,
        ),
        (
            send(Method::POST, "/v1/folders", "application/json", "[]").await?,
            400,
        ),
        (send(Method::POST, "/v1/folders", "text/plain", "{}").await?, 415),
        (
            send(Method::POST, "/v1/folders", "application/json", &large).await?,
            413,
        ),
        (
            send(Method::PUT, "/v1/folders", "application/json", "{}").await?,
            405,
        ),
        (
            send(Method::GET, "/v1/no-such-thing", "application/json", "").await?,
            404,
        ),
    ];
    for (response, status) in cases {
        let url = response.url().clone();
        assert_eq!(response.status(), status, "{url}");
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json",
            "{url}"
        );
        let problem: Value = response.json().await?;
        for field in ["code", "reason", "detail", "title"] {
            assert!(
                problem[field].as_str().is_some_and(|text| !text.is_empty()),
                "{url}: {field} in {problem}"
            );
        }
    }
    Ok(())
}

async fn an_unknown_field_is_named(target: &Target) -> Result<()> {
    let body = json!({"parent_id": "root", "name": "x", "colour": "red"});
    let answer = target.owner.post("/v1/folders", body).await?;
    assert_eq!(answer.status, 400);
    assert!(answer.body.to_string().contains("colour"), "{}", answer.body);
    Ok(())
}

async fn sizes_and_hashes_that_can_not_be_are_refused(target: &Target) -> Result<()> {
    let hash = sha256(b"x");
    let upload = |change: Value| {
        let mut body = json!({"parent_id": "root", "name": "bad", "size": 1, "sha256": hash});
        for (key, value) in change.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        body
    };
    let cases = [
        json!({"size": -1}),
        json!({"size": u64::MAX}),
        json!({"size": "1"}),
        json!({"sha256": "abc"}),
        json!({"sha256": "z".repeat(64)}),
        json!({"sha256": null}),
        json!({"name": "a/b"}),
        json!({"node_id": "nod_00000000000000000000000000000000"}),
    ];
    for change in cases {
        let answer = target.owner.post("/v1/uploads", upload(change.clone())).await?;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["code"]),
            (400, &json!("invalid")),
            "{change}: {}",
            answer.body
        );
    }
    let many: Vec<Value> = (0..501).map(|_| upload(json!({}))).collect();
    assert_eq!(
        target
            .owner
            .post("/v1/batch/uploads", json!({"items": many}))
            .await?
            .status,
        400
    );
    Ok(())
}

async fn what_the_document_rules_out_is_refused_for_the_whole_batch(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let folder = json!({"create_folder": {"parent_id": "root", "name": "never made"}});
    let commit =
        |part: Value, hash: &str| json!({"commit": {"upload_id": "upl_x", "parts": [part], "sha256": hash}});
    let hash = sha256(b"x");
    let cases = [
        (json!({"delete": {"id": 7}}), "items[1].delete.id"),
        (json!({"delete": ["nod_x"]}), "items[1].delete"),
        (
            json!({"delete": {"id": "nod_x", "covers": "0f"}}),
            "items[1].delete.covers",
        ),
        (json!({"move": {"name": "x"}}), "items[1].move.id"),
        (
            json!({"move": {"id": "nod_x", "colour": "red"}}),
            "items[1].move.colour",
        ),
        (
            json!({"move": {"id": "nod_x", "revision": 1.5}}),
            "items[1].move.revision",
        ),
        (
            commit(json!({"number": 0, "etag": "e"}), &hash),
            "items[1].commit.parts[0].number",
        ),
        (
            commit(json!({"number": 2_147_483_648_u32, "etag": "e"}), &hash),
            "items[1].commit.parts[0].number",
        ),
        (
            commit(json!({"number": 1, "etag": "e"}), "0g"),
            "items[1].commit.sha256",
        ),
    ];
    for (item, field) in cases {
        let refused = owner
            .post("/v1/changes", json!({"items": [folder, item]}))
            .await?;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["fields"][0]["field"]),
            (400, &json!(field)),
            "{item}: {}",
            refused.body
        );
    }
    let good = json!({"parent_id": "root", "name": "never begun", "size": 1, "sha256": hash});
    let cases = [
        (json!(["root", "a list", 1]), "items[1]"),
        (
            json!({"parent_id": "root", "name": "x", "size": 1_u64 << 63}),
            "items[1].size",
        ),
        (
            json!({"node_id": "nod_x", "size": 1, "sha256": "0g"}),
            "items[1].sha256",
        ),
    ];
    for (item, field) in cases {
        let refused = owner
            .post("/v1/batch/uploads", json!({"items": [good, item]}))
            .await?;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["fields"][0]["field"]),
            (400, &json!(field)),
            "{item}: {}",
            refused.body
        );
    }
    // Nothing was done of it, and a rule beyond the document is told in the item's result.
    let name = "x".repeat(256);
    let long = json!({"create_folder": {"parent_id": "root", "name": name}});
    let answer = owner
        .post("/v1/changes", json!({"items": [long, folder]}))
        .await?
        .ok()?;
    assert_eq!(answer["items"][0]["error"]["reason"], "name_invalid", "{answer}");
    assert_eq!(answer["items"][1]["node"]["name"], "never made", "{answer}");
    Ok(())
}

async fn another_tenants_ids_look_like_missing_ones(target: &Target) -> Result<()> {
    let email = "other@example.net";
    add_user(target, "other-tenant", email)?;
    let other = Caller::sign_in(target.daemon.url(), email, "another-long-password").await?;
    let file = target.owner.upload("root", "private", b"secret").await?;
    let id = file["id"].as_str().unwrap_or_default();
    let upload = target.owner.start("root", "pending", b"p").await?.ok()?;
    let upload = upload["upload_id"].as_str().unwrap_or_default();
    let missing = other
        .get("/v1/nodes/nod_00000000000000000000000000000000")
        .await?;
    let paths = [
        format!("/v1/nodes/{id}"),
        format!("/v1/nodes/{id}/content"),
        format!("/v1/nodes/{id}/children"),
    ];
    for path in &paths {
        let answer = other.get(path).await?;
        assert_eq!(
            (answer.status, answer.reason()),
            (missing.status, missing.reason()),
            "{path}"
        );
    }
    assert_eq!(other.delete(&format!("/v1/nodes/{id}")).await?.status, 404);
    assert_eq!(other.get(&format!("/v1/uploads/{upload}")).await?.status, 404);
    assert_eq!(other.commit(upload).await?.status, 404);
    assert_eq!(other.delete(&format!("/v1/uploads/{upload}")).await?.status, 404);
    assert_eq!(other.get("/v1/lookup?path=/private").await?.status, 404);
    assert_eq!(
        other.get("/v1/nodes/root/children").await?.ok()?["items"],
        json!([])
    );
    target.owner.get(&format!("/v1/nodes/{id}")).await?.ok()?;
    Ok(())
}

/// As the operator does it, beside the running daemon.
fn add_user(target: &Target, tenant: &str, email: &str) -> Result<()> {
    target.daemon.command_with_input(
        &[
            "admin",
            "create-user",
            "--tenant",
            tenant,
            "--email",
            email,
            "--role",
            "owner",
        ],
        "another-long-password\n",
    )?;
    Ok(())
}
