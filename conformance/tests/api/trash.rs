use crate::Target;
use anyhow::Result;
use serde_json::{Value, json};

pub(crate) async fn all(target: &Target) -> Result<()> {
    what_is_deleted_is_listed_and_comes_back(target).await?;
    a_restore_repeats_and_is_refused_with_its_reason(target).await?;
    batches_answer_a_result_per_item(target).await?;
    the_trash_is_emptied(target).await
}

fn id(node: &Value) -> &str {
    node["id"].as_str().unwrap_or_default()
}

async fn folder(target: &Target, parent: &str, name: &str) -> Result<Value> {
    let body = json!({"parent_id": parent, "name": name});
    target.owner.post("/v1/folders", body).await?.ok()
}

async fn delete(target: &Target, node: &Value) -> Result<()> {
    target
        .owner
        .delete(&format!("/v1/nodes/{}", id(node)))
        .await?
        .ok()?;
    Ok(())
}

async fn what_is_deleted_is_listed_and_comes_back(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let bin = folder(target, "root", "binned").await?;
    let inner = folder(target, id(&bin), "inner").await?;
    let file = owner.upload(id(&inner), "a.txt", b"a").await?;
    for node in [&file, &inner] {
        delete(target, node).await?;
    }
    let listed = owner.get(&format!("/v1/trash?in={}", id(&bin))).await?.ok()?;
    let items = listed["items"].as_array().cloned().unwrap_or_default();
    assert_eq!(items.len(), 2, "{listed}");
    assert_eq!(
        (&items[0]["node"]["id"], &items[1]["node"]["id"]),
        (&inner["id"], &file["id"]),
        "the latest first"
    );
    assert_eq!(
        (&items[1]["origin_path"], &items[1]["origin_id"]),
        (&json!("/binned/inner"), &inner["id"])
    );
    let me = owner.get("/v1/me").await?.ok()?;
    assert_eq!(items[0]["trashed_by"], me["account"]["id"]);
    assert!(items[0]["trashed_at"].is_string() && items[0]["purge_at"].is_string());
    let (mut seen, mut cursor) = (0, String::new());
    loop {
        let page = owner.get(&format!("/v1/trash?limit=1{cursor}")).await?.ok()?;
        seen += page["items"].as_array().map_or(0, Vec::len);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert!(seen >= 2);
    // Its folder is in the trash as well: it goes to the top.
    let root = owner.get("/v1/nodes/root").await?.ok()?;
    let restored = owner
        .post(&format!("/v1/nodes/{}/restore", id(&file)), json!({}))
        .await?
        .ok()?;
    assert_eq!(restored["parent_id"], root["id"]);
    assert_eq!(owner.content(id(&file)).await?, b"a");
    let back = owner
        .post(&format!("/v1/nodes/{}/restore", id(&inner)), json!(null))
        .await?
        .ok()?;
    assert_eq!((&back["parent_id"], &back["name"]), (&bin["id"], &json!("inner")));
    for query in ["limit=0", "limit=1001", "cursor=rubbish", "x=1"] {
        assert_eq!(
            owner.get(&format!("/v1/trash?{query}")).await?.status,
            400,
            "{query}"
        );
    }
    assert_eq!(owner.get("/v1/trash?in=nod_0").await?.reason(), "node_not_found");
    Ok(())
}

async fn a_restore_repeats_and_is_refused_with_its_reason(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let node = folder(target, "root", "again").await?;
    let path = format!("/v1/nodes/{}/restore", id(&node));
    delete(target, &node).await?;
    folder(target, "root", "AGAIN").await?;
    let taken = owner
        .post(&path, json!({"parent_id": "root", "name": "again"}))
        .await?;
    assert_eq!((taken.status.as_u16(), taken.reason()), (409, "name_taken"));
    let stale = owner
        .request(reqwest::Method::POST, &path)
        .header("If-Match", "\"99\"");
    assert_eq!(stale.send().await?.status(), 412);
    for (body, reason) in [
        (json!({"parent_id": id(&node)}), "parent_not_found"),
        (json!({"name": "a/b"}), "name_invalid"),
        (json!({"colour": "red"}), "body_invalid"),
    ] {
        assert_eq!(owner.post(&path, body).await?.reason(), reason);
    }
    let keyed = || {
        owner
            .request(reqwest::Method::POST, &path)
            .header("Idempotency-Key", "restored-once")
    };
    let first: Value = keyed().send().await?.json().await?;
    assert_eq!(first["name"], "again (restored)");
    delete(target, &node).await?;
    let repeat: Value = keyed().send().await?.json().await?;
    assert_eq!(repeat, first);
    owner.post(&path, json!({"name": "third"})).await?.ok()?;
    assert_eq!(
        owner.post(&path, json!({"name": "fourth"})).await?.reason(),
        "not_in_trash"
    );
    Ok(())
}

async fn batches_answer_a_result_per_item(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let (a, b) = (
        folder(target, "root", "swap a").await?,
        folder(target, "root", "swap b").await?,
    );
    let items = json!({"items": [
        {"id": id(&a), "name": "swap aside"},
        {"id": id(&b), "name": "swap a"},
        {"id": id(&a), "name": "swap b"},
        {"id": id(&b), "parent_id": id(&b)},
        {"id": "nod_x", "name": "x"},
    ]});
    let moved = owner.post("/v1/batch/moves", items).await?.ok()?;
    let told = |at: usize| &moved["items"][at];
    assert_eq!(told(0)["node"]["name"], "swap aside");
    assert_eq!(
        (&told(1)["node"]["name"], &told(2)["node"]["name"]),
        (&json!("swap a"), &json!("swap b"))
    );
    assert_eq!(
        (&told(3)["error"]["reason"], &told(4)["error"]["reason"]),
        (&json!("into_itself"), &json!("node_not_found"))
    );
    let items =
        json!({"items": [{"id": id(&a)}, {"id": id(&a), "permanent": true}, {"id": id(&b), "revision": 1}]});
    let gone = owner.post("/v1/batch/deletes", items).await?.ok()?;
    assert_eq!(
        (&gone["items"][0]["deleted"], &gone["items"][1]["deleted"]),
        (&a["id"], &a["id"])
    );
    assert_eq!(gone["items"][2]["error"]["status"], 412);
    for path in ["/v1/batch/moves", "/v1/batch/deletes", "/v1/batch/contents"] {
        let none = owner.post(path, json!({"items": []})).await?;
        assert_eq!(
            (none.status.as_u16(), none.reason()),
            (400, "batch_size_invalid"),
            "{path}"
        );
        let many: Vec<Value> = (0..501).map(|_| json!({"id": id(&b)})).collect();
        assert_eq!(
            owner.post(path, json!({"items": many})).await?.status,
            400,
            "{path}"
        );
    }
    Ok(())
}

async fn the_trash_is_emptied(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let node = folder(target, "root", "emptied").await?;
    folder(target, id(&node), "below").await?;
    delete(target, &node).await?;
    let emptied = owner.delete("/v1/trash").await?.ok()?;
    assert!(emptied["removed"].as_u64() >= Some(2), "{emptied}");
    assert_eq!(emptied["more"], false);
    assert_eq!(owner.get("/v1/trash").await?.ok()?["items"], json!([]));
    let gone = owner
        .post(&format!("/v1/nodes/{}/restore", id(&node)), json!({}))
        .await?;
    assert_eq!(gone.reason(), "node_not_found");
    Ok(())
}
