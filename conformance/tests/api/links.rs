//! Public links, as those who make them and those who hold them see them.

use crate::{Target, bytes};
use anyhow::{Context as _, Result};
use bitvault_conformance::api::{Answer, Caller, sha256};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use std::io::Read as _;

const PASSWORD: &str = "a long walk in the rain";

pub(crate) async fn all(target: &Target) -> Result<()> {
    a_link_is_made_listed_changed_and_ended(target).await?;
    a_visitor_lists_and_downloads_without_signing_in(target).await?;
    a_link_that_only_shows_gives_no_bytes(target).await?;
    a_folder_comes_as_one_archive(target).await?;
    what_keeps_a_visitor_out_is_one_answer(target).await?;
    a_password_opens_the_page_and_the_api(target).await?;
    of_a_hundred_downloads_at_once_ten_are_given(target).await?;
    a_drop_box_takes_files_and_tells_nothing(target).await?;
    no_path_leads_out_of_the_link(target).await?;
    links_are_closed_while_the_tenant_allows_none(target).await?;
    a_link_of_another_tenant_does_not_exist(target).await
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

async fn folder(target: &Target, parent: &str, name: &str) -> Result<String> {
    let body = json!({"parent_id": parent, "name": name});
    let made = target.owner.post("/v1/folders", body).await?.ok()?;
    Ok(text(&made, "id").to_owned())
}

/// A link of the owner: the link, and its token.
async fn link(target: &Target, body: Value) -> Result<(Value, String)> {
    let made = target.owner.post("/v1/links", body).await?.ok()?;
    let url = text(&made, "url").to_owned();
    let token = url.rsplit('/').next().unwrap_or_default().to_owned();
    assert_eq!(url, format!("{}/s/{token}", target.daemon.url()));
    Ok((made, token))
}

fn visitor(target: &Target) -> Result<Caller> {
    Caller::anonymous(target.daemon.url())
}

async fn page(target: &Target, path: &str) -> Result<(StatusCode, String)> {
    let response = visitor(target)?.request(Method::GET, path).send().await?;
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let policy = response.headers()["content-security-policy"].to_str()?;
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_eq!(response.headers()["cache-control"], "no-store");
    Ok((response.status(), response.text().await?))
}

async fn patch(target: &Target, path: &str, body: Value) -> Result<Answer> {
    let response = target
        .owner
        .request(Method::PATCH, path)
        .json(&body)
        .send()
        .await?;
    Ok(Answer {
        status: response.status(),
        body: response.json().await?,
    })
}

async fn a_link_is_made_listed_changed_and_ended(target: &Target) -> Result<()> {
    let shared = folder(target, "root", "links: making").await?;
    let body = json!({"node_id": shared, "kind": "download", "label": "For Ada", "max_downloads": 3,
                      "expires_at": "2999-01-01T00:00:00Z"});
    let (made, _) = link(target, body).await?;
    let path = format!("/v1/links/{}", text(&made, "id"));
    let read = target.owner.get(&path).await?.ok()?;
    assert!(read.get("url").is_none(), "{read}");
    assert_eq!(
        (&read["label"], &read["has_password"]),
        (&json!("For Ada"), &json!(false))
    );
    for list in ["/v1/links".to_owned(), format!("/v1/links?node_id={shared}")] {
        let listed = target.owner.get(&list).await?.ok()?;
        assert!(
            listed["items"].as_array().context("no items")?.contains(&read),
            "{listed}"
        );
    }
    let change = json!({"label": null, "expires_at": null, "max_downloads": 5});
    let changed = patch(target, &path, change).await?.ok()?;
    assert!(changed.get("label").is_none() && changed.get("expires_at").is_none());
    assert_eq!(changed["max_downloads"], 5);
    assert_eq!(
        patch(target, &path, json!({})).await?.reason(),
        "nothing_to_change"
    );
    assert_eq!(
        patch(target, &path, json!({"kind": "view"})).await?.reason(),
        "body_invalid"
    );
    assert_eq!(target.owner.delete(&path).await?.status, StatusCode::NO_CONTENT);
    assert_eq!(target.owner.get(&path).await?.reason(), "link_not_found");
    let file = target.owner.upload(&shared, "a.txt", b"x").await?;
    let wrong = json!({"node_id": file["id"], "kind": "drop"});
    assert_eq!(
        target.owner.post("/v1/links", wrong).await?.reason(),
        "not_a_folder"
    );
    Ok(())
}

async fn a_visitor_lists_and_downloads_without_signing_in(target: &Target) -> Result<()> {
    let shared = folder(target, "root", "links: download").await?;
    let inner = folder(target, &shared, "inner & <more>").await?;
    let content = bytes(100_000, 7);
    target.owner.upload(&inner, "Zürich 東京.bin", &content).await?;
    let (_, token) = link(target, json!({"node_id": shared, "kind": "download"})).await?;
    let visitor = visitor(target)?;
    let about = visitor.get(&format!("/v1/public/{token}")).await?.ok()?;
    assert_eq!(about["kind"], "download");
    assert!(about["node"].get("parent_id").is_none(), "{about}");
    let listed = visitor
        .get(&format!(
            "/v1/public/{token}/children?path=/inner%20%26%20%3Cmore%3E"
        ))
        .await?
        .ok()?;
    assert_eq!(listed["items"][0]["sha256"], sha256(&content));

    let file = "path=/inner%20%26%20%3Cmore%3E/Z%C3%BCrich%20%E6%9D%B1%E4%BA%AC.bin";
    let place = visitor
        .get(&format!("/v1/public/{token}/content?redirect=false&{file}"))
        .await?
        .ok()?;
    let response = visitor.http.get(text(&place, "url")).send().await?;
    let disposition = response.headers()["content-disposition"].to_str()?;
    assert!(disposition.starts_with("attachment;"), "{disposition}");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let policy = response.headers()["content-security-policy"].to_str()?;
    assert!(policy.contains("sandbox"), "{policy}");
    assert_eq!(response.bytes().await?, content);

    let (status, top) = page(target, &format!("/s/{token}")).await?;
    assert_eq!(status, StatusCode::OK);
    assert!(
        top.contains("inner &amp; &lt;more&gt;") && !top.contains("<more>") && !top.contains("<script"),
        "{top}"
    );
    let (_, below) = page(target, &format!("/s/{token}?path=/inner%20%26%20%3Cmore%3E")).await?;
    assert!(below.contains("Zürich 東京.bin"), "{below}");
    let path = format!("/s/{token}/content?{file}");
    let redirect = visitor.request(Method::GET, &path).send().await?;
    assert_eq!(redirect.status(), StatusCode::FOUND);
    let downloaded = visitor
        .http
        .get(redirect.headers()["location"].to_str()?)
        .send()
        .await?;
    assert_eq!(downloaded.bytes().await?, content);
    // Who only looks at the head downloads nothing.
    let listed = target
        .owner
        .get(&format!("/v1/links?node_id={shared}"))
        .await?
        .ok()?;
    assert_eq!(listed["items"][0]["downloads"], 2);
    assert_eq!(
        visitor.request(Method::HEAD, &path).send().await?.status(),
        StatusCode::OK
    );
    let again = target
        .owner
        .get(&format!("/v1/links?node_id={shared}"))
        .await?
        .ok()?;
    assert_eq!(again, listed);
    Ok(())
}

async fn a_link_that_only_shows_gives_no_bytes(target: &Target) -> Result<()> {
    let shared = folder(target, "root", "links: view").await?;
    target.owner.upload(&shared, "a.txt", b"secret").await?;
    let (_, token) = link(target, json!({"node_id": shared, "kind": "view"})).await?;
    let visitor = visitor(target)?;
    let listed = visitor.get(&format!("/v1/public/{token}/children")).await?.ok()?;
    assert_eq!(listed["items"][0]["name"], "a.txt");
    for path in ["content?path=/a.txt", "zip"] {
        let answer = visitor.get(&format!("/v1/public/{token}/{path}")).await?;
        assert_eq!(
            (answer.status, answer.reason()),
            (StatusCode::FORBIDDEN, "link_view_only"),
            "{path}"
        );
        assert_eq!(
            page(target, &format!("/s/{token}/{path}")).await?.0,
            StatusCode::FORBIDDEN
        );
    }
    let (_, html) = page(target, &format!("/s/{token}")).await?;
    assert!(
        html.contains("a.txt") && !html.contains("/content") && !html.contains("/zip"),
        "{html}"
    );
    let start = json!({"name": "b.txt", "size": 1, "sha256": sha256(b"x")});
    assert_eq!(
        visitor
            .post(&format!("/v1/public/{token}/uploads"), start)
            .await?
            .reason(),
        "link_not_a_drop"
    );
    Ok(())
}

async fn read_zip(response: Response) -> Result<Vec<(String, Vec<u8>)>> {
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/zip");
    assert!(
        response.headers()["content-security-policy"]
            .to_str()?
            .contains("sandbox")
    );
    let archive = response.bytes().await?;
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive))?;
    let mut entries = Vec::new();
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at)?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        entries.push((entry.name()?.into_owned(), content));
    }
    entries.sort();
    Ok(entries)
}

async fn a_folder_comes_as_one_archive(target: &Target) -> Result<()> {
    let shared = folder(target, "root", "Räume: 2026").await?;
    let inner = folder(target, &shared, "inner").await?;
    folder(target, &shared, "empty").await?;
    let large = bytes(3_000_000, 3);
    target.owner.upload(&inner, "large.bin", &large).await?;
    target.owner.upload(&inner, "nothing.txt", b"").await?;
    target.owner.upload(&inner, "..\\evil.exe", b"no").await?;
    let (_, token) = link(
        target,
        json!({"node_id": shared, "kind": "download", "max_downloads": 2}),
    )
    .await?;
    let expected = [
        ("Räume_ 2026/", b"".to_vec()),
        ("Räume_ 2026/empty/", Vec::new()),
        ("Räume_ 2026/inner/", Vec::new()),
        ("Räume_ 2026/inner/.._evil.exe", b"no".to_vec()),
        ("Räume_ 2026/inner/large.bin", large.clone()),
        ("Räume_ 2026/inner/nothing.txt", Vec::new()),
    ];
    let expected = expected
        .map(|(name, content)| (name.to_owned(), content))
        .to_vec();
    let visitor = visitor(target)?;
    let response = visitor
        .request(Method::GET, &format!("/s/{token}/zip"))
        .send()
        .await?;
    assert!(read_zip(response).await? == expected, "the whole folder");
    // The second and last one; it goes on although no other is left.
    let path = format!("/v1/public/{token}/zip?path=/inner");
    let part = read_zip(visitor.request(Method::GET, &path).send().await?).await?;
    assert_eq!(part.len(), 4);
    assert_eq!(part[2], ("inner/large.bin".to_owned(), large));
    assert_eq!(visitor.get(&path).await?.reason(), "link_not_found");

    let own = target
        .owner
        .request(Method::GET, &format!("/v1/nodes/{shared}/zip"))
        .send()
        .await?;
    assert!(read_zip(own).await? == expected, "signed in");
    assert_eq!(
        visitor.get(&format!("/v1/nodes/{shared}/zip")).await?.reason(),
        "token_missing"
    );
    // A client that goes away ends it, and leaves its place to others.
    for _ in 0..20 {
        let path = format!("/v1/nodes/{shared}/zip");
        let mut response = target.owner.request(Method::GET, &path).send().await?;
        assert_eq!(response.status(), StatusCode::OK);
        response.chunk().await?.context("nothing was sent")?;
    }
    Ok(())
}

async fn what_keeps_a_visitor_out_is_one_answer(target: &Target) -> Result<()> {
    let shared = folder(target, "root", "links: closed").await?;
    let plain = json!({"node_id": shared, "kind": "download"});
    let (ended, ended_token) = link(target, plain.clone()).await?;
    target
        .owner
        .delete(&format!("/v1/links/{}", text(&ended, "id")))
        .await?
        .ok()?;
    let locked = json!({"node_id": shared, "kind": "download", "password": PASSWORD});
    let (_, locked) = link(target, locked).await?;
    let gone = folder(target, &shared, "gone").await?;
    let (_, gone_token) = link(target, json!({"node_id": gone, "kind": "view"})).await?;
    assert_eq!(page(target, &format!("/s/{gone_token}")).await?.0, StatusCode::OK);
    target.owner.delete(&format!("/v1/nodes/{gone}")).await?.ok()?;

    let visitor = visitor(target)?;
    let mut answers = Vec::new();
    let mut pages = Vec::new();
    for token in [
        &ended_token,
        &locked,
        &gone_token,
        &"bvl_nothing".to_owned(),
        &"%00".to_owned(),
    ] {
        for what in ["", "/children", "/content", "/zip"] {
            let answer = visitor.get(&format!("/v1/public/{token}{what}")).await?;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{token}{what}");
            let mut body = answer.body;
            body["trace_id"] = Value::Null;
            answers.push(body);
        }
        for what in ["", "/content", "/zip"] {
            pages.push(page(target, &format!("/s/{token}{what}")).await?);
        }
        let wrong = json!({"password": "not this one"});
        let mut body = visitor
            .post(&format!("/v1/public/{token}/key"), wrong)
            .await?
            .body;
        body["trace_id"] = Value::Null;
        answers.push(body);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert!(pages.iter().all(|page| *page == pages[0]));
    assert_eq!(pages[0].0, StatusCode::NOT_FOUND);
    Ok(())
}

async fn a_password_opens_the_page_and_the_api(target: &Target) -> Result<()> {
    let shared = folder(target, "root", "links: password").await?;
    target.owner.upload(&shared, "a.txt", b"hello").await?;
    let body = json!({"node_id": shared, "kind": "download", "password": PASSWORD});
    let (made, token) = link(target, body).await?;
    let visitor = visitor(target)?;
    let url = format!("/s/{token}");
    let send = |password: &'static str| {
        let request = visitor.request(Method::POST, &url);
        async move { request.form(&[("password", password)]).send().await }
    };
    let wrong = send("something else").await?;
    assert_eq!(wrong.status(), StatusCode::NOT_FOUND);
    assert!(wrong.headers().get("set-cookie").is_none());
    assert!(wrong.text().await?.contains("role=\"alert\""));
    let right = send(PASSWORD).await?;
    assert_eq!(right.status(), StatusCode::SEE_OTHER);
    assert_eq!(right.headers()["location"], url.as_str());
    let cookie = right.headers()["set-cookie"].to_str()?.to_owned();
    for part in [
        format!("Path=/s/{token}"),
        "HttpOnly".to_owned(),
        "SameSite=Strict".to_owned(),
    ] {
        assert!(cookie.contains(&part), "{cookie}");
    }
    let pair = cookie.split(';').next().unwrap_or_default().to_owned();
    let shown = visitor
        .request(Method::GET, &url)
        .header("cookie", &pair)
        .send()
        .await?;
    assert!(shown.text().await?.contains("a.txt"));

    let key = visitor
        .post(&format!("/v1/public/{token}/key"), json!({"password": PASSWORD}))
        .await?
        .ok()?;
    let with_key = |path: &str| {
        let request = visitor.request(Method::GET, &format!("/v1/public/{token}{path}"));
        request.header("bitvault-link-key", text(&key, "key")).send()
    };
    assert_eq!(with_key("/children").await?.status(), StatusCode::OK);
    // Another password ends the key and the cookie.
    let path = format!("/v1/links/{}", text(&made, "id"));
    patch(target, &path, json!({"password": "another long walk"}))
        .await?
        .ok()?;
    assert_eq!(with_key("/children").await?.status(), StatusCode::NOT_FOUND);
    let shown = visitor
        .request(Method::GET, &url)
        .header("cookie", &pair)
        .send()
        .await?;
    assert_eq!(shown.status(), StatusCode::NOT_FOUND);
    Ok(())
}

async fn of_a_hundred_downloads_at_once_ten_are_given(target: &Target) -> Result<()> {
    let shared = folder(target, "root", "links: limit").await?;
    let file = target.owner.upload(&shared, "a.txt", b"hello").await?;
    let (made, token) = link(
        target,
        json!({"node_id": file["id"], "kind": "download", "max_downloads": 10}),
    )
    .await?;
    let path = format!("/v1/public/{token}/content?redirect=false");
    let visitor = visitor(target)?;
    // What is refused for want of room may be asked again; it may have been counted, never more than counted.
    let ask = || async {
        let mut busy = 0;
        loop {
            let answer = visitor.get(&path).await?;
            match answer.status {
                StatusCode::OK => return anyhow::Ok((1, busy)),
                StatusCode::SERVICE_UNAVAILABLE => busy += 1,
                _ => {
                    assert_eq!(answer.reason(), "link_not_found");
                    return Ok((0, busy));
                }
            }
        }
    };
    let (mut given, mut busy) = (0, 0);
    for answer in futures::future::join_all((0..100).map(|_| ask())).await {
        let (one, refused) = answer?;
        given += one;
        busy += refused;
    }
    assert!(given <= 10 && given + busy >= 10, "{given} given, {busy} busy");
    let read = target
        .owner
        .get(&format!("/v1/links/{}", text(&made, "id")))
        .await?
        .ok()?;
    assert_eq!(read["downloads"], 10);
    assert_eq!(
        page(target, &format!("/s/{token}")).await?.0,
        StatusCode::NOT_FOUND
    );
    Ok(())
}

async fn a_drop_box_takes_files_and_tells_nothing(target: &Target) -> Result<()> {
    let shared = folder(target, "root", "links: drop").await?;
    target.owner.upload(&shared, "a.txt", b"mine").await?;
    let (_, token) = link(
        target,
        json!({"node_id": shared, "kind": "drop", "label": "Homework"}),
    )
    .await?;
    let visitor = visitor(target)?;
    let about = visitor.get(&format!("/v1/public/{token}")).await?.ok()?;
    assert_eq!(about, json!({"kind": "drop", "label": "Homework"}));
    let (_, html) = page(target, &format!("/s/{token}")).await?;
    assert!(
        html.contains("Homework") && !html.contains("a.txt") && !html.contains("links: drop"),
        "{html}"
    );
    for what in ["children", "content?path=/a.txt", "zip"] {
        let answer = visitor.get(&format!("/v1/public/{token}/{what}")).await?;
        assert_eq!(
            (answer.status, answer.reason()),
            (StatusCode::NOT_FOUND, "node_not_found"),
            "{what}"
        );
    }
    // The pages' own calls and the API's are the same.
    for base in ["/s", "/v1/public"] {
        let content = base.as_bytes();
        let start = json!({"name": "a.txt", "size": content.len(), "sha256": sha256(content)});
        let upload = visitor
            .post(&format!("{base}/{token}/uploads"), start)
            .await?
            .ok()?;
        let (status, _) = visitor.send_part(&upload["parts"][0], content).await?;
        assert!(status.is_success());
        let commit = format!("{base}/{token}/uploads/{}/commit", text(&upload, "upload_id"));
        for _ in 0..2 {
            let committed = visitor.post(&commit, json!({})).await?;
            assert_eq!(
                (committed.status, committed.body),
                (StatusCode::NO_CONTENT, Value::Null)
            );
        }
    }
    let listed = target
        .owner
        .get(&format!("/v1/nodes/{shared}/children"))
        .await?
        .ok()?;
    let names: Vec<&str> = listed["items"]
        .as_array()
        .context("no items")?
        .iter()
        .map(|node| text(node, "name"))
        .collect();
    assert_eq!(names, ["a (2).txt", "a (3).txt", "a.txt"]);
    for (body, reason) in [
        (
            json!({"name": "../a", "size": 1, "sha256": sha256(b"x")}),
            "name_invalid",
        ),
        (json!({"name": "a", "size": 1}), "sha256_missing"),
        (
            json!({"name": "a", "size": 1, "parent_id": "root"}),
            "body_invalid",
        ),
    ] {
        assert_eq!(
            visitor
                .post(&format!("/v1/public/{token}/uploads"), body)
                .await?
                .reason(),
            reason
        );
    }
    Ok(())
}

async fn links_are_closed_while_the_tenant_allows_none(target: &Target) -> Result<()> {
    let shared = folder(target, "root", "links: switched off").await?;
    let body = json!({"node_id": shared, "kind": "download"});
    let (_, token) = link(target, body.clone()).await?;
    let (_, inbox) = link(target, json!({"node_id": shared, "kind": "drop"})).await?;
    let settle = |makers: &'static str| {
        patch(
            target,
            "/v1/tenant",
            json!({"settings": {"public_links": makers}}),
        )
    };
    let file = json!({"name": "a.txt", "size": 1, "sha256": sha256(b"a")});
    settle("nobody").await?.ok()?;
    assert_eq!(
        page(target, &format!("/s/{token}")).await?.0,
        StatusCode::NOT_FOUND
    );
    let visitor = visitor(target)?;
    for path in ["", "/children", "/zip"] {
        let answer = visitor.get(&format!("/v1/public/{token}{path}")).await?;
        assert_eq!(answer.reason(), "link_not_found", "{path}");
    }
    let uploads = format!("/v1/public/{inbox}/uploads");
    assert_eq!(
        visitor.post(&uploads, file.clone()).await?.reason(),
        "link_not_found"
    );
    let refused = target.owner.post("/v1/links", body).await?;
    assert_eq!(
        (refused.status, refused.reason()),
        (StatusCode::FORBIDDEN, "public_links_denied")
    );
    settle("members").await?.ok()?;
    assert_eq!(page(target, &format!("/s/{token}")).await?.0, StatusCode::OK);
    visitor.post(&uploads, file).await?.ok()?;
    Ok(())
}

async fn no_path_leads_out_of_the_link(target: &Target) -> Result<()> {
    let shared = folder(target, "root", "links: inside").await?;
    folder(target, &shared, "inner").await?;
    target.owner.upload("root", "outside.txt", b"secret").await?;
    let (_, token) = link(target, json!({"node_id": shared, "kind": "download"})).await?;
    let visitor = visitor(target)?;
    for path in [
        "/..",
        "/../outside.txt",
        "/inner/../../outside.txt",
        "%2F..%2Foutside.txt",
        "/%2e%2e/outside.txt",
        "/..%5Coutside.txt",
        "/outside.txt",
        "/links: inside",
        "/%00",
        "/inner/.",
    ] {
        for what in ["children", "content", "zip"] {
            let answer = visitor
                .get(&format!("/v1/public/{token}/{what}?path={path}"))
                .await?;
            assert_eq!(
                (answer.status, answer.reason()),
                (StatusCode::NOT_FOUND, "node_not_found"),
                "{what} {path}"
            );
            if what != "children" {
                let (status, html) = page(target, &format!("/s/{token}/{what}?path={path}")).await?;
                assert!(
                    status == StatusCode::NOT_FOUND && !html.contains("secret"),
                    "{what} {path}"
                );
            }
        }
        assert_eq!(
            page(target, &format!("/s/{token}?path={path}")).await?.0,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let relative = visitor
        .get(&format!("/v1/public/{token}/children?path=inner"))
        .await?;
    assert_eq!(relative.reason(), "path_invalid");
    Ok(())
}

async fn a_link_of_another_tenant_does_not_exist(target: &Target) -> Result<()> {
    let shared = folder(target, "root", "links: mine").await?;
    let (made, _) = link(target, json!({"node_id": shared, "kind": "view"})).await?;
    target
        .daemon
        .command(&["admin", "create-tenant", "links-other"])?;
    let user = [
        "admin",
        "create-user",
        "--tenant",
        "links-other",
        "--email",
        "eve@example.org",
        "--role",
        "owner",
    ];
    target
        .daemon
        .command_with_input(&user, "correct-horse-battery-2\n")?;
    let eve = Caller::sign_in(target.daemon.url(), "eve@example.org", "correct-horse-battery-2").await?;
    let path = format!("/v1/links/{}", text(&made, "id"));
    assert_eq!(eve.get(&path).await?.reason(), "link_not_found");
    assert_eq!(eve.delete(&path).await?.reason(), "link_not_found");
    let response = eve
        .request(Method::PATCH, &path)
        .json(&json!({"label": "x"}))
        .send()
        .await?;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        eve.get(&format!("/v1/links?node_id={shared}")).await?.reason(),
        "node_not_found"
    );
    assert_eq!(eve.get("/v1/links").await?.ok()?["items"], json!([]));
    let body = json!({"node_id": shared, "kind": "view"});
    assert_eq!(eve.post("/v1/links", body).await?.reason(), "node_not_found");
    Ok(())
}
