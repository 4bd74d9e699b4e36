use crate::{Target, bytes};
use anyhow::Result;
use serde_json::{Value, json};

pub(crate) async fn all(target: &Target) -> Result<()> {
    the_root_is_a_folder_and_an_alias(target).await?;
    a_folder_is_made_listed_and_looked_up(target).await?;
    a_name_is_taken_once_per_folder_by_its_folded_form(target).await?;
    names_that_cannot_be_are_refused_with_the_field(target).await?;
    a_listing_pages_through_everything_once(target).await?;
    a_deleted_node_is_gone_and_its_name_free(target).await?;
    a_node_is_renamed_and_moved(target).await?;
    ids_that_name_nothing_are_not_found(target).await
}

fn id(node: &Value) -> &str {
    node["id"].as_str().unwrap_or_default()
}

async fn folder(target: &Target, parent: &str, name: &str) -> Result<Value> {
    target
        .owner
        .post("/v1/folders", json!({"parent_id": parent, "name": name}))
        .await?
        .ok()
}

async fn the_root_is_a_folder_and_an_alias(target: &Target) -> Result<()> {
    let root = target.owner.get("/v1/nodes/root").await?.ok()?;
    assert_eq!((&root["kind"], &root["name"]), (&json!("folder"), &json!("")));
    assert!(root.get("parent_id").is_none());
    assert_eq!(
        target
            .owner
            .get(&format!("/v1/nodes/{}", id(&root)))
            .await?
            .ok()?,
        root
    );
    assert_eq!(target.owner.get("/v1/lookup?path=/").await?.ok()?, root);
    Ok(())
}

async fn a_folder_is_made_listed_and_looked_up(target: &Target) -> Result<()> {
    let reports = folder(target, "root", "Reports 2026 ü/".trim_end_matches('/')).await?;
    let inner = folder(target, id(&reports), "März").await?;
    assert_eq!(inner["parent_id"], reports["id"]);
    let listed = target
        .owner
        .get(&format!("/v1/nodes/{}/children", id(&reports)))
        .await?
        .ok()?;
    assert_eq!(listed["items"], json!([inner]));
    let path = "/v1/lookup?path=/Reports%202026%20%C3%BC/M%C3%A4rz";
    assert_eq!(target.owner.get(path).await?.ok()?, inner);
    Ok(())
}

async fn a_name_is_taken_once_per_folder_by_its_folded_form(target: &Target) -> Result<()> {
    let parent = folder(target, "root", "folding").await?;
    folder(target, id(&parent), "Straße").await?;
    for twin in ["Straße", "straße", "STRASSE", "Strasse"] {
        let answer = target
            .owner
            .post("/v1/folders", json!({"parent_id": id(&parent), "name": twin}))
            .await?;
        assert_eq!(
            (answer.status.as_u16(), answer.reason()),
            (409, "name_taken"),
            "{twin}"
        );
    }
    folder(target, id(&parent), "e\u{301}").await?;
    let composed = target
        .owner
        .post("/v1/folders", json!({"parent_id": id(&parent), "name": "é"}))
        .await?;
    assert_eq!(
        composed.reason(),
        "name_taken",
        "decomposed and composed é are one name"
    );
    Ok(())
}

async fn names_that_cannot_be_are_refused_with_the_field(target: &Target) -> Result<()> {
    let long = "x".repeat(256);
    for name in [
        "",
        ".",
        "..",
        "a/b",
        "nul\0",
        "bell\u{7}",
        "new\nline",
        long.as_str(),
    ] {
        let answer = target
            .owner
            .post("/v1/folders", json!({"parent_id": "root", "name": name}))
            .await?;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["code"]),
            (400, &json!("invalid")),
            "{name:?}"
        );
        assert_eq!(answer.body["fields"][0]["field"], "name", "{name:?}");
    }
    folder(target, "root", &"y".repeat(255)).await?;
    Ok(())
}

async fn a_listing_pages_through_everything_once(target: &Target) -> Result<()> {
    let parent = folder(target, "root", "paged").await?;
    for number in 0..25 {
        folder(target, id(&parent), &format!("n{number:02}")).await?;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = target
            .owner
            .get(&format!("/v1/nodes/{}/children?limit=10{cursor}", id(&parent)))
            .await?
            .ok()?;
        let items = page["items"].as_array().cloned().unwrap_or_default();
        assert!(items.len() <= 10);
        seen.extend(
            items
                .iter()
                .filter_map(|node| Some(node["name"].as_str()?.to_owned())),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let wanted: Vec<String> = (0..25).map(|number| format!("n{number:02}")).collect();
    assert_eq!(seen, wanted);
    for query in ["limit=0", "limit=1001", "cursor=rubbish", "limit=ten"] {
        let answer = target
            .owner
            .get(&format!("/v1/nodes/{}/children?{query}", id(&parent)))
            .await?;
        assert_eq!(answer.status, 400, "{query}");
    }
    Ok(())
}

async fn a_deleted_node_is_gone_and_its_name_free(target: &Target) -> Result<()> {
    let parent = folder(target, "root", "trashing").await?;
    let file = target
        .owner
        .upload(id(&parent), "file.bin", &bytes(100, 1))
        .await?;
    let stale = target
        .owner
        .request(reqwest::Method::DELETE, &format!("/v1/nodes/{}", id(&parent)));
    let answer = stale.header("If-Match", "\"999\"").send().await?;
    assert_eq!(answer.status(), 412);
    let early = target
        .owner
        .delete(&format!("/v1/nodes/{}?permanent=true", id(&parent)))
        .await?;
    assert_eq!((early.status.as_u16(), early.reason()), (409, "not_in_trash"));
    target
        .owner
        .delete(&format!("/v1/nodes/{}", id(&parent)))
        .await?
        .ok()?;
    for gone in [id(&parent), id(&file)] {
        assert_eq!(target.owner.get(&format!("/v1/nodes/{gone}")).await?.status, 404);
        assert_eq!(
            target
                .owner
                .get(&format!("/v1/nodes/{gone}/content"))
                .await?
                .status,
            404
        );
    }
    assert_eq!(
        target
            .owner
            .get("/v1/lookup?path=/trashing/file.bin")
            .await?
            .status,
        404
    );
    folder(target, "root", "trashing").await?;
    target
        .owner
        .delete(&format!("/v1/nodes/{}?permanent=true", id(&parent)))
        .await?
        .ok()?;
    assert_eq!(
        target
            .owner
            .delete(&format!("/v1/nodes/{}?permanent=true", id(&parent)))
            .await?
            .status,
        404
    );
    assert!(
        target
            .owner
            .delete("/v1/nodes/root")
            .await?
            .status
            .is_client_error()
    );
    Ok(())
}

async fn a_node_is_renamed_and_moved(target: &Target) -> Result<()> {
    let (from, to) = (
        folder(target, "root", "from").await?,
        folder(target, "root", "to").await?,
    );
    let content = bytes(100, 1);
    let file = target.owner.upload(id(&from), "file.bin", &content).await?;
    let patch = |node: &Value, body: Value, revision: &str| {
        let path = format!("/v1/nodes/{}", id(node));
        let request = target.owner.request(reqwest::Method::PATCH, &path).json(&body);
        request.header("If-Match", format!("\"{revision}\""))
    };
    let seen = file["revision"].to_string();
    let answer = patch(&file, json!({"name": "other.bin", "parent_id": id(&to)}), &seen)
        .send()
        .await?;
    assert_eq!(answer.status(), 200);
    let etag = answer.headers()["etag"].to_str()?.to_owned();
    let moved: Value = answer.json().await?;
    assert_eq!(etag, format!("\"{}\"", moved["revision"]));
    assert_eq!(
        (&moved["name"], &moved["parent_id"]),
        (&json!("other.bin"), &to["id"])
    );
    assert_eq!(
        target.owner.get("/v1/lookup?path=/to/other.bin").await?.ok()?,
        moved
    );
    assert_eq!(
        target.owner.get("/v1/lookup?path=/from/file.bin").await?.status,
        404
    );
    assert_eq!(target.owner.content(id(&file)).await?, content);

    let stale = patch(&file, json!({"name": "late.bin"}), &seen).send().await?;
    assert_eq!(stale.status(), 412);
    let stale: Value = stale.json().await?;
    assert_eq!(
        (&stale["reason"], &stale["current"]),
        (&json!("revision_conflict"), &moved)
    );
    for (body, reason) in [
        (json!({}), "nothing_to_change"),
        (json!({"parent_id": id(&to)}), "into_itself"),
        (json!({"name": "FROM"}), "name_taken"),
        (json!({"colour": "red"}), "body_invalid"),
    ] {
        let refused: Value = patch(&to, body, &to["revision"].to_string())
            .send()
            .await?
            .json()
            .await?;
        assert_eq!(refused["reason"], reason, "{refused}");
    }
    Ok(())
}

async fn ids_that_name_nothing_are_not_found(target: &Target) -> Result<()> {
    for wrong in [
        "nod_00000000000000000000000000000000",
        "upl_00000000000000000000000000000000",
        "x",
        "%00",
        "..%2f",
    ] {
        let answer = target.owner.get(&format!("/v1/nodes/{wrong}")).await?;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["code"]),
            (404, &json!("not_found")),
            "{wrong}"
        );
    }
    Ok(())
}
