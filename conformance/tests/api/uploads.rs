use crate::{Target, bytes};
use anyhow::{Context as _, Result};
use bitvault_conformance::api::{presigned, sha256};
use serde_json::{Value, json};

const MIB: usize = 1 << 20;

pub(crate) async fn all(target: &Target) -> Result<()> {
    a_file_is_uploaded_listed_and_read_back(target).await?;
    an_empty_file_is_a_file(target).await?;
    content_is_a_redirect_to_the_store(target).await?;
    committing_twice_answers_the_same_node(target).await?;
    a_commit_before_the_bytes_is_refused_and_can_be_repeated(target).await?;
    the_presigned_request_takes_only_the_promised_bytes(target).await?;
    the_store_refuses_a_second_put(target).await?;
    a_new_version_needs_the_base_that_it_names(target).await?;
    a_name_tells_the_media_type_and_what_a_browser_might_run_is_saved(target).await?;
    a_given_up_upload_can_not_be_committed(target).await?;
    a_large_file_travels_in_parts_and_resumes(target).await?;
    a_multipart_upload_whose_hash_lies_is_refused(target).await?;
    a_batch_has_a_result_per_item(target).await
}

async fn folder(target: &Target, name: &str) -> Result<String> {
    let made = target
        .owner
        .post("/v1/folders", json!({"parent_id": "root", "name": name}))
        .await?
        .ok()?;
    Ok(made["id"].as_str().context("a folder has an id")?.to_owned())
}

fn upload_id(upload: &Value) -> &str {
    upload["upload_id"].as_str().unwrap_or_default()
}

async fn a_file_is_uploaded_listed_and_read_back(target: &Target) -> Result<()> {
    let parent = folder(target, "uploads").await?;
    let content = bytes(70_000, 7);
    let node = target.owner.upload(&parent, "report.pdf", &content).await?;
    assert_eq!(
        (&node["kind"], &node["size"]),
        (&json!("file"), &json!(content.len()))
    );
    assert_eq!(
        (&node["sha256"], &node["content_type"]),
        (&json!(sha256(&content)), &json!("application/pdf"))
    );
    let listed = target
        .owner
        .get(&format!("/v1/nodes/{parent}/children"))
        .await?
        .ok()?;
    assert_eq!(listed["items"], json!([node]));
    assert_eq!(
        target
            .owner
            .content(node["id"].as_str().unwrap_or_default())
            .await?,
        content
    );
    Ok(())
}

async fn an_empty_file_is_a_file(target: &Target) -> Result<()> {
    let parent = folder(target, "empty").await?;
    let node = target.owner.upload(&parent, "nothing", b"").await?;
    assert_eq!(node["size"], 0);
    assert!(
        target
            .owner
            .content(node["id"].as_str().unwrap_or_default())
            .await?
            .is_empty()
    );
    Ok(())
}

async fn content_is_a_redirect_to_the_store(target: &Target) -> Result<()> {
    let parent = folder(target, "redirect").await?;
    let node = target.owner.upload(&parent, "a.txt", b"hello").await?;
    let path = format!("/v1/nodes/{}/content", node["id"].as_str().unwrap_or_default());
    let answer = target.owner.request(reqwest::Method::GET, &path).send().await?;
    assert_eq!(answer.status(), 302);
    let location = answer.headers()["location"].to_str()?.to_owned();
    assert!(
        !location.starts_with(target.daemon.url()),
        "bytes don't pass the control plane: {location}"
    );
    let response = target.owner.http.get(&location).send().await?;
    assert_eq!(response.bytes().await?.as_ref(), b"hello");
    // The URL opens that object only.
    let other = location
        .replacen(".", "%2E", 1)
        .replace("X-Amz-Expires=", "X-Amz-Expires=9");
    assert_eq!(target.owner.http.get(other).send().await?.status(), 403);
    Ok(())
}

async fn committing_twice_answers_the_same_node(target: &Target) -> Result<()> {
    let parent = folder(target, "twice").await?;
    let upload = target.owner.start(&parent, "a", b"abc").await?.ok()?;
    target.owner.send_part(&upload["parts"][0], b"abc").await?;
    let first = target.owner.commit(upload_id(&upload)).await?.ok()?;
    assert_eq!(target.owner.commit(upload_id(&upload)).await?.ok()?, first);
    let state = target
        .owner
        .get(&format!("/v1/uploads/{}", upload_id(&upload)))
        .await?
        .ok()?;
    assert_eq!(state["state"], "committed");
    Ok(())
}

async fn a_commit_before_the_bytes_is_refused_and_can_be_repeated(target: &Target) -> Result<()> {
    let parent = folder(target, "early").await?;
    let upload = target.owner.start(&parent, "a", b"abc").await?.ok()?;
    let early = target.owner.commit(upload_id(&upload)).await?;
    assert_eq!(
        (early.status.as_u16(), early.reason()),
        (409, "upload_incomplete")
    );
    assert_eq!(
        target
            .owner
            .get(&format!("/v1/nodes/{parent}/children"))
            .await?
            .ok()?["items"],
        json!([])
    );
    target.owner.send_part(&upload["parts"][0], b"abc").await?;
    target.owner.commit(upload_id(&upload)).await?.ok()?;
    Ok(())
}

async fn the_presigned_request_takes_only_the_promised_bytes(target: &Target) -> Result<()> {
    let parent = folder(target, "promised").await?;
    let upload = target.owner.start(&parent, "a", b"abc").await?.ok()?;
    let part = &upload["parts"][0];
    for lie in [b"abcd".as_slice(), b"ab", b"abd", b""] {
        let status = presigned(&target.owner.http, part, lie.to_vec()).await?.status();
        assert!(status.is_client_error(), "{lie:?}: {status}");
    }
    let early = target.owner.commit(upload_id(&upload)).await?;
    assert_eq!(
        early.reason(),
        "upload_incomplete",
        "nothing of the lies was kept"
    );
    assert!(
        target.owner.send_part(part, b"abc").await?.0.is_success(),
        "the honest retry is taken"
    );
    target.owner.commit(upload_id(&upload)).await?.ok()?;
    Ok(())
}

async fn the_store_refuses_a_second_put(target: &Target) -> Result<()> {
    let parent = folder(target, "replay").await?;
    let upload = target.owner.start(&parent, "a", b"abc").await?.ok()?;
    let part = &upload["parts"][0];
    assert!(target.owner.send_part(part, b"abc").await?.0.is_success());
    assert_eq!(target.owner.send_part(part, b"abc").await?.0, 412);
    target.owner.commit(upload_id(&upload)).await?.ok()?;
    assert_eq!(
        target.owner.send_part(part, b"abc").await?.0,
        412,
        "after the commit as well"
    );
    let mut other = part.clone();
    other["url"] = json!(part["url"].as_str().unwrap_or_default().replacen(
        "X-Amz-Credential",
        "x&X-Amz-Credential",
        1
    ));
    assert_eq!(
        presigned(&target.owner.http, &other, b"abc".to_vec())
            .await?
            .status(),
        403
    );
    Ok(())
}

async fn a_new_version_needs_the_base_that_it_names(target: &Target) -> Result<()> {
    let parent = folder(target, "versions").await?;
    let first = target.owner.upload(&parent, "a", b"one").await?;
    let taken = target.owner.start(&parent, "A", b"two").await?;
    assert_eq!((taken.status.as_u16(), taken.reason()), (409, "name_taken"));
    let next = |base: &Value, content: &'static [u8]| json!({"node_id": first["id"], "base_version": base, "size": content.len(), "sha256": sha256(content)});
    let two = target
        .owner
        .post("/v1/uploads", next(&first["version_id"], b"two"))
        .await?
        .ok()?;
    let late = target
        .owner
        .post("/v1/uploads", next(&first["version_id"], b"three"))
        .await?
        .ok()?;
    target.owner.send_part(&two["parts"][0], b"two").await?;
    target.owner.send_part(&late["parts"][0], b"three").await?;
    let second = target.owner.commit(upload_id(&two)).await?.ok()?;
    assert_eq!(second["id"], first["id"]);
    assert!(second["revision"].as_i64() > first["revision"].as_i64());
    let refused = target.owner.commit(upload_id(&late)).await?;
    assert_eq!(
        (refused.status.as_u16(), refused.reason()),
        (412, "version_conflict")
    );
    let id = first["id"].as_str().unwrap_or_default();
    assert_eq!(target.owner.content(id).await?, b"two");
    let old = format!(
        "/v1/nodes/{id}/content?redirect=false&version_id={}",
        first["version_id"].as_str().unwrap_or_default()
    );
    assert_eq!(target.owner.get(&old).await?.ok()?["sha256"], sha256(b"one"));
    Ok(())
}

async fn a_name_tells_the_media_type_and_what_a_browser_might_run_is_saved(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let parent = folder(target, "media types").await?;
    for (name, told, saved) in [
        ("page.html", "text/html", true),
        ("drawing.SVG", "image/svg+xml", true),
        ("notes", "application/octet-stream", true),
        ("notes.txt", "text/plain", false),
    ] {
        let first = owner.upload(&parent, name, b"one").await?;
        assert_eq!(first["content_type"], told, "{name}");
        let version = json!({"node_id": first["id"], "size": 3, "sha256": sha256(b"two")});
        let upload = owner.post("/v1/uploads", version).await?.ok()?;
        owner.send_part(&upload["parts"][0], b"two").await?;
        let id = upload["upload_id"].as_str().unwrap_or_default();
        let second = owner.commit(id).await?.ok()?;
        assert_eq!(second["content_type"], told, "a new version of {name}");

        let id = second["id"].as_str().unwrap_or_default();
        let path = format!("/v1/nodes/{id}/content?redirect=false");
        let content = owner.get(&path).await?.ok()?;
        let url = content["url"].as_str().unwrap_or_default();
        let response = reqwest::get(url).await?;
        assert!(response.status().is_success(), "{}", response.status());
        assert_eq!(response.headers()["content-type"], told, "{name}");
        let disposition = response.headers().get("content-disposition");
        let disposition = disposition
            .and_then(|value| value.to_str().ok())
            .unwrap_or("shown");
        assert_eq!(
            disposition.starts_with("attachment;"),
            saved,
            "{name}: {disposition}"
        );
    }
    Ok(())
}

async fn a_given_up_upload_can_not_be_committed(target: &Target) -> Result<()> {
    let parent = folder(target, "given-up").await?;
    let upload = target.owner.start(&parent, "a", b"abc").await?.ok()?;
    target.owner.send_part(&upload["parts"][0], b"abc").await?;
    target
        .owner
        .delete(&format!("/v1/uploads/{}", upload_id(&upload)))
        .await?
        .ok()?;
    let answer = target
        .owner
        .get(&format!("/v1/uploads/{}", upload_id(&upload)))
        .await?;
    assert!(
        answer.status == 404 || answer.body["state"] != "staging",
        "{:?}",
        answer.body
    );
    Ok(())
}

/// Starts a multipart upload without its hash, as a client does that reads a large file once.
async fn start_large(target: &Target, parent: &str, name: &str, size: usize) -> Result<Value> {
    let upload = target
        .owner
        .post(
            "/v1/uploads",
            json!({"parent_id": parent, "name": name, "size": size}),
        )
        .await?
        .ok()?;
    assert_eq!(upload["multipart"], true);
    Ok(upload)
}

async fn a_large_file_travels_in_parts_and_resumes(target: &Target) -> Result<()> {
    let parent = folder(target, "large").await?;
    let content = bytes(70 * MIB + 12_345, 3);
    let upload = start_large(target, &parent, "large.bin", content.len()).await?;
    let parts = upload["parts"].as_array().cloned().unwrap_or_default();
    assert_eq!(Some(parts.len() as u64), upload["part_count"].as_u64());
    // Two parts are sent, then the client is killed and asks where it was.
    for part in &parts[..2] {
        assert!(target.owner.send_part(part, &content).await?.0.is_success());
    }
    let path = format!("/v1/uploads/{}", upload_id(&upload));
    let state = target.owner.get(&path).await?.ok()?;
    let mut tags: Vec<Value> = state["uploaded"].as_array().cloned().unwrap_or_default();
    assert_eq!(
        tags.iter().map(|part| part["number"].clone()).collect::<Vec<_>>(),
        [json!(1), json!(2)]
    );
    let part_size = usize::try_from(upload["part_size"].as_u64().unwrap_or_default())?;
    let wanted: Vec<Value> = (2..parts.len())
        .map(|at| {
            let end = content.len().min((at + 1) * part_size);
            json!({"number": at + 1, "sha256": sha256(&content[at * part_size..end])})
        })
        .collect();
    let more = target
        .owner
        .post(&format!("{path}/parts"), json!({"parts": wanted}))
        .await?
        .ok()?;
    for part in more["parts"].as_array().into_iter().flatten() {
        let (status, etag) = target.owner.send_part(part, &content).await?;
        assert!(status.is_success(), "{status}");
        tags.push(json!({"number": part["number"], "etag": etag}));
    }
    let tags: Vec<Value> = tags
        .iter()
        .map(|tag| json!({"number": tag["number"], "etag": tag["etag"]}))
        .collect();
    let commit = json!({"parts": tags, "sha256": sha256(&content)});
    let node = target
        .owner
        .post(&format!("{path}/commit"), commit.clone())
        .await?
        .ok()?;
    assert_eq!(node["sha256"], sha256(&content));
    assert_eq!(
        target.owner.post(&format!("{path}/commit"), commit).await?.ok()?,
        node,
        "a lost answer can be asked again"
    );
    assert!(
        target
            .owner
            .content(node["id"].as_str().unwrap_or_default())
            .await?
            == content
    );
    Ok(())
}

async fn a_multipart_upload_whose_hash_lies_is_refused(target: &Target) -> Result<()> {
    let parent = folder(target, "lying").await?;
    let content = bytes(65 * MIB, 9);
    let upload = start_large(target, &parent, "lying.bin", content.len()).await?;
    let mut tags = Vec::new();
    for part in upload["parts"].as_array().into_iter().flatten() {
        let (_, etag) = target.owner.send_part(part, &content).await?;
        tags.push(json!({"number": part["number"], "etag": etag}));
    }
    let commit = json!({"parts": tags, "sha256": sha256(b"something else")});
    let path = format!("/v1/uploads/{}/commit", upload_id(&upload));
    let answer = target.owner.post(&path, commit).await?;
    assert_eq!(
        (answer.status.as_u16(), answer.reason()),
        (400, "checksum_mismatch")
    );
    assert_eq!(
        target
            .owner
            .get(&format!("/v1/nodes/{parent}/children"))
            .await?
            .ok()?["items"],
        json!([])
    );
    Ok(())
}

async fn a_batch_has_a_result_per_item(target: &Target) -> Result<()> {
    let parent = folder(target, "batch").await?;
    target.owner.upload(&parent, "taken", b"x").await?;
    let item = |name: &str, content: &[u8]| json!({"parent_id": parent, "name": name, "size": content.len(), "sha256": sha256(content)});
    let body =
        json!({"items": [item("a", b"aa"), item("taken", b"bb"), item("c/d", b"cc"), item("e", b"ee")]});
    let started = target.owner.post("/v1/batch/uploads", body).await?.ok()?;
    let results = started["items"].as_array().cloned().unwrap_or_default();
    assert_eq!(results.len(), 4);
    assert_eq!(results[1]["error"]["reason"], "name_taken");
    assert_eq!(results[2]["error"]["code"], "invalid");
    let (a, e) = (&results[0]["upload"], &results[3]["upload"]);
    assert!(
        target
            .owner
            .send_part(&a["parts"][0], b"aa")
            .await?
            .0
            .is_success()
    );
    let ids = json!({"items": [{"upload_id": upload_id(a)}, {"upload_id": upload_id(e)}]});
    let committed = target.owner.post("/v1/batch/commits", ids).await?.ok()?;
    assert_eq!(committed["items"][0]["node"]["name"], "a");
    assert_eq!(
        committed["items"][1]["error"]["reason"], "upload_incomplete",
        "e has no bytes yet"
    );
    Ok(())
}
