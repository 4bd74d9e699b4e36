//! Every route that the OpenAPI document tells, called with the ids of another tenant.

use super::{MARK, Owned};
use crate::below;
use anyhow::{Context as _, Result};
use bitvault_conformance::api::Caller;
use reqwest::Method;
use serde_json::{Value, json};

/// Paths that need no tenant, or end the session that asks.
const NOT_OF_A_TENANT: [&str; 4] = ["/v1/sessions", "/v1/public", "/v1/traces", "/v1/me"];

/// Calls every route; answers how many took an id of the other tenant.
pub(super) async fn every_route(owner: &Caller, stranger: &Caller, owned: &Owned) -> Result<usize> {
    let document = owner.get("/v1/openapi.json").await?.ok()?;
    let mut took = 0;
    for (path, item) in document["paths"].as_object().context("paths")? {
        let skipped = !path.starts_with("/v1/") || NOT_OF_A_TENANT.iter().any(|one| below(path, one));
        if skipped {
            continue;
        }
        for (method, operation) in item.as_object().context("methods")? {
            took += usize::from(call(stranger, &document, path, method, operation, owned).await?);
        }
    }
    Ok(took)
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
            Some("id") => owned.id(before).unwrap_or("nod_none"),
            Some(name) => owned.id(name).unwrap_or("nod_none"),
        };
        url = format!("{url}/{filled}");
        before = part;
    }
    let mut query = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] == "query" {
            let name = parameter["name"].as_str().context("a name")?;
            match (owned.id(name), name) {
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
    let took = owned.all().any(|id| asked.contains(id));

    let method: Method = method.to_uppercase().parse()?;
    let told = format!("{method} {asked}");
    let answer = stranger.send(method, &url, body).await?;
    let text = answer.body.to_string();
    let failed = answer.status.is_server_error();
    assert!(
        !failed || owned.tolerates_failures,
        "{told}: {} {text}",
        answer.status
    );
    assert!(!text.contains(MARK), "{told}: {text}");
    // What it sent itself it may be told again.
    for id in owned.all().filter(|id| !asked.contains(*id)) {
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
            let wanted =
                properties.filter(|(name, _)| required.contains(&name.as_str()) || owned.id(name).is_some());
            let filled =
                wanted.map(|(name, property)| (name.clone(), example(document, property, name, owned)));
            Value::Object(filled.collect())
        }
        Some("array") => json!([example(document, &schema["items"], name, owned)]),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        _ => json!(owned.id(name).unwrap_or("a name")),
    }
}
