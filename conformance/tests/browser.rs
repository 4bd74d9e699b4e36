//! The web app in a real browser against a real daemon: `browser/files.mjs` does what a person does and says what it
//! found; here the daemon is asked whether it agrees. `browser/links.mjs` does the same for the pages of public links, and
//! `browser/invite.mjs` for that of an invitation.

use anyhow::{Context as _, Result};
use bitvault_conformance::api::{Caller, sha256};
use bitvault_conformance::browser::{keep_pictures, run};
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// A file that travels in several parts, in bytes. Not a round number: the last part is short.
const LARGE_BYTES: usize = 210_000_123;

/// Writes bytes that no compression shortens and no hole stands for; answers their hash.
fn write_large(path: &Path) -> Result<String> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(LARGE_BYTES + 8);
    while bytes.len() < LARGE_BYTES {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(LARGE_BYTES);
    File::create(path)?.write_all(&bytes)?;
    Ok(sha256(&bytes))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_works_with_the_web_app_and_gets_every_byte_back() {
    let scratch = tempfile::tempdir().unwrap();
    let hash = write_large(&scratch.path().join("large.bin")).unwrap();
    let mut daemon = Daemon::lite().unwrap();
    daemon.start().await.unwrap();
    let outcome = tokio::task::block_in_place(|| run("files.mjs", &daemon, scratch.path(), ""));
    outcome.unwrap();

    let owner = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await.unwrap();
    let folder = owner
        .get("/v1/lookup?path=/Reports%202026")
        .await
        .unwrap()
        .ok()
        .unwrap();
    let children = format!("/v1/nodes/{}/children", folder["id"].as_str().unwrap());
    let children = owner.get(&children).await.unwrap().ok().unwrap();
    let children = children["items"].as_array().unwrap();
    let mut names: Vec<&str> = children
        .iter()
        .map(|node| node["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "Zürich 東京.csv",
            "dropped.txt",
            "large.bin",
            "notes (2).txt",
            "notes.txt",
            "photo.jpg"
        ]
    );
    let of = |name: &str| children.iter().find(|node| node["name"] == name).unwrap();
    assert_eq!(
        of("large.bin")["sha256"],
        hash,
        "the daemon verified what the browser read"
    );
    assert_eq!(of("large.bin")["size"], LARGE_BYTES);
    let notes = of("notes.txt");
    assert_eq!(
        owner.content(notes["id"].as_str().unwrap()).await.unwrap(),
        b"second\n"
    );
}

async fn folder(owner: &Caller, parent: &str, name: &str) -> Result<String> {
    let body = json!({"parent_id": parent, "name": name});
    let made = owner.post("/v1/folders", body).await?.ok()?;
    Ok(made["id"].as_str().context("no id")?.to_owned())
}

async fn link(owner: &Caller, body: Value) -> Result<Value> {
    let made = owner.post("/v1/links", body).await?.ok()?;
    Ok(made["url"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_without_an_account_uses_public_links() {
    let password = "a long walk in the rain";
    let scratch = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::lite().unwrap();
    daemon.start().await.unwrap();
    let owner = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await.unwrap();
    let trip = folder(&owner, "root", "Trip").await.unwrap();
    let photos = folder(&owner, &trip, "Photos <2026>").await.unwrap();
    folder(&owner, &trip, "Maps").await.unwrap();
    owner
        .upload(&photos, "Zürich 東京.txt", b"hello from a link\n")
        .await
        .unwrap();
    owner
        .upload(&trip, "Programme, final version.pdf", &[7; 230_000])
        .await
        .unwrap();
    let inbox = folder(&owner, "root", "Inbox").await.unwrap();
    owner.upload(&inbox, "report.txt", b"mine").await.unwrap();
    let shared = json!({"node_id": trip, "kind": "download", "label": "Field trip", "password": password});
    let drop_box = json!({"node_id": inbox, "kind": "drop", "label": "Homework"});
    let links = json!({
        "locked": link(&owner, shared).await.unwrap(),
        "drop": link(&owner, drop_box).await.unwrap(),
        "password": password,
    });
    let outcome =
        tokio::task::block_in_place(|| run("links.mjs", &daemon, scratch.path(), &links.to_string()));
    keep_pictures(
        scratch.path(),
        &["locked.png", "wrong.png", "folder.png", "narrow.png", "drop.png"],
    );
    outcome.unwrap();

    let children = owner
        .get(&format!("/v1/nodes/{inbox}/children"))
        .await
        .unwrap()
        .ok()
        .unwrap();
    let children = children["items"].as_array().unwrap();
    let names: Vec<&str> = children
        .iter()
        .map(|node| node["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["empty.txt", "large.bin", "report (2).txt", "report.txt"]);
    let hash = std::fs::read_to_string(scratch.path().join("large.sha256")).unwrap();
    assert_eq!(children[1]["sha256"], hash, "the page read what it sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_is_invited_joins_and_finds_what_is_shared() {
    let scratch = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::lite().unwrap();
    daemon.start().await.unwrap();
    let owner = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await.unwrap();
    let plans = folder(&owner, "root", "Plans for 2027").await.unwrap();
    folder(&owner, &plans, "Drafts").await.unwrap();
    let notes = folder(&owner, "root", "Notes").await.unwrap();
    let grants = json!([{"node_id": notes, "role": "viewer"}, {"node_id": plans, "role": "editor"}]);
    let invite = json!({"email": "new@example.org", "grants": grants});
    let made = owner.post("/v1/invitations", invite).await.unwrap().ok().unwrap();
    let links = json!({"invitation": made["url"]}).to_string();
    let outcome = tokio::task::block_in_place(|| run("invite.mjs", &daemon, scratch.path(), &links));
    keep_pictures(
        scratch.path(),
        &["invite.png", "invite-narrow.png", "joined.png", "used.png"],
    );
    outcome.unwrap();

    let listed = owner.get(&format!("/v1/nodes/{plans}/children")).await.unwrap();
    let children = listed.ok().unwrap();
    let mut names: Vec<&str> = children["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["Drafts", "Mine"]);
    let members = owner.get("/v1/members").await.unwrap().ok().unwrap();
    let new = members["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["email"] == "new@example.org")
        .unwrap();
    assert_eq!(
        (&new["role"], &new["display_name"]),
        (&json!("guest"), &json!("Grace"))
    );
}
