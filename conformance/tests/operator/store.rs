//! The store goes away and comes back.

use crate::{on_minio, readiness, runtime, until};
use anyhow::Result;
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use bitvault_conformance::stores::{Kind, SECRET_KEY, Store};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_down_at_start_is_waited_for() {
    let mut store = Store::stopped(Kind::Minio).unwrap();
    let mut daemon = Daemon::with_config(&on_minio(&store.endpoint(), SECRET_KEY)).unwrap();
    daemon.spawn().unwrap();
    let url = runtime(&daemon.data_dir()).await.unwrap()["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let failing = until("/readyz answers 503", async || {
        let (status, body) = readiness(&url).await?;
        assert_ne!(status, 200, "{body}");
        Ok((status == 503 && body["failing"][0]["detail"] != "the store is being tried").then_some(body))
    })
    .await
    .unwrap();
    assert_eq!(failing["failing"][0]["name"], "storage", "{failing}");
    assert_eq!(failing["failing"].as_array().unwrap().len(), 1, "{failing}");
    let owner = Caller::sign_in(&url, EMAIL, PASSWORD).await.unwrap();
    let refused = owner.start("root", "file", b"bytes").await.unwrap();
    assert_eq!(
        (refused.status.as_u16(), refused.reason()),
        (503, "storage_unavailable"),
        "{}",
        refused.body
    );
    // What needs no store works.
    let folder = json!({"parent_id": "root", "name": "folder"});
    owner.post("/v1/folders", folder).await.unwrap().ok().unwrap();

    store.run().unwrap();
    daemon.wait_ready().await.unwrap();
    let node = owner.upload("root", "file", b"bytes").await.unwrap();
    assert_eq!(
        owner.content(node["id"].as_str().unwrap()).await.unwrap(),
        b"bytes"
    );
}

async fn refused_meanwhile(owner: &Caller, path: &str) -> Result<()> {
    let refused = owner.post(path, json!({})).await?;
    assert_eq!(refused.status.as_u16(), 503, "{}", refused.body);
    assert!(
        ["storage_unavailable", "store_unavailable"].contains(&refused.reason()),
        "{}",
        refused.body
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_killed_mid_upload_loses_nothing() {
    let mut store = Store::start(Kind::Minio).unwrap();
    let mut daemon = Daemon::with_config(&on_minio(&store.endpoint(), SECRET_KEY)).unwrap();
    daemon.start().await.unwrap();
    let owner = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await.unwrap();
    let content = b"sent before the store died";
    let sent = owner.start("root", "sent", content).await.unwrap().ok().unwrap();
    let (status, _) = owner.send_part(&sent["parts"][0], content).await.unwrap();
    assert!(status.is_success());
    let unsent = owner
        .start("root", "unsent", content)
        .await
        .unwrap()
        .ok()
        .unwrap();
    store.kill();
    let commit = format!("/v1/uploads/{}/commit", sent["upload_id"].as_str().unwrap());
    refused_meanwhile(&owner, &commit).await.unwrap();
    assert!(owner.send_part(&unsent["parts"][0], content).await.is_err());
    let listed = owner.get("/v1/nodes/root/children").await.unwrap().ok().unwrap();
    assert_eq!(listed["items"], json!([]), "no half state is visible");

    store.run().unwrap();
    let node = until("the commit", async || {
        let answer = owner.post(&commit, json!({})).await?;
        Ok(answer.status.is_success().then_some(answer.body))
    })
    .await
    .unwrap();
    assert_eq!(
        owner.content(node["id"].as_str().unwrap()).await.unwrap(),
        content
    );
    let (status, _) = owner.send_part(&unsent["parts"][0], content).await.unwrap();
    assert!(status.is_success(), "the presigned request is still good");
    owner
        .commit(unsent["upload_id"].as_str().unwrap())
        .await
        .unwrap()
        .ok()
        .unwrap();
}
