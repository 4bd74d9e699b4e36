use crate::Target;
use anyhow::{Context as _, Result, bail};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The index follows within about a second; on a busy machine it may take longer.
const WITHIN: Duration = Duration::from_secs(30);

pub(crate) async fn all(target: &Target) -> Result<()> {
    a_file_is_found_by_its_name_and_goes_with_it(target).await?;
    a_file_is_found_by_what_it_carries(target).await?;
    what_is_asked_wrongly_is_refused_with_its_reason(target).await
}

async fn search(target: &Target, query: &str) -> Result<Value> {
    target.owner.get(&format!("/v1/search?{query}")).await?.ok()
}

/// The answer once it has that many items.
async fn until(target: &Target, query: &str, items: usize) -> Result<Value> {
    let started = Instant::now();
    loop {
        let answer = search(target, query).await?;
        if answer["items"].as_array().context("items")?.len() == items {
            return Ok(answer);
        }
        if started.elapsed() > WITHIN {
            bail!("{query}: {answer}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn a_file_is_found_by_its_name_and_goes_with_it(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let body = json!({"parent_id": "root", "name": "Zugspitze"});
    let folder = owner.post("/v1/folders", body).await?.ok()?;
    let id = folder["id"].as_str().context("id")?;
    let file = owner.upload(id, "Höhenprofil Zugspitze.txt", b"2962 m").await?;
    let answer = until(target, "q=hohenpro+zugspitze", 1).await?;
    let hit = &answer["items"][0];
    assert_eq!((&hit["node"], &hit["match"]), (&file, &json!("word_prefix")));
    assert_eq!(hit["path"], "/Zugspitze/Höhenprofil Zugspitze.txt");
    assert_eq!(
        hit["highlights"],
        json!([{"start": 0, "end": 8}, {"start": 12, "end": 21}])
    );
    assert_eq!(answer["facets"]["types"], json!([{"value": "text", "count": 1}]));
    let both = until(target, "q=zugspitze", 2).await?;
    assert_eq!(both["items"][0]["match"], "exact");
    until(target, "q=zugspizte", 2).await?;
    let one = search(target, "q=zugspitze&limit=1").await?;
    let cursor = one["next_cursor"].as_str().context("a next page")?;
    let next = search(target, &format!("q=zugspitze&limit=1&cursor={cursor}")).await?;
    assert_eq!(next["items"][0]["node"], file);
    until(target, &format!("q=zugspitze&in={id}"), 1).await?;
    until(target, "q=zugspitze&type=folder", 1).await?;
    until(target, "q=zugspitze&min_size=7", 0).await?;
    owner.delete(&format!("/v1/nodes/{id}")).await?.ok()?;
    // Gone at once, whatever the index knows.
    assert_eq!(search(target, "q=zugspitze").await?["items"], json!([]));
    Ok(())
}

async fn a_file_is_found_by_what_it_carries(target: &Target) -> Result<()> {
    let owner = &target.owner;
    let folder = owner
        .post("/v1/folders", json!({"parent_id": "root", "name": "Watzmann"}))
        .await?
        .ok()?;
    let id = folder["id"].as_str().context("id")?;
    let file = owner.upload(id, "ostwand.txt", b"1800 m").await?;
    let node = file["id"].as_str().context("id")?;
    let path = format!("/v1/nodes/{node}/metadata");
    let body = json!({"add_tags": ["Bergtour", "sommer 2025"], "set_fields": {"guide": "Ada & Co"}});
    owner.send(Method::PATCH, &path, Some(body)).await?.ok()?;
    let answer = until(target, "q=bergt", 1).await?;
    let hit = &answer["items"][0];
    assert_eq!(
        (&hit["node"]["id"], &hit["match"]),
        (&json!(node), &json!("metadata"))
    );
    assert_eq!(
        answer["facets"]["tags"],
        json!([{"value": "bergtour", "count": 1}, {"value": "sommer 2025", "count": 1}])
    );
    for (query, items) in [
        ("tag=bergtour", 1),
        ("tag=bergtour&tag=Sommer+2025&limit=5", 1),
        ("tag=bergtour&tag=winter", 0),
        ("tag=sommer", 0),
        ("field=guide:ada+%26+co", 1),
        ("field=guide:ada", 0),
        ("q=ostwand&tag=bergtour&field=guide:Ada+%26+Co&type=text", 1),
        ("q=watzmann+ada", 1),
        ("q=bergtuor", 1),
    ] {
        let found = search(target, query).await?;
        assert_eq!(found["items"].as_array().map(Vec::len), Some(items), "{query}");
    }
    let body = json!({"remove_tags": ["bergtour"]});
    owner.send(Method::PATCH, &path, Some(body)).await?.ok()?;
    // At once, whatever the index knows.
    assert_eq!(search(target, "tag=bergtour").await?["items"], json!([]));
    until(target, "tag=sommer+2025", 1).await?;
    owner.delete(&format!("/v1/nodes/{id}")).await?.ok()?;
    Ok(())
}

async fn what_is_asked_wrongly_is_refused_with_its_reason(target: &Target) -> Result<()> {
    let long = format!("q={}", "x".repeat(600));
    let many = "tag=a&".repeat(9);
    for (query, status, reason) in [
        ("", 400, "query_invalid"),
        ("q=", 400, "search_query_empty"),
        ("q=%2A%2A", 400, "search_query_empty"),
        (long.as_str(), 400, "search_query_too_long"),
        ("q=a%00b", 400, "search_query_invalid"),
        ("q=%ff", 400, "query_invalid"),
        ("q=a&type=nothing", 400, "search_type_invalid"),
        ("q=a&owner=ada", 400, "search_owner_invalid"),
        ("q=a&min_size=2&max_size=1", 400, "search_range_invalid"),
        ("q=a&modified_after=soon", 400, "query_invalid"),
        ("q=a&cursor=x", 400, "cursor_invalid"),
        ("q=a&limit=101", 400, "limit_invalid"),
        ("tag=", 400, "search_tag_invalid"),
        ("tag=%00", 400, "search_tag_invalid"),
        ("tag=%ff", 400, "query_invalid"),
        (many.as_str(), 400, "search_tag_invalid"),
        ("q=a&field=guide", 400, "search_field_invalid"),
        ("q=**&tag=a", 400, "search_query_empty"),
        ("q=a&q=b", 400, "query_invalid"),
        ("q=a&x=1", 400, "query_invalid"),
        ("q=a&in=nod_0", 404, "node_not_found"),
    ] {
        let answer = target.owner.get(&format!("/v1/search?{query}")).await?;
        assert_eq!(
            (answer.status.as_u16(), answer.reason()),
            (status, reason),
            "{query:.40}"
        );
    }
    Ok(())
}
