//! Tags, fields, favourites, recent files, and folders in other orders.

use crate::Target;
use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};

pub(crate) async fn all(target: &Target) -> Result<()> {
    tags_and_fields_are_kept_on_a_node(target).await?;
    favourites_and_recent_files_are_listed(target).await?;
    a_folder_is_listed_in_the_order_that_is_asked_for(target).await?;
    bad_input_is_refused_with_its_reason(target).await
}

fn id(node: &Value) -> &str {
    node["id"].as_str().unwrap_or_default()
}

async fn tags_and_fields_are_kept_on_a_node(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let file = owner.upload("root", "tagged.txt", b"tagged").await?;
    let path = format!("/v1/nodes/{}/metadata", id(&file));
    let change = json!({"add_tags": ["Draft", "2026"], "set_fields": {"Client": "Ada & Co"}});
    let changed = owner.send(Method::PATCH, &path, Some(change)).await?.ok()?;
    assert_eq!(
        changed,
        json!({"node_id": id(&file), "revision": 2, "tags": ["2026", "draft"], "fields": {"client": "Ada & Co"}})
    );
    assert_eq!(owner.get(&path).await?.ok()?, changed);
    let change = json!({"remove_tags": ["DRAFT"], "remove_fields": ["client"]});
    let changed = owner.send(Method::PATCH, &path, Some(change)).await?.ok()?;
    assert_eq!(
        (&changed["tags"], &changed["fields"]),
        (&json!(["2026"]), &json!({}))
    );
    Ok(())
}

async fn favourites_and_recent_files_are_listed(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let file = owner.upload("root", "starred.txt", b"starred").await?;
    let path = format!("/v1/favourites/{}", id(&file));
    for _ in 0..2 {
        assert_eq!(owner.send(Method::PUT, &path, None).await?.status, 204);
    }
    let listed = owner.get("/v1/favourites").await?.ok()?;
    assert_eq!(
        listed["items"][0]["node"],
        owner.get(&format!("/v1/nodes/{}", id(&file))).await?.ok()?
    );
    assert!(listed["items"][0]["added_at"].is_string());
    for _ in 0..2 {
        assert_eq!(owner.delete(&path).await?.status, 204);
    }
    assert_eq!(owner.get("/v1/favourites").await?.ok()?["items"], json!([]));
    let recent = owner.get("/v1/recent?limit=1").await?.ok()?;
    assert_eq!(recent["items"][0]["name"], "starred.txt");
    let next = recent["next_cursor"].as_str().unwrap_or_default();
    let page = owner
        .get(&format!("/v1/recent?limit=1&cursor={next}"))
        .await?
        .ok()?;
    assert_eq!(page["items"][0]["name"], "tagged.txt");
    Ok(())
}

async fn a_folder_is_listed_in_the_order_that_is_asked_for(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let folder = owner
        .post("/v1/folders", json!({"parent_id": "root", "name": "in order"}))
        .await?
        .ok()?;
    for name in ["b", "c", "a"] {
        owner
            .post("/v1/folders", json!({"parent_id": id(&folder), "name": name}))
            .await?
            .ok()?;
    }
    for (query, names) in [
        ("", ["a", "b", "c"]),
        ("?sort=name&order=desc", ["c", "b", "a"]),
        ("?sort=created_at", ["b", "c", "a"]),
        ("?sort=updated_at&order=desc", ["a", "c", "b"]),
        // All empty: as they were made.
        ("?sort=size", ["b", "c", "a"]),
    ] {
        let listed = owner
            .get(&format!("/v1/nodes/{}/children{query}", id(&folder)))
            .await?
            .ok()?;
        let items = listed["items"].as_array().cloned().unwrap_or_default();
        let told: Vec<&Value> = items.iter().map(|item| &item["name"]).collect();
        assert_eq!(told, names, "{query}");
    }
    Ok(())
}

async fn bad_input_is_refused_with_its_reason(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let path = "/v1/nodes/root/metadata";
    let many: Vec<String> = (0..51).map(|number| format!("t{number}")).collect();
    for (body, status, reason) in [
        (json!({}), 400, "nothing_to_change"),
        (json!({"add_tags": ["x".repeat(65)]}), 400, "tag_invalid"),
        (
            json!({"add_tags": ["a"], "remove_tags": ["A"]}),
            400,
            "tag_invalid",
        ),
        (
            json!({"set_fields": {"a": "x".repeat(1025)}}),
            400,
            "field_invalid",
        ),
        (json!({"set_fields": {"a": 1}}), 400, "body_invalid"),
        (json!({"tags": []}), 400, "body_invalid"),
        (json!({"add_tags": many}), 429, "too_many_tags"),
    ] {
        let refused = owner.send(Method::PATCH, path, Some(body.clone())).await?;
        assert_eq!(
            (refused.status.as_u16(), refused.reason()),
            (status, reason),
            "{body}"
        );
    }
    for query in ["sort=colour", "order=up"] {
        let refused = owner.get(&format!("/v1/nodes/root/children?{query}")).await?;
        assert_eq!(
            (refused.status.as_u16(), refused.reason()),
            (400, "query_invalid"),
            "{query}"
        );
    }
    Ok(())
}
