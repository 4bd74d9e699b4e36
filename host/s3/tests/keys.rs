//! Any key is an ordinary key, and folders come and go under load.
#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod common;

use std::collections::BTreeSet;

use common::{BUCKET, Server, encode, target};

fn strange_keys() -> Vec<String> {
    let mut keys: Vec<String> = [
        "a",
        "a/b",
        "a/",
        "a//b",
        "/",
        "//",
        "/a",
        "..",
        "../x",
        "a/../../etc",
        ".",
        "./.",
        "a@",
        "a,",
        "a~",
        "a%41",
        "%",
        "a b",
        "a+b",
        "é/ü",
        "日本語",
        "\u{1}\u{1f}",
        "\u{7f}",
        "a\tb",
        "a:b*c?d",
        "a.b",
        "a-b",
        "a!",
        "tmp/0",
        "~",
        "\\",
    ]
    .map(str::to_owned)
    .to_vec();
    keys.extend([
        "x".repeat(1024),
        "y/".repeat(512),
        "\u{2}".repeat(1024),
        "z".repeat(200),
        "z".repeat(199),
        "z".repeat(201),
    ]);
    keys.push(format!("{}/b", "z".repeat(200)));
    keys.push("é".repeat(512));
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn strange_keys_are_stored_listed_in_order_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let client = &server.client;
    let keys: BTreeSet<String> = strange_keys().into_iter().collect();
    for key in &keys {
        client
            .send("PUT", &target(key), &[], key.clone())
            .await
            .expect(200);
    }
    for key in &keys {
        assert_eq!(
            client.send("GET", &target(key), &[], "").await.expect(200).text(),
            *key
        );
    }
    client
        .send("PUT", &target(&"x".repeat(1025)), &[], "")
        .await
        .expect(400);

    for page in [1, 3, 1000] {
        let (mut listed, mut token) = (Vec::new(), String::new());
        loop {
            let query = format!("/{BUCKET}?encoding-type=url&list-type=2&max-keys={page}{token}");
            let answer = client.send("GET", &query, &[], "").await.expect(200);
            listed.extend(answer.xml_all("Key"));
            let Some(next) = answer.xml("NextContinuationToken") else {
                break;
            };
            // Sorted query parameters, as SigV4 signs them.
            token = format!("&continuation-token={}", encode(&next));
        }
        let wanted: Vec<String> = keys.iter().map(|key| encode(key)).collect();
        assert_eq!(listed, wanted);
    }
    // Version 1 pages with markers, rolled up.
    let (mut seen, mut marker) = (Vec::new(), String::new());
    loop {
        let query = format!("/{BUCKET}?delimiter=%2F&encoding-type=url&marker={marker}&max-keys=2");
        let answer = client.send("GET", &query, &[], "").await.expect(200);
        seen.extend(answer.xml_all("Key"));
        seen.extend(
            answer
                .text()
                .split("<CommonPrefixes><Prefix>")
                .skip(1)
                .map(|rest| rest.split('<').next().unwrap().to_owned()),
        );
        let Some(next) = answer.xml("NextMarker") else {
            break;
        };
        marker = next;
    }
    let rolled: BTreeSet<String> = keys
        .iter()
        .map(|key| key.find('/').map_or(key.clone(), |at| key[..=at].to_owned()))
        .map(|key| encode(&key))
        .collect();
    assert_eq!(seen.iter().cloned().collect::<BTreeSet<_>>(), rolled);
    assert_eq!(seen.len(), rolled.len(), "something was listed twice");

    for key in &keys {
        client.send("DELETE", &target(key), &[], "").await.expect(204);
        client.send("GET", &target(key), &[], "").await.expect(404);
    }
    let left = std::fs::read_dir(folder.path().join("buckets").join(BUCKET))
        .unwrap()
        .count();
    assert_eq!(left, 0, "empty folders stay");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_survives_the_removal_of_its_folder_by_a_delete() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let tasks = (0..8).map(|number| {
        let client = server.client.clone();
        tokio::spawn(async move {
            let key = target(&format!("shared/deep/folder/{number}"));
            for round in 0..60 {
                let body = format!("{number}-{round}");
                client.send("PUT", &key, &[], body.clone()).await.expect(200);
                assert_eq!(client.send("GET", &key, &[], "").await.expect(200).text(), body);
                client.send("DELETE", &key, &[], "").await.expect(204);
            }
        })
    });
    for task in futures::future::join_all(tasks).await {
        task.unwrap();
    }
    assert!(common::files(&folder.path().join("tmp")).is_empty());
    assert_eq!(
        std::fs::read_dir(folder.path().join("buckets").join(BUCKET))
            .unwrap()
            .count(),
        0
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_keys_are_deleted_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let client = &server.client;
    for key in ["a", "b/c", "d"] {
        client.send("PUT", &target(key), &[], "x").await.expect(200);
    }
    let body = "<Delete><Object><Key>a</Key></Object><Object><Key>b/c</Key></Object><Object><Key>none</Key></Object></Delete>";
    let md5 = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(
            <s3s::crypto::Md5 as s3s::crypto::Checksum>::checksum(body.as_bytes()),
        )
    };
    let answer = client
        .send(
            "POST",
            &format!("/{BUCKET}?delete="),
            &[("content-md5", &md5)],
            body,
        )
        .await
        .expect(200);
    assert_eq!(answer.xml_all("Deleted").len(), 3, "{}", answer.text());
    let left = client
        .send("GET", &format!("/{BUCKET}?list-type=2"), &[], "")
        .await
        .expect(200);
    assert_eq!(left.xml_all("Key"), ["d"]);
    server.stop().await;
}
