//! Uploads that must not be committed: too late, or somebody else's.

use crate::until;
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD, TENANT};
use serde_json::json;

const LIVES: &str = "[files]\npresign_lifetime = \"2s\"\nupload_lifetime = \"3s\"\n\
    [files.collector]\nperiod = \"300ms\"\ngrace = \"3s\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_has_expired_says_so() {
    let mut daemon = Daemon::with_config(LIVES).unwrap();
    daemon.start().await.unwrap();
    let owner = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await.unwrap();
    let upload = owner.start("root", "late", b"late").await.unwrap().ok().unwrap();
    let id = upload["upload_id"].as_str().unwrap();
    let refused = until("the upload's end", async || {
        let answer = owner.commit(id).await?;
        assert_eq!(answer.status.as_u16(), 409, "{}", answer.body);
        Ok((answer.reason() != "upload_incomplete").then_some(answer))
    })
    .await
    .unwrap();
    assert_eq!(refused.reason(), "upload_expired", "{}", refused.body);
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("again") || detail.contains("new"), "{detail}");
    let (status, _) = owner.send_part(&upload["parts"][0], b"late").await.unwrap();
    assert_eq!(status.as_u16(), 403, "its presigned request has ended too");
    let listed = owner.get("/v1/nodes/root/children").await.unwrap().ok().unwrap();
    assert_eq!(listed["items"], json!([]));
    owner.upload("root", "late", b"late").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_upload_does_not_exist() {
    let mut daemon = Daemon::lite().unwrap();
    daemon.start().await.unwrap();
    let email = "member@example.org";
    let create = ["admin", "create-user", "--tenant", TENANT, "--email", email];
    daemon.command_with_input(&create, PASSWORD).unwrap();
    let owner = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await.unwrap();
    let member = Caller::sign_in(daemon.url(), email, PASSWORD).await.unwrap();
    let upload = owner.start("root", "file", b"mine").await.unwrap().ok().unwrap();
    owner.send_part(&upload["parts"][0], b"mine").await.unwrap();
    let id = upload["upload_id"].as_str().unwrap();
    let path = format!("/v1/uploads/{id}");
    let wanted = json!({"parts": [{"number": 1}]});
    let batch = json!({"items": [{"upload_id": id}]});
    for refused in [
        member.commit(id).await.unwrap(),
        member.get(&path).await.unwrap(),
        member.post(&format!("{path}/parts"), wanted).await.unwrap(),
        member.delete(&path).await.unwrap(),
    ] {
        assert_eq!(
            (refused.status.as_u16(), refused.reason()),
            (404, "upload_not_found"),
            "{}",
            refused.body
        );
    }
    let results = member
        .post("/v1/batch/commits", batch)
        .await
        .unwrap()
        .ok()
        .unwrap();
    assert!(
        results.to_string().contains("upload_not_found") && results["results"][0]["node"].is_null(),
        "{results}"
    );
    owner.commit(id).await.unwrap().ok().unwrap();
}
