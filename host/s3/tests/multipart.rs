//! Multipart uploads: validation, no copying, restarts, and completing twice.
#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{Answer, BUCKET, Client, Server, bytes, sha256_base64, target};
use sha2::{Digest, Sha256};

const PART: usize = 5 << 20;

async fn create(client: &Client, key: &str, headers: common::Headers<'_>) -> String {
    let answer = client
        .send("POST", &format!("{}?uploads=", target(key)), headers, "")
        .await
        .expect(200);
    answer.xml("UploadId").unwrap()
}

async fn part(client: &Client, key: &str, id: &str, number: u32, body: bytes::Bytes) -> String {
    let query = format!("{}?partNumber={number}&uploadId={id}", target(key));
    client
        .send("PUT", &query, &[], body)
        .await
        .expect(200)
        .header("etag")
        .unwrap()
        .to_owned()
}

fn manifest(parts: &[(u32, &str)]) -> String {
    let parts: String = parts
        .iter()
        .map(|(number, etag)| format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"))
        .collect();
    format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>")
}

async fn complete(
    client: &Client,
    key: &str,
    id: &str,
    headers: common::Headers<'_>,
    parts: &[(u32, &str)],
) -> Answer {
    client
        .send(
            "POST",
            &format!("{}?uploadId={id}", target(key)),
            headers,
            manifest(parts),
        )
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_in_any_order_become_one_object_of_the_named_ones() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let client = &server.client;
    let id = create(
        client,
        "big",
        &[("content-type", "video/x-test"), ("x-amz-meta-a", "b")],
    )
    .await;
    let last = part(client, "big", &id, 9, bytes(9, 1000)).await;
    let second = part(client, "big", &id, 2, bytes(2, PART + 1)).await;
    part(client, "big", &id, 1, bytes(100, PART)).await;
    let first = part(client, "big", &id, 1, bytes(1, PART)).await;
    part(client, "big", &id, 5, bytes(5, PART)).await;

    for (parts, code) in [
        (
            vec![(2, second.as_str()), (1, first.as_str())],
            "InvalidPartOrder",
        ),
        (vec![(1, first.as_str()), (1, first.as_str())], "InvalidPartOrder"),
        (vec![(1, second.as_str())], "InvalidPart"),
        (vec![(3, first.as_str())], "InvalidPart"),
        (
            vec![(1, first.as_str()), (9, last.as_str()), (10, last.as_str())],
            "EntityTooSmall",
        ),
    ] {
        if code == "EntityTooSmall" {
            part(client, "big", &id, 10, bytes(9, 1000)).await;
        }
        let answer = complete(client, "big", &id, &[], &parts).await.expect(400);
        assert_eq!(answer.xml("Code").as_deref(), Some(code));
    }
    let listed = client
        .send("GET", &format!("{}?uploadId={id}", target("big")), &[], "")
        .await
        .expect(200);
    assert_eq!(listed.xml_all("PartNumber"), ["1", "2", "5", "9", "10"]);
    let uploads = client
        .send("GET", &format!("/{BUCKET}?prefix=bi&uploads="), &[], "")
        .await
        .expect(200);
    assert_eq!(uploads.xml_all("UploadId"), [id.as_str()]);
    let none = client
        .send("GET", &format!("/{BUCKET}?prefix=x&uploads="), &[], "")
        .await
        .expect(200);
    assert!(none.xml("UploadId").is_none());
    client.send("GET", &target("big"), &[], "").await.expect(404);

    let named = [(1, first.as_str()), (2, second.as_str()), (9, last.as_str())];
    let done = complete(client, "big", &id, &[], &named).await.expect(200);
    let whole = [bytes(1, PART), bytes(2, PART + 1), bytes(9, 1000)].concat();
    let answer = client
        .send("GET", &target("big"), &[("x-amz-checksum-mode", "ENABLED")], "")
        .await
        .expect(200);
    assert!(answer.body == whole);
    assert_eq!(answer.header("etag").map(str::to_owned), done.xml("ETag"));
    assert_eq!(answer.header("content-type"), Some("video/x-test"));
    assert_eq!(answer.header("x-amz-meta-a"), Some("b"));
    // The checksum of the parts' checksums, as S3 defines it.
    let digests = [&bytes(1, PART), &bytes(2, PART + 1), &bytes(9, 1000)]
        .map(Sha256::digest)
        .concat();
    let composite = format!("{}-3", STANDARD.encode(Sha256::digest(digests)));
    assert_eq!(answer.header("x-amz-checksum-sha256"), Some(composite.as_str()));
    let middle = format!("bytes={}-{}", PART - 3, 2 * PART + 4);
    let answer = client
        .send("GET", &target("big"), &[("range", &middle)], "")
        .await
        .expect(206);
    assert!(answer.body == whole[PART - 3..2 * PART + 5]);
    let answer = client
        .send("GET", &format!("{}?partNumber=2", target("big")), &[], "")
        .await
        .expect(206);
    assert!(answer.body == bytes(2, PART + 1));

    // A client whose answer was lost asks again, and a copy is one plain object.
    let again = complete(client, "big", &id, &[], &named).await.expect(200);
    assert_eq!(again.xml("ETag"), done.xml("ETag"));
    let source = format!("/{BUCKET}/big");
    client
        .send("PUT", &target("copy"), &[("x-amz-copy-source", &source)], "")
        .await
        .expect(200);
    assert!(
        client
            .send("GET", &target("copy"), &[], "")
            .await
            .expect(200)
            .body
            == whole
    );
    assert!(common::files(&folder.path().join("uploads")).is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_after_a_restart_and_a_torn_log_line_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let id = create(&server.client, "k", &[]).await;
    let first = part(&server.client, "k", &id, 1, bytes(1, PART)).await;
    server.stop().await;
    let log = folder.path().join("uploads").join(format!("{id}.log"));
    let mut torn = std::fs::read(&log).unwrap();
    let whole = torn.len();
    let line = torn[torn[..whole - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1..].to_vec();
    torn.extend(&line[..line.len() / 2]);
    std::fs::write(&log, torn).unwrap();
    std::fs::write(folder.path().join("uploads/stray.data"), b"x").unwrap();
    std::fs::write(folder.path().join("tmp/17"), b"x").unwrap();

    let server = Server::start(folder.path()).await;
    let client = &server.client;
    assert!(common::files(&folder.path().join("tmp")).is_empty());
    assert!(!folder.path().join("uploads/stray.data").exists());
    let listed = client
        .send("GET", &format!("{}?uploadId={id}", target("k")), &[], "")
        .await
        .expect(200);
    assert_eq!(listed.xml_all("PartNumber"), ["1"]);
    let second = part(client, "k", &id, 2, bytes(2, 10)).await;
    complete(client, "k", &id, &[], &[(1, &first), (2, &second)])
        .await
        .expect(200);
    let answer = client.send("GET", &target("k"), &[], "").await.expect(200);
    assert!(answer.body == [bytes(1, PART), bytes(2, 10)].concat());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn complete_obeys_if_none_match_and_an_aborted_upload_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let client = &server.client;
    client.send("PUT", &target("k"), &[], "there").await.expect(200);
    let id = create(client, "k", &[]).await;
    let etag = part(client, "k", &id, 1, bytes(1, 100)).await;
    complete(client, "k", &id, &[("if-none-match", "*")], &[(1, &etag)])
        .await
        .expect(412);
    assert_eq!(
        client.send("GET", &target("k"), &[], "").await.expect(200).text(),
        "there"
    );
    client.send("DELETE", &target("k"), &[], "").await.expect(204);
    complete(client, "k", &id, &[("if-none-match", "*")], &[(1, &etag)])
        .await
        .expect(200);
    assert!(client.send("GET", &target("k"), &[], "").await.expect(200).body == bytes(1, 100));

    let id = create(client, "l", &[]).await;
    let etag = part(client, "l", &id, 1, bytes(1, 100)).await;
    let query = format!("{}?uploadId={id}", target("l"));
    client.send("DELETE", &query, &[], "").await.expect(204);
    client.send("DELETE", &query, &[], "").await.expect(404);
    complete(client, "l", &id, &[], &[(1, &etag)]).await.expect(404);
    client
        .send(
            "PUT",
            &format!("{}?partNumber=1&uploadId={id}", target("l")),
            &[],
            "x",
        )
        .await
        .expect(404);
    assert!(common::files(&folder.path().join("uploads")).is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_with_a_wrong_checksum_is_not_received_and_its_space_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let client = &server.client;
    let id = create(client, "k", &[]).await;
    let body = bytes(1, PART);
    let sum = sha256_base64(&body);
    let query = format!("{}?partNumber=1&uploadId={id}", target("k"));
    for seed in 2..6 {
        client
            .send(
                "PUT",
                &query,
                &[("x-amz-checksum-sha256", &sum)],
                bytes(seed, PART),
            )
            .await
            .expect(400);
    }
    let listed = client
        .send("GET", &format!("{}?uploadId={id}", target("k")), &[], "")
        .await
        .expect(200);
    assert!(listed.xml("PartNumber").is_none());
    let answer = client
        .send("PUT", &query, &[("x-amz-checksum-sha256", &sum)], body.clone())
        .await
        .expect(200);
    let etag = answer.header("etag").unwrap().to_owned();
    let data = folder.path().join("uploads").join(format!("{id}.data"));
    assert_eq!(std::fs::metadata(&data).unwrap().len(), PART as u64);
    complete(client, "k", &id, &[], &[(1, &etag)]).await.expect(200);
    assert!(client.send("GET", &target("k"), &[], "").await.expect(200).body == body);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_crc_of_the_whole_is_combined_from_the_parts() {
    use s3s::crypto::{Checksum, Crc32, Crc64Nvme};
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let client = &server.client;
    let whole = [bytes(1, PART), bytes(2, 777)].concat();
    for (name, header, sum) in [
        (
            "CRC32",
            "x-amz-checksum-crc32",
            STANDARD.encode(Crc32::checksum(&whole)),
        ),
        (
            "CRC64NVME",
            "x-amz-checksum-crc64nvme",
            STANDARD.encode(Crc64Nvme::checksum(&whole)),
        ),
    ] {
        let kind = [
            ("x-amz-checksum-algorithm", name),
            ("x-amz-checksum-type", "FULL_OBJECT"),
        ];
        let id = create(client, "k", &kind).await;
        let first = part(client, "k", &id, 1, bytes(1, PART)).await;
        let second = part(client, "k", &id, 2, bytes(2, 777)).await;
        let parts = [(1, first.as_str()), (2, second.as_str())];
        let wrong = STANDARD.encode([0; 8]);
        complete(client, "k", &id, &[(header, &wrong)], &parts)
            .await
            .expect(400);
        complete(client, "k", &id, &[(header, &sum)], &parts)
            .await
            .expect(200);
        let answer = client
            .send("HEAD", &target("k"), &[("x-amz-checksum-mode", "ENABLED")], "")
            .await
            .expect(200);
        assert_eq!(answer.header(header), Some(sum.as_str()));
        assert_eq!(answer.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    }
    server.stop().await;
}
