//! Conditional writes and reads, checksums, metadata, copies, buckets.
#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod common;

use common::{BUCKET, Server, bytes, sha256_base64, target};

#[tokio::test(flavor = "multi_thread")]
async fn of_32_puts_with_if_none_match_exactly_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    for round in 0..20 {
        let key = target(&format!("new/folder/{round}/deep/key"));
        let puts = (0..32).map(|number| {
            let (client, key) = (server.client.clone(), key.clone());
            tokio::spawn(async move {
                let answer = client
                    .send("PUT", &key, &[("if-none-match", "*")], format!("writer {number}"))
                    .await;
                (number, answer.status.as_u16())
            })
        });
        let answers: Vec<_> = futures::future::join_all(puts)
            .await
            .into_iter()
            .map(|put| put.unwrap())
            .collect();
        let winners: Vec<_> = answers.iter().filter(|answer| answer.1 == 200).collect();
        assert_eq!(winners.len(), 1, "{answers:?}");
        assert!(answers.iter().all(|answer| [200, 412].contains(&answer.1)));
        let kept = server.client.send("GET", &key, &[], "").await.expect(200).text();
        assert_eq!(kept, format!("writer {}", winners[0].0));
    }
    assert!(common::files(&folder.path().join("tmp")).is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn if_match_lets_each_state_be_replaced_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let client = &server.client;
    client
        .send("PUT", &target("k"), &[("if-match", "\"none-1\"")], "0")
        .await
        .expect(404);
    let first = client.send("PUT", &target("k"), &[], "1").await.expect(200);
    let etag = first.header("etag").unwrap().to_owned();
    let puts = (0..16).map(|number| {
        let (client, etag) = (client.clone(), etag.clone());
        tokio::spawn(async move {
            client
                .send("PUT", &target("k"), &[("if-match", &etag)], format!("v{number}"))
                .await
                .status
                .as_u16()
        })
    });
    let answers: Vec<_> = futures::future::join_all(puts)
        .await
        .into_iter()
        .map(|put| put.unwrap())
        .collect();
    assert_eq!(
        answers.iter().filter(|status| **status == 200).count(),
        1,
        "{answers:?}"
    );
    client
        .send("DELETE", &target("k"), &[("if-match", &etag)], "")
        .await
        .expect(412);
    client
        .send("GET", &target("k"), &[("if-match", &etag)], "")
        .await
        .expect(412);
    let now = client.send("HEAD", &target("k"), &[], "").await.expect(200);
    client
        .send(
            "GET",
            &target("k"),
            &[("if-none-match", now.header("etag").unwrap())],
            "",
        )
        .await
        .expect(304);
    let since = now.header("last-modified").unwrap();
    client
        .send("GET", &target("k"), &[("if-modified-since", since)], "")
        .await
        .expect(304);
    client
        .send("GET", &target("k"), &[("if-unmodified-since", since)], "")
        .await
        .expect(200);
    client
        .send(
            "GET",
            &target("k"),
            &[("if-unmodified-since", "Sat, 01 Jan 2000 00:00:00 GMT")],
            "",
        )
        .await
        .expect(412);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_checksum_is_found_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let client = &server.client;
    // Of "hello", each computed with another implementation.
    let right = [
        ("x-amz-checksum-crc32", "NhCmhg=="),
        ("x-amz-checksum-crc32c", "mnG7TA=="),
        ("x-amz-checksum-sha1", "qvTGHdzF6KLavt4PO0gs2a6pQ00="),
        (
            "x-amz-checksum-sha256",
            "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
        ),
        ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
    ];
    for header in right {
        client
            .send("PUT", &target("k"), &[header], "hellO")
            .await
            .expect(400);
        client.send("GET", &target("k"), &[], "").await.expect(404);
        client
            .send("PUT", &target("k"), &[header], "hello")
            .await
            .expect(200);
        client.send("DELETE", &target("k"), &[], "").await.expect(204);
    }
    client
        .send(
            "PUT",
            &target("k"),
            &[("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=")],
            "hello",
        )
        .await
        .expect(400);
    assert!(common::files(&folder.path().join("tmp")).is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_metadata_and_checksum_come_back_with_the_object() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let client = &server.client;
    let kept = [
        ("content-type", "text/x-test"),
        ("cache-control", "no-store"),
        ("content-language", "de"),
        ("content-disposition", "inline"),
        ("content-encoding", "gzip"),
        ("x-amz-meta-owner", "me"),
    ];
    let body = bytes(3, 400_000);
    let put = client
        .send("PUT", &target("k"), &kept, body.clone())
        .await
        .expect(200);
    for (method, status) in [("GET", 200), ("HEAD", 200)] {
        let answer = client
            .send(method, &target("k"), &[("x-amz-checksum-mode", "ENABLED")], "")
            .await
            .expect(status);
        for (name, value) in kept {
            assert_eq!(answer.header(name), Some(value), "{method}");
        }
        assert_eq!(answer.header("content-length"), Some("400000"));
        assert_eq!(answer.header("accept-ranges"), Some("bytes"));
        assert_eq!(
            answer.header("x-amz-checksum-sha256"),
            Some(sha256_base64(&body).as_str())
        );
        assert_eq!(answer.header("etag"), put.header("etag"));
    }
    // Not to be taken for an MD5.
    let etag = put.header("etag").unwrap().trim_matches('"').to_owned();
    assert!(etag.len() != 32 && etag.ends_with("-1"), "{etag}");

    let source = format!("/{BUCKET}/k");
    client
        .send("PUT", &target("copy"), &[("x-amz-copy-source", &source)], "")
        .await
        .expect(200);
    let copy = client.send("GET", &target("copy"), &[], "").await.expect(200);
    assert!(copy.body == body);
    assert_eq!(copy.header("x-amz-meta-owner"), Some("me"));
    let replace = [
        ("x-amz-copy-source", source.as_str()),
        ("x-amz-metadata-directive", "REPLACE"),
        ("x-amz-meta-a", "b"),
    ];
    client
        .send("PUT", &target("copy"), &replace, "")
        .await
        .expect(200);
    let copy = client.send("HEAD", &target("copy"), &[], "").await.expect(200);
    assert_eq!(
        (copy.header("x-amz-meta-owner"), copy.header("x-amz-meta-a")),
        (None, Some("b"))
    );
    client
        .send("PUT", &target("k"), &[("x-amz-copy-source", &source)], "")
        .await
        .expect(400);
    let missing = [
        ("x-amz-copy-source", source.as_str()),
        ("x-amz-copy-source-if-match", "\"x\""),
    ];
    client
        .send("PUT", &target("copy"), &missing, "")
        .await
        .expect(412);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_are_cut_from_small_and_large_objects() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let client = &server.client;
    for length in [10usize, 70_000, 3_000_000] {
        let body = bytes(4, length);
        client
            .send("PUT", &target("k"), &[], body.clone())
            .await
            .expect(200);
        for (range, bounds) in [
            ("bytes=0-0".to_owned(), 0..1),
            ("bytes=3-".to_owned(), 3..length),
            ("bytes=-4".to_owned(), length - 4..length),
            (format!("bytes=1-{length}"), 1..length),
        ] {
            let answer = client
                .send("GET", &target("k"), &[("range", &range)], "")
                .await
                .expect(206);
            assert!(answer.body == body[bounds], "{range} of {length}");
        }
        client
            .send("GET", &target("k"), &[("range", &format!("bytes={length}-"))], "")
            .await
            .expect(416);
    }
    client.send("PUT", &target("empty"), &[], "").await.expect(200);
    assert_eq!(
        client
            .send("GET", &target("empty"), &[], "")
            .await
            .expect(200)
            .body
            .len(),
        0
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buckets_are_made_listed_and_removed_when_empty() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let client = &server.client;
    client.send("PUT", "/other-bucket", &[], "").await.expect(200);
    client.send("PUT", "/other-bucket", &[], "").await.expect(409);
    client.send("PUT", "/Not_A_Bucket", &[], "").await.expect(400);
    assert_eq!(
        client.send("GET", "/", &[], "").await.expect(200).xml_all("Name"),
        ["other-bucket", BUCKET]
    );
    client
        .send("PUT", "/other-bucket/a/b", &[], "x")
        .await
        .expect(200);
    client.send("DELETE", "/other-bucket", &[], "").await.expect(409);
    client
        .send("DELETE", "/other-bucket/a/b", &[], "")
        .await
        .expect(204);
    client.send("HEAD", "/other-bucket", &[], "").await.expect(200);
    client.send("DELETE", "/other-bucket", &[], "").await.expect(204);
    client.send("HEAD", "/other-bucket", &[], "").await.expect(404);
    client
        .send("PUT", "/other-bucket/a/b", &[], "x")
        .await
        .expect(404);
    assert_eq!(
        client
            .send("GET", &format!("/{BUCKET}?location"), &[], "")
            .await
            .expect(200)
            .status,
        200
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_folder_is_served_by_one_endpoint() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let second = bitvault_s3::Endpoint::open(common::config(folder.path()));
    assert!(matches!(second, Err(bitvault_s3::Error::Locked(_))));
    server
        .client
        .send("PUT", &target("k"), &[], "x")
        .await
        .expect(200);
    server.stop().await;
    let server = Server::start(folder.path()).await;
    assert_eq!(
        server
            .client
            .send("GET", &target("k"), &[], "")
            .await
            .expect(200)
            .text(),
        "x"
    );
    server.stop().await;
}
