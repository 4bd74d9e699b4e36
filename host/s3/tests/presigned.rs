//! What the holder of a presigned URL can and can't do, and what a browser needs.
#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod common;

use std::time::Duration;

use common::{BUCKET, Server, bytes, encode, now, sha256_base64, target};

const MINUTE: Duration = Duration::from_secs(60);

fn no_object_and_no_leftover(root: &std::path::Path) {
    assert!(common::files(&root.join("buckets")).is_empty());
    assert!(common::files(&root.join("tmp")).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_bound_to_a_hash_takes_that_body_once_and_nothing_else() {
    for length in [1000, 3_000_000] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path()).await;
        let client = &server.client;
        let body = bytes(1, length);
        let (sum, size) = (sha256_base64(&body), body.len().to_string());
        let headers = [
            ("x-amz-checksum-sha256", sum.as_str()),
            ("if-none-match", "*"),
            ("content-length", &size),
        ];
        let url = client.presign("PUT", &target("t/1/object"), &headers, MINUTE);

        let longer = [&body[..], b"x"].concat();
        let longer_size = longer.len().to_string();
        let with_length = [headers[0], headers[1], ("content-length", longer_size.as_str())];
        client.raw("PUT", &url, &with_length, longer).await.expect(403);
        no_object_and_no_leftover(folder.path());

        let answer = client
            .raw("PUT", &url, &headers, bytes(2, length))
            .await
            .expect(400);
        assert_eq!(answer.xml("Code").as_deref(), Some("BadDigest"));
        no_object_and_no_leftover(folder.path());

        let answer = client.raw("PUT", &url, &headers, body.clone()).await.expect(200);
        assert_eq!(answer.header("x-amz-checksum-sha256"), Some(sum.as_str()));
        let answer = client.raw("PUT", &url, &headers, body.clone()).await.expect(412);
        assert_eq!(answer.xml("Code").as_deref(), Some("PreconditionFailed"));
        let answer = client
            .send("GET", &target("t/1/object"), &[], "")
            .await
            .expect(200);
        assert!(answer.body == body);
        assert!(common::files(&folder.path().join("tmp")).is_empty());
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_header_can_be_neither_left_out_nor_changed() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let client = &server.client;
    let (sum, other) = (sha256_base64(b"hello"), sha256_base64(b"world"));
    let headers = [("x-amz-checksum-sha256", sum.as_str()), ("if-none-match", "*")];
    let url = client.presign("PUT", &target("k"), &headers, MINUTE);
    client.raw("PUT", &url, &headers[..1], "hello").await.expect(403);
    client.raw("PUT", &url, &headers[1..], "hello").await.expect(403);
    client
        .raw(
            "PUT",
            &url,
            &[("x-amz-checksum-sha256", &other), headers[1]],
            "world",
        )
        .await
        .expect(403);
    client.raw("GET", &url, &headers, "").await.expect(403);
    client.raw("DELETE", &url, &headers, "").await.expect(403);
    client
        .raw("PUT", &url.replace("/k?", "/l?"), &headers, "hello")
        .await
        .expect(403);
    client
        .raw(
            "PUT",
            &url.replace("Expires=60", "Expires=6000"),
            &headers,
            "hello",
        )
        .await
        .expect(403);
    client
        .raw(
            "PUT",
            &format!("{url}&partNumber=1&uploadId=x"),
            &headers,
            "hello",
        )
        .await
        .expect(403);
    no_object_and_no_leftover(folder.path());
    client.raw("PUT", &url, &headers, "hello").await.expect(200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsigned_amz_header_is_refused_so_a_put_cannot_become_a_copy() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let client = &server.client;
    client
        .send("PUT", &target("victim/secret"), &[], "secret")
        .await
        .expect(200);
    let url = client.presign("PUT", &target("mine"), &[], MINUTE);
    let source = format!("/{BUCKET}/victim/secret");
    let copy = ("x-amz-copy-source", source.as_str());
    client.raw("PUT", &url, &[copy], "").await.expect(403);
    // The same with the query's names spelt so that a naive look misses them, and a list of one's own beside it.
    let disguised = url
        .replace("X-Amz-SignedHeaders", "X%2DAmz-SignedHeaders")
        .replace("X-Amz-Signature", "X%2DAmz-Signature");
    let own_list = (
        "authorization",
        "AWS4-HMAC-SHA256 Credential=a/b/c/s3/aws4_request, SignedHeaders=x-amz-copy-source, Signature=0",
    );
    client
        .raw("PUT", &disguised, &[copy, own_list], "")
        .await
        .expect(403);
    client
        .raw("PUT", &url, &[("x-amz-meta-a", "b")], "")
        .await
        .expect(403);
    client.send("GET", &target("mine"), &[], "").await.expect(404);
    // Signed, it is a copy.
    client.send("PUT", &target("mine"), &[copy], "").await.expect(200);
    assert_eq!(
        client
            .send("GET", &target("mine"), &[], "")
            .await
            .expect(200)
            .text(),
        "secret"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_an_anonymous_and_a_version_2_request_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let client = &server.client;
    client.send("PUT", &target("k"), &[], "hello").await.expect(200);
    let before = now() - Duration::from_secs(120);
    let url = client.presign_at("GET", &target("k"), &[], MINUTE, before);
    client.raw("GET", &url, &[], "").await.expect(403);
    let plain = format!("{}{}", client.base, target("k"));
    client.raw("GET", &plain, &[], "").await.expect(403);
    client
        .raw(
            "GET",
            &plain,
            &[("authorization", "AWS test-access-key:c2ln")],
            "",
        )
        .await
        .expect(403);
    let old = format!("{plain}?AWSAccessKeyId=test-access-key&Expires=99999999999&Signature=c2ln");
    client.raw("GET", &old, &[], "").await.expect(403);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_opens_the_signed_range_and_sets_the_signed_answer_headers() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let client = &server.client;
    let body = bytes(7, 2_000_000);
    client
        .send(
            "PUT",
            &target("pack"),
            &[("content-type", "text/plain")],
            body.clone(),
        )
        .await
        .expect(200);
    let range = [("range", "bytes=1000-1999999")];
    let disposition = "attachment; filename=\"ä b.txt\"";
    let query = format!(
        "{}?response-content-type={}&response-content-disposition={}",
        target("pack"),
        encode("image/png"),
        encode("attachment; filename=\"a b.txt\"")
    );
    let url = client.presign("GET", &query, &range, MINUTE);
    let answer = client.raw("GET", &url, &range, "").await.expect(206);
    assert!(answer.body == body[1000..]);
    assert_eq!(answer.header("content-range"), Some("bytes 1000-1999999/2000000"));
    assert_eq!(answer.header("content-length"), Some("1999000"));
    assert_eq!(answer.header("content-type"), Some("image/png"));
    assert_eq!(
        answer.header("content-disposition"),
        Some("attachment; filename=\"a b.txt\"")
    );
    client
        .raw("GET", &url, &[("range", "bytes=0-999")], "")
        .await
        .expect(403);
    client.raw("GET", &url, &[], "").await.expect(403);
    client
        .raw("GET", &url.replace("image", "text"), &range, "")
        .await
        .expect(403);
    assert!(!disposition.is_ascii());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_an_allowed_origin_may_put_and_read_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let client = &server.client;
    let origin = ("origin", "http://app.example:8080");
    let url = client.presign("PUT", &target("k"), &[("if-none-match", "*")], MINUTE);
    let asked = "content-type,if-none-match,x-amz-checksum-sha256,traceparent,tracestate";
    let preflight = [
        origin,
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", asked),
    ];
    let answer = client.raw("OPTIONS", &url, &preflight, "").await.expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), Some(origin.1));
    assert!(
        answer
            .header("access-control-allow-methods")
            .unwrap()
            .contains("PUT")
    );
    let allowed = answer.header("access-control-allow-headers").unwrap();
    assert!(
        asked
            .split(',')
            .all(|name| allowed.split(',').any(|one| one.trim() == name)),
        "{allowed}"
    );

    let answer = client
        .raw("PUT", &url, &[origin, ("if-none-match", "*")], "hello")
        .await
        .expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), Some(origin.1));
    let exposed = answer.header("access-control-expose-headers").unwrap();
    assert!(
        exposed.contains("etag") && exposed.contains("x-amz-checksum-sha256"),
        "{exposed}"
    );
    // Refusals can be read as well.
    let answer = client
        .raw("PUT", &url, &[origin, ("if-none-match", "*")], "hello")
        .await
        .expect(412);
    assert_eq!(answer.header("access-control-allow-origin"), Some(origin.1));

    let foreign = [("origin", "http://evil.example"), preflight[1], preflight[2]];
    assert_eq!(
        client
            .raw("OPTIONS", &url, &foreign, "")
            .await
            .header("access-control-allow-origin"),
        None
    );
    server.stop().await;
}
