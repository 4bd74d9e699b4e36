//! Tenants can't meet: all that the API tells of is called by one tenant with the ids of another, over REST and over gRPC,
//! and once more with the filters of our own SQL switched off.

mod filters_off;
mod rest;
mod rpc;

use crate::Target;
use anyhow::{Context as _, Result};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::Daemon;
use serde_json::{Map, Value, json};

const TENANT: &str = "elsewhere";
const EMAIL: &str = "eve@elsewhere.example.org";
const SECRET: &str = "tall-giraffes-hum-5";
/// What stands in everything that the first tenant has; nobody else may ever be told it.
const MARK: &str = "crown-jewels";
/// Fewest calls that must have taken an id of the other tenant: fewer would mean that they are not found any more.
const CALLS_MIN: usize = 30;

/// What the first tenant has, by the name that ids of its kind have in paths and bodies.
struct Owned {
    ids: Map<String, Value>,
    /// Whether a call may fail by our own fault, as long as nothing is told.
    tolerates_failures: bool,
}

impl Owned {
    fn id(&self, name: &str) -> Option<&str> {
        self.ids.get(name).and_then(Value::as_str)
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        self.ids.values().filter_map(Value::as_str)
    }
}

pub(crate) async fn all(target: &Target) -> Result<()> {
    let stranger = stranger(&target.daemon).await?;
    let owned = make(&target.owner).await?;
    let before = seen(&target.owner, &owned).await?;
    let routes = rest::every_route(&target.owner, &stranger, &owned).await?;
    let methods = rpc::every_method(target.daemon.url(), &stranger, &owned).await?;
    assert!(
        routes >= CALLS_MIN && methods >= CALLS_MIN,
        "only {routes} routes and {methods} methods took ids of the other tenant"
    );
    assert!(
        stranger.get("/v1/me").await?.status.is_success(),
        "nobody asked any more"
    );
    assert_eq!(
        seen(&target.owner, &owned).await?,
        before,
        "the other tenant changed something"
    );
    Ok(())
}

/// The owner of another tenant.
async fn stranger(daemon: &Daemon) -> Result<Caller> {
    daemon.command(&["admin", "create-tenant", TENANT])?;
    daemon.command_with_input(
        &[
            "admin",
            "create-user",
            "--tenant",
            TENANT,
            "--role",
            "owner",
            "--email",
            EMAIL,
        ],
        SECRET,
    )?;
    Caller::sign_in(daemon.url(), EMAIL, SECRET).await
}

async fn make(owner: &Caller) -> Result<Owned> {
    let id = |value: &Value, at: &str| value.pointer(at).cloned().context("an id");
    let body = json!({"parent_id": "root", "name": format!("{MARK} folder")});
    let folder = id(&owner.post("/v1/folders", body).await?.ok()?, "/id")?;
    let parent = folder.as_str().context("id")?;
    let file = owner
        .upload(parent, &format!("{MARK} file"), MARK.as_bytes())
        .await?;
    owner
        .upload_copy(parent, &format!("{MARK} copy"), b"mine", &file)
        .await?;
    let conflicts = owner.get("/v1/conflicts").await?.ok()?;
    let conflict = id(&conflicts, "/items/0/id")?;
    let upload = owner
        .start(parent, &format!("{MARK} begun"), b"begun")
        .await?
        .ok()?;
    let group = id(
        &owner
            .post("/v1/groups", json!({"name": format!("{MARK} group")}))
            .await?
            .ok()?,
        "/id",
    )?;
    let space = json!({"name": format!("{MARK} space"), "group_id": group});
    let space = id(&owner.post("/v1/spaces", space).await?.ok()?, "/node/id")?;
    let link = json!({"node_id": folder, "kind": "download"});
    let link = id(&owner.post("/v1/links", link).await?.ok()?, "/id")?;
    let device = id(
        &owner
            .post("/v1/devices", json!({"name": format!("{MARK} device")}))
            .await?
            .ok()?,
        "/id",
    )?;
    let me = owner.get("/v1/me").await?.ok()?;
    let ids = json!({
        "nodes": file["id"], "folders": folder, "uploads": upload["upload_id"], "groups": group, "spaces": space,
        "links": link, "node_id": file["id"], "parent_id": folder, "upload_id": upload["upload_id"],
        "group_id": group, "account_id": me["account"]["id"], "subject_id": me["account"]["id"],
        "version_id": file["version_id"], "base_version": file["version_id"], "id": file["id"], "in": folder,
        "members": me["account"]["id"], "favourites": file["id"], "devices": device, "conflicts": conflict,
        "device_id": device,
    });
    let Value::Object(ids) = ids else {
        anyhow::bail!("not an object");
    };
    Ok(Owned {
        ids,
        tolerates_failures: false,
    })
}

/// What the first tenant sees of itself.
async fn seen(owner: &Caller, owned: &Owned) -> Result<Vec<Value>> {
    let folder = owned.id("folders").context("id")?;
    let mut all = Vec::new();
    for path in [
        format!("/v1/nodes/{folder}"),
        format!("/v1/nodes/{folder}/children"),
        format!("/v1/nodes/{folder}/grants"),
        "/v1/nodes/root/children".to_owned(),
        "/v1/groups".to_owned(),
        "/v1/spaces?all=true".to_owned(),
        "/v1/links".to_owned(),
        "/v1/conflicts".to_owned(),
        format!("/v1/devices/{}", owned.id("devices").context("id")?),
        format!("/v1/uploads/{}", owned.id("uploads").context("id")?),
    ] {
        let mut body = owner.get(&path).await?.ok()?;
        if let Some(upload) = body.as_object_mut() {
            // Presigned anew for each look.
            upload.remove("expires_at");
        }
        all.push(body);
    }
    Ok(all)
}
