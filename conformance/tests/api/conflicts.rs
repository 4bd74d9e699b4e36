//! Conflicts, and folders that are deleted as they were seen.

use crate::Target;
use anyhow::{Context as _, Result};
use bitvault_conformance::api::{Answer, sha256};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

pub(crate) async fn all(target: &Target) -> Result<()> {
    a_conflict_is_listed_shown_and_settled(target).await?;
    what_is_wrong_about_a_conflict_is_told(target).await?;
    a_folder_is_deleted_only_as_it_is_covered(target).await?;
    many_folders_are_deleted_only_as_they_are_covered(target).await
}

fn text<'a>(value: &'a Value, at: &str) -> Result<&'a str> {
    value.pointer(at).and_then(Value::as_str).context("a text")
}

/// A file and a conflicted copy of it, in a folder of its own; the conflict.
async fn conflict(target: &Target, name: &str) -> Result<Value> {
    let owner = &target.owner;
    let folder = owner
        .post("/v1/folders", json!({"parent_id": "root", "name": name}))
        .await?
        .ok()?;
    let folder = text(&folder, "/id")?;
    let file = owner.upload(folder, "plan.txt", b"theirs").await?;
    let copy = "plan (conflicted copy, laptop, 2026-11-28).txt";
    let copy = owner.upload_copy(folder, copy, b"mine", &file).await?;
    let listed = owner.get("/v1/conflicts?limit=1").await?.ok()?;
    let found = &listed["items"][0];
    assert_eq!(
        found["theirs"]["node"]["id"], file["id"],
        "the newest comes first"
    );
    assert_eq!(found["mine"]["node"]["id"], copy["id"]);
    Ok(found.clone())
}

async fn settle(target: &Target, conflict: &Value, keep: &str, revision: i64) -> Result<Answer> {
    let path = format!("/v1/conflicts/{}/resolve", text(conflict, "/id")?);
    let request = target.owner.request(Method::POST, &path);
    let request = request
        .header("if-match", format!("\"{revision}\""))
        .json(&json!({"keep": keep}));
    let response = request.send().await?;
    let status = response.status();
    let body = response.json().await?;
    Ok(Answer { status, body })
}

async fn a_conflict_is_listed_shown_and_settled(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let one = conflict(target, "settled").await?;
    let me = owner.get("/v1/me").await?.ok()?;
    let account = &me["account"]["id"];
    assert_eq!(
        (
            &one["device"],
            &one["created_by"],
            &one["mine"]["device"],
            &one["mine"]["changed_by"]
        ),
        (&json!("laptop"), account, &json!("laptop"), account)
    );
    assert!(one["theirs"].get("device").is_none(), "{one}");
    assert_eq!(one["base_version"], one["theirs"]["node"]["version_id"]);
    let path = format!("/v1/conflicts/{}", text(&one, "/id")?);
    let response = owner.request(Method::GET, &path).send().await?;
    let revision = one["revision"].as_i64().context("a revision")?;
    assert_eq!(response.headers()["etag"], format!("\"{revision}\"").as_str());
    assert_eq!(response.json::<Value>().await?, one);

    let late = settle(target, &one, "mine", revision - 1).await?;
    assert_eq!(
        (late.status, late.reason(), &late.body["current"]),
        (StatusCode::PRECONDITION_FAILED, "conflict_changed", &one)
    );
    let settled = settle(target, &one, "mine", revision).await?.ok()?;
    assert_eq!(
        (&settled["resolved"]["keep"], &settled["resolved"]["by"]),
        (&json!("mine"), account)
    );
    assert_eq!(settled["theirs"]["node"]["sha256"], sha256(b"mine"));
    assert_eq!(
        settle(target, &one, "mine", revision).await?.ok()?,
        settled,
        "again"
    );
    let other = settle(target, &one, "theirs", revision).await?;
    assert_eq!(
        (other.status, other.reason()),
        (StatusCode::CONFLICT, "conflict_resolved")
    );
    assert_eq!(owner.get(&path).await?.ok()?, settled);
    let open = owner.get("/v1/conflicts").await?.ok()?;
    let open = open["items"].as_array().context("items")?;
    assert!(open.iter().all(|left| left["id"] != one["id"]));
    // The version tells where it comes from.
    let versions = format!("/v1/nodes/{}/versions", text(&one, "/theirs/node/id")?);
    let versions = owner.get(&versions).await?.ok()?;
    assert_eq!(versions["items"][0]["device"], "laptop");
    assert!(versions["items"][1].get("device").is_none());
    Ok(())
}

async fn what_is_wrong_about_a_conflict_is_told(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let one = conflict(target, "wrong").await?;
    let path = format!("/v1/conflicts/{}/resolve", text(&one, "/id")?);
    for body in [
        json!({"keep": "neither"}),
        json!({}),
        json!({"keep": "both", "x": 1}),
    ] {
        let refused = owner.post(&path, body).await?;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
    }
    for id in ["cnf_00000000000000000000000000000000", "nod_1", "x"] {
        let missing = owner.get(&format!("/v1/conflicts/{id}")).await?;
        assert_eq!(
            (missing.status, missing.reason()),
            (StatusCode::NOT_FOUND, "conflict_not_found")
        );
    }
    let nameless = json!({"parent_id": "root", "name": "x", "size": 1, "sha256": sha256(b"x"),
        "conflict_of": {"node_id": one["theirs"]["node"]["id"]}});
    let refused = owner.post("/v1/uploads", nameless).await?;
    assert_eq!(
        (refused.status, refused.reason()),
        (StatusCode::BAD_REQUEST, "target_invalid")
    );
    assert_eq!(refused.body["fields"][0]["field"], "device");
    Ok(())
}

/// What somebody who knows just these nodes covers.
fn covers(nodes: &[&Value]) -> String {
    let line = |node: &&Value| {
        format!(
            "{} {}\n",
            node["id"].as_str().unwrap_or_default(),
            node["revision"]
        )
    };
    let mut lines: Vec<String> = nodes.iter().map(line).collect();
    lines.sort();
    sha256(lines.concat().as_bytes())
}

async fn a_folder_is_deleted_only_as_it_is_covered(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let folder = json!({"parent_id": "root", "name": "covered"});
    let folder = owner.post("/v1/folders", folder).await?.ok()?;
    let known = owner.upload(text(&folder, "/id")?, "known.txt", b"1").await?;
    let seen = covers(&[&folder, &known]);
    let added = owner.upload(text(&folder, "/id")?, "added.txt", b"2").await?;
    let path = format!("/v1/nodes/{}?covers=", text(&folder, "/id")?);
    let refused = owner.delete(&format!("{path}{seen}")).await?;
    assert_eq!(
        (refused.status, refused.reason()),
        (StatusCode::CONFLICT, "tree_changed")
    );
    assert_eq!(owner.content(text(&added, "/id")?).await?, b"2");
    for wrong in ["", "0f", &"0g".repeat(32)] {
        let refused = owner.delete(&format!("{path}{wrong}")).await?;
        assert_eq!(
            (refused.status, refused.reason()),
            (StatusCode::BAD_REQUEST, "covers_invalid")
        );
    }
    owner
        .delete(&format!("{path}{}", covers(&[&folder, &known, &added])))
        .await?
        .ok()?;
    Ok(())
}

/// Whichever call takes a batch of deletions, an item is refused alone, and sees what went with the ones before it.
async fn many_folders_are_deleted_only_as_they_are_covered(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let folder = async |name: String, parent: &str| {
        let body = json!({"parent_id": parent, "name": name});
        owner.post("/v1/folders", body).await?.ok()
    };
    for (path, pushed) in [("/v1/batch/deletes", false), ("/v1/changes", true)] {
        let item = |node: &Value, covers: Option<&str>| {
            let item = json!({"id": node["id"], "covers": covers});
            if pushed { json!({"delete": item}) } else { item }
        };
        let changed = folder(format!("changed {pushed}"), "root").await?;
        let emptied = folder(format!("emptied {pushed}"), "root").await?;
        let inner = folder("inner".to_owned(), text(&emptied, "/id")?).await?;
        let below = owner.upload(text(&inner, "/id")?, "below.txt", b"1").await?;
        let seen = covers(&[&changed]);
        let added = owner.upload(text(&changed, "/id")?, "added.txt", b"2").await?;
        let items = json!({"items": [
            item(&changed, Some(&seen)),
            item(&inner, Some(&covers(&[&inner, &below]))),
            item(&emptied, Some(&covers(&[&emptied, &inner, &below]))),
            item(&emptied, Some(&covers(&[&emptied]))),
        ]});
        let answer = owner.post(path, items).await?.ok()?;
        let told: Vec<&str> = answer["items"]
            .as_array()
            .context("items")?
            .iter()
            .map(|one| one["error"]["reason"].as_str().unwrap_or("done"))
            .collect();
        let refused = "tree_changed";
        assert_eq!(told, [refused, "done", refused, "done"], "{path}: {answer}");
        if pushed {
            assert_eq!(answer["items"][0]["current"]["id"], changed["id"], "{answer}");
        }
        assert_eq!(owner.content(text(&added, "/id")?).await?, b"2");

        let items = json!({"items": [item(&changed, None), item(&changed, Some("0f"))]});
        let refused = owner.post(path, items).await?;
        assert_eq!(
            (refused.status, refused.reason()),
            (StatusCode::BAD_REQUEST, "covers_invalid")
        );
        let field = if pushed {
            "items[1].delete.covers"
        } else {
            "items[1].covers"
        };
        assert_eq!(refused.body["fields"][0]["field"], field);
        assert_eq!(owner.content(text(&added, "/id")?).await?, b"2");
    }
    let for_good = json!({"items": [{"id": "root", "permanent": true, "covers": "0f".repeat(32)}]});
    let answer = owner.post("/v1/batch/deletes", for_good).await?.ok()?;
    assert_eq!(
        answer["items"][0]["error"]["reason"], "covers_invalid",
        "{answer}"
    );
    Ok(())
}
