//! Following changes, from outside: what a device would do.

use crate::Target;
use anyhow::{Context as _, Result, bail};
use bitvault_conformance::api::{Answer, Caller, sha256};
use bitvault_conformance::daemon::TENANT;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const EMAIL: &str = "carol@example.org";
const SECRET: &str = "tall-giraffes-hum-9";
/// More than a change takes on a busy machine.
const SOON: Duration = Duration::from_secs(30);

pub(crate) async fn all(target: &Target) -> Result<()> {
    target.daemon.command_with_input(
        &[
            "admin",
            "create-user",
            "--tenant",
            TENANT,
            "--role",
            "member",
            "--email",
            EMAIL,
        ],
        SECRET,
    )?;
    let carol = Caller::sign_in(target.daemon.url(), EMAIL, SECRET).await?;
    a_device_follows_what_happens(target).await?;
    what_comes_into_sight_and_leaves_it_is_no_creation_and_no_deletion(target, &carol).await?;
    a_group_gives_and_takes_as_well(target, &carol).await?;
    who_waits_is_woken(target).await?;
    what_is_pushed_is_done_in_order_and_a_conflict_shows_what_is_there(target).await?;
    a_cursor_is_good_for_its_holder(target, &carol).await
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().context("a string")
}

async fn folder(caller: &Caller, parent: &str, name: &str) -> Result<String> {
    let body = json!({"parent_id": parent, "name": name});
    let made = caller.post("/v1/folders", body).await?.ok()?;
    Ok(text(&made["id"])?.to_owned())
}

async fn put(caller: &Caller, path: &str, body: Value) -> Result<Answer> {
    caller.send(Method::PUT, path, Some(body)).await
}

/// What somebody knows who has taken in every page.
#[derive(Default, Clone)]
struct Known {
    nodes: BTreeMap<String, Value>,
    cursor: Option<String>,
    device: Option<String>,
}

impl Known {
    fn query(&self, limit: u32) -> String {
        let mut query = format!("/v1/changes?limit={limit}");
        if let Some(cursor) = &self.cursor {
            query = format!("{query}&cursor={cursor}");
        }
        match &self.device {
            Some(device) => format!("{query}&device_id={device}"),
            None => query,
        }
    }

    fn take(&mut self, page: &Value) -> Result<Vec<String>> {
        let mut told = Vec::new();
        for change in page["items"].as_array().context("items")? {
            let id = text(&change["node_id"])?.to_owned();
            told.push(format!("{} {}", text(&change["kind"])?, text(&change["cause"])?));
            match text(&change["kind"])? {
                "upsert" => {
                    self.nodes
                        .insert(id, json!({"node": change["node"], "role": change["role"]}));
                }
                _ => self.remove(&id),
            }
        }
        self.cursor = Some(text(&page["next_cursor"])?.to_owned());
        Ok(told)
    }

    fn remove(&mut self, id: &str) {
        self.nodes.remove(id);
        let below = |(_, value): &(&String, &Value)| value["node"]["parent_id"] == json!(id);
        let below: Vec<String> = self
            .nodes
            .iter()
            .filter(below)
            .map(|(id, _)| id.clone())
            .collect();
        for id in below {
            self.remove(&id);
        }
    }

    /// Reads to the end; answers what was told.
    async fn catch_up(&mut self, caller: &Caller, limit: u32) -> Result<Vec<String>> {
        let mut told = Vec::new();
        for _ in 0..10_000 {
            let page = caller.get(&self.query(limit)).await?.ok()?;
            told.extend(self.take(&page)?);
            if page["has_more"] == false {
                return Ok(told);
            }
        }
        bail!("it does not come to an end");
    }

    /// Fails unless it knows what it would be told from the beginning.
    async fn is_right(&self, caller: &Caller) -> Result<()> {
        let mut fresh = Self::default();
        fresh.catch_up(caller, 1000).await?;
        assert_eq!(self.nodes, fresh.nodes);
        Ok(())
    }
}

async fn a_device_follows_what_happens(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let made = owner
        .post("/v1/devices", json!({"name": "laptop", "platform": "linux"}))
        .await?;
    assert_eq!(made.status, 201);
    let device = made.ok()?;
    let id = text(&device["id"])?;
    let mut known = Known {
        device: Some(id.to_owned()),
        ..Known::default()
    };
    let told = known.catch_up(owner, 7).await?;
    assert!(told.iter().all(|one| one == "upsert snapshot"), "{told:?}");
    let top = folder(owner, "root", "followed").await?;
    let file = owner.upload(&top, "a.txt", b"one").await?;
    assert_eq!(
        known.catch_up(owner, 100).await?,
        ["upsert created", "upsert created"]
    );
    let seen = &known.nodes[text(&file["id"])?];
    assert_eq!((&seen["node"], &seen["role"]), (&file, &json!("owner")));
    // The same cursor gives the same page.
    owner
        .send(
            Method::PATCH,
            &format!("/v1/nodes/{top}"),
            Some(json!({"name": "renamed"})),
        )
        .await?
        .ok()?;
    let first = owner.get(&known.query(100)).await?.ok()?;
    assert_eq!(owner.get(&known.query(100)).await?.ok()?, first);
    assert_eq!(known.take(&first)?, ["upsert moved"]);
    owner.delete(&format!("/v1/nodes/{top}")).await?.ok()?;
    assert_eq!(known.catch_up(owner, 100).await?, ["remove trashed"]);
    assert!(!known.nodes.contains_key(text(&file["id"])?));
    owner
        .post(&format!("/v1/nodes/{top}/restore"), json!({}))
        .await?
        .ok()?;
    assert_eq!(
        known.catch_up(owner, 100).await?,
        ["upsert restored", "upsert restored"]
    );
    known.is_right(owner).await?;
    known.catch_up(owner, 100).await?;
    let shown = owner.get(&format!("/v1/devices/{id}")).await?.ok()?;
    assert_eq!(shown["behind"], 0, "{shown}");
    let listed = owner.get("/v1/devices").await?.ok()?;
    let listed = listed["items"].as_array().context("items")?;
    assert!(listed.iter().any(|one| one["id"] == device["id"]));
    assert_eq!(owner.delete(&format!("/v1/devices/{id}")).await?.status, 204);
    let gone = owner.get(&known.query(100)).await?;
    assert_eq!((gone.status.as_u16(), gone.reason()), (404, "device_not_found"));
    Ok(())
}

async fn what_comes_into_sight_and_leaves_it_is_no_creation_and_no_deletion(
    target: &Target,
    carol: &Caller,
) -> Result<()> {
    let owner = &target.owner;
    let mut known = Known::default();
    known.catch_up(carol, 100).await?;
    let shared = folder(owner, "root", "for carol").await?;
    let inner = folder(owner, &shared, "inner").await?;
    folder(owner, &inner, "deep").await?;
    assert!(known.catch_up(carol, 100).await?.is_empty());
    let given = put(
        owner,
        &format!("/v1/nodes/{shared}/grants"),
        json!({"email": EMAIL, "role": "viewer"}),
    )
    .await?
    .ok()?;
    assert_eq!(known.catch_up(carol, 2).await?, ["upsert access_given"; 3]);
    assert_eq!(known.nodes[&inner]["node"]["parent_id"], json!(shared));
    assert_eq!(known.nodes[&shared]["node"].get("parent_id"), None);
    moved(owner, &inner, "root").await?;
    assert_eq!(known.catch_up(carol, 100).await?, ["remove moved_out"]);
    moved(owner, &inner, &shared).await?;
    assert_eq!(known.catch_up(carol, 100).await?, ["upsert moved_in"; 2]);
    let inheritance = format!("/v1/nodes/{inner}/inheritance");
    put(owner, &inheritance, json!({"inherits": false})).await?.ok()?;
    assert_eq!(known.catch_up(carol, 100).await?, ["remove access_lost"]);
    put(owner, &inheritance, json!({"inherits": true})).await?.ok()?;
    assert_eq!(known.catch_up(carol, 100).await?, ["upsert access_given"; 2]);
    owner.delete(&format!("/v1/nodes/{inner}")).await?.ok()?;
    owner
        .delete(&format!("/v1/nodes/{inner}?permanent=true"))
        .await?
        .ok()?;
    assert_eq!(known.catch_up(carol, 100).await?, ["remove deleted"]);
    known.is_right(carol).await?;
    owner
        .delete(&format!(
            "/v1/nodes/{shared}/grants/{}",
            text(&given["subject_id"])?
        ))
        .await?
        .ok()?;
    assert_eq!(known.catch_up(carol, 100).await?, ["remove access_lost"]);
    known.is_right(carol).await
}

async fn moved(caller: &Caller, node: &str, to: &str) -> Result<()> {
    let path = format!("/v1/nodes/{node}");
    caller
        .send(Method::PATCH, &path, Some(json!({"parent_id": to})))
        .await?
        .ok()?;
    Ok(())
}

async fn a_group_gives_and_takes_as_well(target: &Target, carol: &Caller) -> Result<()> {
    let owner = &target.owner;
    let mut known = Known::default();
    known.catch_up(carol, 100).await?;
    let group = owner
        .post("/v1/groups", json!({"name": "followers"}))
        .await?
        .ok()?;
    let group = text(&group["id"])?;
    let space = json!({"name": "followed space", "group_id": group});
    owner.post("/v1/spaces", space).await?.ok()?;
    let me = carol.get("/v1/me").await?.ok()?;
    let member = format!("/v1/groups/{group}/members/{}", text(&me["account"]["id"])?);
    assert!(known.catch_up(carol, 100).await?.is_empty());
    owner.send(Method::PUT, &member, None).await?.ok()?;
    assert_eq!(known.catch_up(carol, 100).await?, ["upsert access_given"]);
    owner.delete(&member).await?.ok()?;
    assert_eq!(known.catch_up(carol, 100).await?, ["remove access_lost"]);
    known.is_right(carol).await
}

async fn who_waits_is_woken(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let mut known = Known::default();
    known.catch_up(owner, 1000).await?;
    let started = Instant::now();
    let waiting = {
        let (owner, query) = (owner.clone(), format!("{}&wait=50", known.query(100)));
        tokio::spawn(async move { owner.get(&query).await })
    };
    folder(owner, "root", "made while somebody waits").await?;
    let page = tokio::time::timeout(SOON, waiting).await???.ok()?;
    assert_eq!(known.take(&page)?, ["upsert created"]);
    assert!(started.elapsed() < SOON);
    let short = owner.get(&format!("{}&wait=1", known.query(100))).await?.ok()?;
    assert_eq!((&short["items"], &short["has_more"]), (&json!([]), &json!(false)));
    Ok(())
}

async fn what_is_pushed_is_done_in_order_and_a_conflict_shows_what_is_there(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let top = folder(owner, "root", "pushed").await?;
    let file = owner.upload(&top, "a.txt", b"one").await?;
    let id = text(&file["id"])?;
    let version = |content: &'static [u8]| json!({"node_id": id, "size": content.len(), "sha256": sha256(content), "base_version": file["version_id"]});
    let new = |content: &'static [u8]| json!({"parent_id": top, "name": "b.txt", "size": content.len(), "sha256": sha256(content)});
    let mut uploads = Vec::new();
    for (start, content) in [
        (version(b"two"), b"two".as_slice()),
        (version(b"three"), b"three"),
        (new(b"four"), b"four"),
        (new(b"five"), b"five"),
    ] {
        let upload = owner.post("/v1/uploads", start).await?.ok()?;
        let (status, _) = owner.send_part(&upload["parts"][0], content).await?;
        assert!(status.is_success(), "{status}");
        uploads.push(upload["upload_id"].clone());
    }
    let mut known = Known::default();
    known.catch_up(owner, 1000).await?;
    let items = json!({"items": [
        {"create_folder": {"key": "k", "parent_id": top, "name": "new"}},
        {"commit": {"upload_id": uploads[0], "node_id": id}},
        {"commit": {"upload_id": uploads[1], "node_id": id}},
        {"commit": {"upload_id": uploads[2], "parent_id": top, "name": "b.txt"}},
        {"commit": {"upload_id": uploads[3], "parent_id": top, "name": "b.txt"}},
        {"move": {"id": id, "parent_key": "k", "revision": 2}},
        {"move": {"id": id, "name": "late.txt", "revision": 2}},
        {"create_folder": {"parent_id": top, "name": "NEW"}},
        {"delete": {"id": id, "revision": 1}},
    ]});
    let answer = owner.post("/v1/changes", items).await?.ok()?;
    let results = answer["items"].as_array().context("items")?;
    let reasons: Vec<&str> = results
        .iter()
        .map(|one| one["error"]["reason"].as_str().unwrap_or("done"))
        .collect();
    let [version, taken, revision] = ["version_conflict", "name_taken", "revision_conflict"];
    assert_eq!(
        reasons,
        [
            "done", "done", version, "done", taken, "done", revision, taken, revision
        ],
        "{answer}"
    );
    let made = text(&results[0]["node"]["id"])?;
    assert_eq!(
        results[2]["current"]["version_id"],
        results[1]["node"]["version_id"]
    );
    assert_eq!(results[4]["current"]["id"], results[3]["node"]["id"]);
    assert_eq!(results[6]["current"]["parent_id"], json!(made));
    assert_eq!(results[7]["current"]["id"], json!(made));
    known.catch_up(owner, 1000).await?;
    known.is_right(owner).await?;
    let unknown = json!({"items": [{"frobnicate": {}}]});
    let refused = owner.post("/v1/changes", unknown).await?;
    assert_eq!((refused.status.as_u16(), refused.reason()), (400, "body_invalid"));
    Ok(())
}

async fn a_cursor_is_good_for_its_holder(target: &Target, carol: &Caller) -> Result<()> {
    let mut known = Known::default();
    known.catch_up(&target.owner, 1000).await?;
    let cursor = known.cursor.context("a cursor")?;
    let path = format!("/v1/changes?cursor={cursor}");
    target.owner.get(&path).await?.ok()?;
    let forged = format!("{}AAA", &path[..path.len() - 3]);
    for (caller, path, status, reason) in [
        (carol, path.as_str(), 400, "cursor_invalid"),
        (&target.owner, &forged, 400, "cursor_invalid"),
        (&target.owner, "/v1/changes?cursor=", 400, "cursor_invalid"),
        (&target.owner, "/v1/changes?limit=0", 400, "limit_invalid"),
        (&target.owner, "/v1/changes?limit=1001", 400, "limit_invalid"),
        (&target.owner, "/v1/changes?wait=3601", 400, "wait_invalid"),
        (&target.owner, "/v1/changes?since=1", 400, "query_invalid"),
        (
            &target.owner,
            "/v1/changes?device_id=dev_0",
            404,
            "device_not_found",
        ),
        (&target.owner, "/v1/devices/dev_0", 404, "device_not_found"),
    ] {
        let answer = caller.get(path).await?;
        assert_eq!(
            (answer.status.as_u16(), answer.reason()),
            (status, reason),
            "{path}"
        );
    }
    let unnamed = target.owner.post("/v1/devices", json!({"name": " "})).await?;
    assert_eq!((unnamed.status.as_u16(), unnamed.reason()), (400, "name_invalid"));
    Ok(())
}
