//! Tenants can't meet: every route that the OpenAPI document tells, called by one tenant with the ids of another.

use crate::Target;
use anyhow::{Context as _, Result};
use bitvault_conformance::api::Caller;
use reqwest::Method;
use serde_json::{Map, Value, json};

const TENANT: &str = "elsewhere";
const EMAIL: &str = "eve@elsewhere.example.org";
const SECRET: &str = "tall-giraffes-hum-5";
/// What stands in everything that the first tenant has; nobody else may ever be told it.
const MARK: &str = "crown-jewels";
/// Paths that need no tenant, or end the session that asks.
const NOT_OF_A_TENANT: [&str; 4] = ["/v1/sessions", "/v1/public/", "/v1/traces", "/v1/me"];

/// What the first tenant has, by the name that ids of its kind have in paths and bodies.
struct Owned {
    ids: Map<String, Value>,
}

pub(crate) async fn all(target: &Target) -> Result<()> {
    let daemon = &target.daemon;
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
    let stranger = Caller::sign_in(daemon.url(), EMAIL, SECRET).await?;
    let owned = make(&target.owner).await?;
    let before = seen(&target.owner, &owned).await?;
    let document = target.owner.get("/v1/openapi.json").await?.ok()?;
    let mut called = 0;
    for (path, item) in document["paths"].as_object().context("paths")? {
        let skipped = !path.starts_with("/v1/") || NOT_OF_A_TENANT.iter().any(|one| path.starts_with(one));
        if skipped {
            continue;
        }
        for (method, operation) in item.as_object().context("methods")? {
            called += usize::from(call(&stranger, &document, path, method, operation, &owned).await?);
        }
    }
    assert!(called >= 15, "only {called} routes took ids of the other tenant");
    assert_eq!(
        seen(&target.owner, &owned).await?,
        before,
        "the other tenant changed something"
    );
    Ok(())
}

async fn make(owner: &Caller) -> Result<Owned> {
    let id = |value: &Value, at: &str| value.pointer(at).cloned().context("an id");
    let body = json!({"parent_id": "root", "name": format!("{MARK} folder")});
    let folder = id(&owner.post("/v1/folders", body).await?.ok()?, "/id")?;
    let parent = folder.as_str().context("id")?;
    let file = owner
        .upload(parent, &format!("{MARK} file"), MARK.as_bytes())
        .await?;
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
    let me = owner.get("/v1/me").await?.ok()?;
    let ids = json!({
        "nodes": file["id"], "folders": folder, "uploads": upload["upload_id"], "groups": group, "spaces": space,
        "links": link, "node_id": file["id"], "parent_id": folder, "upload_id": upload["upload_id"],
        "group_id": group, "account_id": me["account"]["id"], "subject_id": me["account"]["id"],
        "version_id": file["version_id"], "base_version": file["version_id"], "id": file["id"], "in": folder,
        "members": me["account"]["id"],
    });
    let Value::Object(ids) = ids else {
        anyhow::bail!("not an object");
    };
    Ok(Owned { ids })
}

/// What the first tenant sees of itself.
async fn seen(owner: &Caller, owned: &Owned) -> Result<Vec<Value>> {
    let folder = owned.ids["folders"].as_str().context("id")?;
    let mut all = Vec::new();
    for path in [
        format!("/v1/nodes/{folder}"),
        format!("/v1/nodes/{folder}/children"),
        format!("/v1/nodes/{folder}/grants"),
        "/v1/nodes/root/children".to_owned(),
        "/v1/groups".to_owned(),
        "/v1/spaces?all=true".to_owned(),
        "/v1/links".to_owned(),
        format!("/v1/uploads/{}", owned.ids["uploads"].as_str().context("id")?),
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

/// Calls one route; whether it took an id of the other tenant.
async fn call(
    stranger: &Caller,
    document: &Value,
    path: &str,
    method: &str,
    operation: &Value,
    owned: &Owned,
) -> Result<bool> {
    let mut url = String::new();
    let mut before = "";
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let filled = match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            None => part,
            // `{id}` is of what stands before it; the others say what they are.
            Some("id") => owned
                .ids
                .get(before)
                .and_then(Value::as_str)
                .unwrap_or("nod_none"),
            Some(name) => owned.ids.get(name).and_then(Value::as_str).unwrap_or("nod_none"),
        };
        url = format!("{url}/{filled}");
        before = part;
    }
    let mut query = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] == "query" {
            let name = parameter["name"].as_str().context("a name")?;
            match (owned.ids.get(name).and_then(Value::as_str), name) {
                (Some(id), _) => query.push(format!("{name}={id}")),
                (None, "path") => query.push(format!("path=/{MARK}%20folder")),
                (None, "q") => query.push(format!("q={MARK}")),
                (None, _) => {}
            }
        }
    }
    if !query.is_empty() {
        url = format!("{url}?{}", query.join("&"));
    }
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let body = (!schema.is_null()).then(|| example(document, schema, "", owned));
    let asked = format!(
        "{url} {}",
        body.as_ref().map(Value::to_string).unwrap_or_default()
    );
    let took = owned
        .ids
        .values()
        .any(|id| asked.contains(id.as_str().unwrap_or("-")));

    let method: Method = method.to_uppercase().parse()?;
    let told = format!("{method} {asked}");
    let answer = stranger.send(method, &url, body).await?;
    let text = answer.body.to_string();
    assert!(answer.status.as_u16() < 500, "{told}: {} {text}", answer.status);
    assert!(!text.contains(MARK), "{told}: {text}");
    // What it sent itself it may be told again.
    for id in owned
        .ids
        .values()
        .filter_map(Value::as_str)
        .filter(|id| !asked.contains(*id))
    {
        assert!(!text.contains(id), "{told}: {} {text}", answer.status);
    }
    if took && answer.status.is_success() {
        // A batch answers an error for each item, a listing nothing.
        for item in answer.body["items"].as_array().into_iter().flatten() {
            assert!(item.get("error").is_some(), "{told}: {text}");
        }
    }
    Ok(took)
}

/// A body as the schema wants it, with ids of the other tenant wherever one fits.
fn example(document: &Value, schema: &Value, name: &str, owned: &Owned) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document
            .pointer(reference.trim_start_matches('#'))
            .unwrap_or(&Value::Null);
        return example(document, target, name, owned);
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        let choices = schema[choice].as_array().map(Vec::as_slice).unwrap_or_default();
        if let Some(one) = choices.iter().rfind(|one| one["type"] != "null") {
            return example(document, one, name, owned);
        }
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds
            .iter()
            .find(|kind| *kind != "null")
            .cloned()
            .unwrap_or_default(),
        kind => kind.clone(),
    };
    match kind.as_str() {
        Some("object") => {
            let required: Vec<&str> = schema["required"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let properties = schema["properties"].as_object().into_iter().flatten();
            let wanted = properties
                .filter(|(name, _)| required.contains(&name.as_str()) || owned.ids.contains_key(*name));
            let filled =
                wanted.map(|(name, property)| (name.clone(), example(document, property, name, owned)));
            Value::Object(filled.collect())
        }
        Some("array") => json!([example(document, &schema["items"], name, owned)]),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        _ => owned.ids.get(name).cloned().unwrap_or_else(|| json!("a name")),
    }
}
