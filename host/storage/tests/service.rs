//! The service on real stores: what files asks for, and what must not work with what it hands out.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests; a panic is how a test fails"
)]

mod support;

use bitvault_conformance::stores::Kind;
use bitvault_proto::internal::v1 as rpc;
use bitvault_proto::internal::v1::storage_service_server::StorageService as _;
use bitvault_proto::v1::UploadedPart;
use bitvault_storage::{Readiness, Storage};
use std::time::Duration;
use support::{Running, config, open, presign_put, ready, send, sha256};
use tonic::Request;

async fn head(storage: &Storage, keys: &[&str]) -> Vec<Option<rpc::StoredObject>> {
    let keys = keys.iter().map(|&key| key.to_owned()).collect();
    let answer = storage
        .head_objects(Request::new(rpc::HeadObjectsRequest { keys }))
        .await
        .unwrap();
    answer
        .into_inner()
        .results
        .into_iter()
        .map(|result| result.object)
        .collect()
}

async fn delete(storage: &Storage, keys: &[&str]) {
    let keys = keys.iter().map(|&key| key.to_owned()).collect();
    let answer = storage
        .delete_objects(Request::new(rpc::DeleteObjectsRequest { keys }))
        .await
        .unwrap();
    assert_eq!(answer.into_inner().failures, vec![]);
}

async fn objects_live_and_die(running: &Running) {
    let storage = ready(running, "tenant files/").await;
    let key = "t/ü b+c%2F/it's(1)&<2>.bin";
    let content = b"hello world".to_vec();
    let put = presign_put(&storage, key, &content).await;
    let response = send(&put, content.clone()).await;
    assert!(
        response.status().is_success(),
        "{}",
        response.text().await.unwrap()
    );

    let found = head(&storage, &[key, "t/none"]).await;
    assert_eq!(found[0].as_ref().unwrap().size, 11);
    assert_eq!(found[0].as_ref().unwrap().key, key);
    assert_eq!(found[1], None);

    let hash = rpc::HashObjectRequest { key: key.to_owned() };
    let hash = storage
        .hash_object(Request::new(hash))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((hash.size, hash.sha256), (11, sha256(&content)));

    let get = rpc::GetWanted {
        key: key.to_owned(),
        range: None,
        content_type: Some("text/x-test".to_owned()),
        content_disposition: Some("attachment; filename*=UTF-8''%C3%BC.bin".to_owned()),
    };
    let get = rpc::PresignGetsRequest {
        gets: vec![get],
        lifetime_s: 60,
    };
    let get = storage
        .presign_gets(Request::new(get))
        .await
        .unwrap()
        .into_inner();
    let response = send(&get.requests[0], Vec::new()).await;
    assert_eq!(response.headers()["content-type"], "text/x-test");
    assert_eq!(
        response.headers()["content-disposition"],
        "attachment; filename*=UTF-8''%C3%BC.bin"
    );
    assert_eq!(response.bytes().await.unwrap(), content);

    let list = rpc::ListObjectsRequest {
        prefix: "t/".to_owned(),
        cursor: None,
        limit: 10,
    };
    let list = storage
        .list_objects(Request::new(list))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        list.objects
            .iter()
            .map(|object| object.key.as_str())
            .collect::<Vec<_>>(),
        [key]
    );

    delete(&storage, &[key, "t/never was", "t/another"]).await;
    assert_eq!(head(&storage, &[key]).await, [None]);
    let missing = storage
        .hash_object(Request::new(rpc::HashObjectRequest { key: key.to_owned() }))
        .await;
    assert_eq!(missing.unwrap_err().code(), tonic::Code::NotFound);
}

async fn a_batch_is_presigned_and_looked_up_at_once(running: &Running) {
    let storage = ready(running, "").await;
    let contents: Vec<Vec<u8>> = (0..40)
        .map(|number| format!("file {number}").into_bytes())
        .collect();
    let puts = contents
        .iter()
        .enumerate()
        .map(|(number, content)| rpc::PutWanted {
            key: format!("batch/b1/{number:04}"),
            size: content.len() as u64,
            sha256: sha256(content),
            content_type: String::new(),
        });
    let wanted = rpc::PresignPutsRequest {
        puts: puts.collect(),
        lifetime_s: 900,
    };
    let answer = storage
        .presign_puts(Request::new(wanted))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.requests.len(), 40);
    for (request, content) in answer.requests.iter().zip(&contents).take(20) {
        assert!(send(request, content.clone()).await.status().is_success());
    }
    let keys: Vec<String> = (0..40)
        .rev()
        .map(|number| format!("batch/b1/{number:04}"))
        .collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let found = head(&storage, &keys).await;
    for (key, object) in keys.iter().zip(found) {
        let there = *key < "batch/b1/0020";
        assert_eq!(object.map(|object| object.key).as_deref(), there.then_some(*key));
    }
    delete(&storage, &keys).await;
}

async fn multipart_uploads_resume_and_finish_once(running: &Running) {
    const PART: usize = 5 << 20;
    let storage = ready(running, "p/").await;
    let key = "multi/part".to_owned();
    let content: Vec<u8> = (0..PART + 1000).map(|byte| (byte % 251) as u8).collect();
    let begin = rpc::BeginMultipartRequest {
        key: key.clone(),
        content_type: "video/mp4".to_owned(),
    };
    let multipart = storage
        .begin_multipart(Request::new(begin))
        .await
        .unwrap()
        .into_inner()
        .multipart;
    let parts = [
        rpc::PartWanted {
            number: 1,
            size: PART as u64,
            sha256: Some(sha256(&content[..PART])),
        },
        rpc::PartWanted {
            number: 2,
            size: 1000,
            sha256: None,
        },
    ];
    let wanted = rpc::PresignPartsRequest {
        key: key.clone(),
        multipart: multipart.clone(),
        parts: parts.to_vec(),
        lifetime_s: 60,
    };
    let signed = storage
        .presign_parts(Request::new(wanted))
        .await
        .unwrap()
        .into_inner();
    let mut wrong = content[..PART].to_vec();
    wrong[7] ^= 1;
    let backend = storage
        .get_backend(Request::new(rpc::GetBackendRequest {}))
        .await
        .unwrap()
        .into_inner();
    if backend.features.contains(&"part-sha256".to_owned()) {
        assert!(!send(&signed.requests[0], wrong).await.status().is_success());
    }
    assert!(
        !send(&signed.requests[1], vec![0; 1001])
            .await
            .status()
            .is_success(),
        "one byte more"
    );
    for (request, body) in signed.requests.iter().zip([&content[..PART], &content[PART..]]) {
        let response = send(request, body.to_vec()).await;
        assert!(
            response.status().is_success(),
            "{}",
            response.text().await.unwrap()
        );
    }
    let list = rpc::ListPartsRequest {
        key: key.clone(),
        multipart: multipart.clone(),
    };
    let listed = storage
        .list_parts(Request::new(list))
        .await
        .unwrap()
        .into_inner()
        .parts;
    assert_eq!(
        listed
            .iter()
            .map(|part| (part.number, part.size))
            .collect::<Vec<_>>(),
        [(1, PART as u64), (2, 1000)]
    );
    let finish = rpc::FinishMultipartRequest {
        key: key.clone(),
        multipart: multipart.clone(),
        parts: listed,
    };
    let first = storage
        .finish_multipart(Request::new(finish.clone()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(first.size, content.len() as u64);
    let again = storage
        .finish_multipart(Request::new(finish))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        again.size,
        content.len() as u64,
        "a repeated finish finds the object"
    );
    let hash = rpc::HashObjectRequest { key: key.clone() };
    let hash = storage
        .hash_object(Request::new(hash))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(hash.sha256, sha256(&content));

    let abort = rpc::AbortMultipartRequest {
        key: key.clone(),
        multipart,
    };
    storage.abort_multipart(Request::new(abort)).await.unwrap();
    let gone = rpc::FinishMultipartRequest {
        key: "multi/none".to_owned(),
        multipart: "00000000-0000-0000-0000-000000000000".to_owned(),
        parts: vec![UploadedPart {
            number: 1,
            etag: "\"00\"".to_owned(),
            size: 1,
        }],
    };
    let gone = storage.finish_multipart(Request::new(gone)).await;
    assert!(gone.is_err());
}

/// The tries of the security list: whatever a client changes, the store refuses.
async fn presigned_requests_open_nothing_else(running: &Running) {
    let storage = ready(running, "").await;
    let content = b"exactly this".to_vec();
    let put = presign_put(&storage, "one/file", &content).await;

    let refused = |what: &'static str, response: reqwest::Response| {
        assert!(
            response.status().is_client_error(),
            "{what}: {}",
            response.status()
        );
    };
    let mut longer = content.clone();
    longer.push(b'!');
    refused("one byte more", send(&put, longer).await);
    refused("one byte less", send(&put, content[1..].to_vec()).await);
    let mut wrong = content.clone();
    wrong[0] ^= 1;
    refused("wrong hash", send(&put, wrong.clone()).await);
    assert_eq!(
        head(&storage, &["one/file"]).await,
        [None],
        "nothing stays behind"
    );

    let mut altered = put.clone();
    altered.url = altered.url.replacen("/one/file", "/two/file", 1);
    refused("another key", send(&altered, content.clone()).await);
    let mut altered = put.clone();
    altered
        .headers
        .insert("content-type".to_owned(), "text/html".to_owned());
    refused("altered header", send(&altered, content.clone()).await);
    let mut altered = put.clone();
    altered.headers.remove("if-none-match");
    refused("dropped header", send(&altered, content.clone()).await);
    let mut altered = put.clone();
    let other = presign_put(&storage, "one/file", &wrong).await;
    altered.headers.insert(
        "x-amz-checksum-sha256".to_owned(),
        other.headers["x-amz-checksum-sha256"].clone(),
    );
    refused("another hash", send(&altered, wrong).await);
    let mut altered = put.clone();
    altered.method = "GET".to_owned();
    refused("another method", send(&altered, Vec::new()).await);
    let mut altered = put.clone();
    altered.url = altered.url.replacen("X-Amz-Expires=60", "X-Amz-Expires=600", 1);
    refused("longer life", send(&altered, content.clone()).await);

    assert!(
        send(&put, content.clone()).await.status().is_success(),
        "the honest one works after all that"
    );
    assert_eq!(send(&put, content.clone()).await.status(), 412, "replay");
    delete(&storage, &["one/file"]).await;

    let short = rpc::GetWanted {
        key: "one/file".to_owned(),
        range: None,
        content_type: None,
        content_disposition: None,
    };
    let short = rpc::PresignGetsRequest {
        gets: vec![short],
        lifetime_s: 901,
    };
    let long_life = storage.presign_gets(Request::new(short)).await.unwrap_err();
    assert_eq!(long_life.code(), tonic::Code::InvalidArgument);
}

async fn a_range_opens_that_range_only(running: &Running) {
    let storage = ready(running, "").await;
    let backend = storage
        .get_backend(Request::new(rpc::GetBackendRequest {}))
        .await
        .unwrap()
        .into_inner();
    assert!(
        backend.features.contains(&"range-presign".to_owned()),
        "{:?}",
        backend.features
    );
    let content = b"0123456789".to_vec();
    let put = presign_put(&storage, "r/file", &content).await;
    assert!(send(&put, content).await.status().is_success());
    let get = rpc::GetWanted {
        key: "r/file".to_owned(),
        range: Some(rpc::Range { offset: 2, length: 3 }),
        content_type: None,
        content_disposition: None,
    };
    let get = rpc::PresignGetsRequest {
        gets: vec![get],
        lifetime_s: 60,
    };
    let get = storage
        .presign_gets(Request::new(get))
        .await
        .unwrap()
        .into_inner()
        .requests
        .remove(0);
    assert_eq!(send(&get, Vec::new()).await.bytes().await.unwrap(), &b"234"[..]);
    for other in ["bytes=0-9", "bytes=2-5", ""] {
        let mut altered = get.clone();
        altered.headers.remove("range");
        if !other.is_empty() {
            altered.headers.insert("range".to_owned(), other.to_owned());
        }
        assert!(
            send(&altered, Vec::new()).await.status().is_client_error(),
            "{other:?}"
        );
    }
}

macro_rules! on_every_store {
    ($($case:ident)*) => {
        mod embedded {
            $(#[tokio::test] async fn $case() { super::$case(&super::Running::embedded().await).await })*
        }
        mod minio {
            $(#[tokio::test] async fn $case() {
                super::$case(&super::Running::program(super::Kind::Minio).await).await
            })*
        }
        mod versitygw {
            $(#[tokio::test] async fn $case() {
                super::$case(&super::Running::program(super::Kind::Versitygw).await).await
            })*
        }
    };
}

on_every_store! {
    objects_live_and_die
    a_batch_is_presigned_and_looked_up_at_once
    multipart_uploads_resume_and_finish_once
    presigned_requests_open_nothing_else
    a_range_opens_that_range_only
}

#[tokio::test]
async fn a_store_that_is_down_at_start_is_used_once_it_is_up() {
    let mut store = bitvault_conformance::stores::Store::stopped(Kind::Minio).unwrap();
    let storage = open(config(&store.endpoint(), "")).await;
    let request = Request::new(rpc::HeadObjectsRequest {
        keys: vec!["a/b".to_owned()],
    });
    let status = storage.head_objects(request).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    assert!(
        matches!(storage.readiness(), Readiness::Unavailable(_)),
        "{:?}",
        storage.readiness()
    );
    let store = tokio::task::spawn_blocking(move || {
        store.run().unwrap();
        store
    });
    let store = store.await.unwrap();
    tokio::time::timeout(Duration::from_secs(30), storage.wait_until_ready())
        .await
        .unwrap();
    assert_eq!(head(&storage, &["a/b"]).await, [None]);
    drop(store);
}

#[tokio::test]
async fn a_store_that_dies_later_is_noticed_and_so_is_its_return() {
    let store = bitvault_conformance::stores::Store::start;
    let mut store = tokio::task::spawn_blocking(move || store(Kind::Minio).unwrap())
        .await
        .unwrap();
    let storage = open(config(&store.endpoint(), "")).await;
    storage.wait_until_ready().await;
    store.kill();
    let away = async {
        while !matches!(storage.readiness(), Readiness::Unavailable(_)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), away).await.unwrap();
    // What needs no answer of the store works on.
    presign_put(&storage, "a/b", b"c").await;
    let _store = tokio::task::spawn_blocking(move || {
        store.run().unwrap();
        store
    })
    .await
    .unwrap();
    tokio::time::timeout(Duration::from_secs(30), storage.wait_until_ready())
        .await
        .unwrap();
}

/// What a backend is refused with, once it is.
async fn refusal(config: bitvault_storage::Config) -> String {
    let storage = open(config).await;
    let request = Request::new(rpc::HeadObjectsRequest {
        keys: vec!["a/b".to_owned()],
    });
    let status = storage.head_objects(request).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable, "{status:?}");
    match storage.readiness() {
        Readiness::Refused(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_wrong_secret_a_missing_bucket_and_a_missing_grant_are_told() {
    let running = Running::embedded().await;
    let mut wrong = config(&running.endpoint(), "");
    wrong.backend.secret_key = Some("not-the-secret".into());
    let reason = refusal(wrong).await;
    assert!(reason.contains("SignatureDoesNotMatch"), "{reason}");
    assert!(!reason.contains("not-the-secret"), "{reason}");

    let mut missing = config(&running.endpoint(), "");
    missing.backend.create_bucket = false;
    let reason = refusal(missing).await;
    assert!(reason.contains("create_bucket = true"), "{reason}");

    let mut private = config(&running.endpoint(), "");
    private.backend.grant.allow_private_addresses = false;
    let reason = refusal(private).await;
    assert!(reason.contains("allow_private_addresses"), "{reason}");

    let mut elsewhere = config(&running.endpoint(), "");
    elsewhere.backend.grant.origins = Some(vec!["https://s3.example.com".to_owned().try_into().unwrap()]);
    let reason = refusal(elsewhere).await;
    assert!(reason.contains("`origins`"), "{reason}");
}

/// The embedded endpoint behind a proxy that may alter status and body of what it answers.
async fn altered_store(alter: fn(&mut u16, &mut Vec<u8>)) -> (Running, String) {
    let running = Running::embedded().await;
    let upstream = running.endpoint();
    let client = reqwest::Client::new();
    let forward = move |request: axum::extract::Request| {
        let (client, upstream) = (client.clone(), upstream.clone());
        async move {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            let url = format!("{upstream}{}", head.uri);
            let asked = client.request(head.method, url).headers(head.headers);
            let answer = asked.body(body).send().await.unwrap();
            let mut status = answer.status().as_u16();
            let headers = answer.headers().clone();
            let sent = answer.bytes().await.unwrap().to_vec();
            let mut body = sent.clone();
            alter(&mut status, &mut body);
            let changed = body != sent;
            let mut response = axum::response::Response::new(axum::body::Body::from(body));
            *response.status_mut() = axum::http::StatusCode::from_u16(status).unwrap();
            for (name, value) in &headers {
                if name != "transfer-encoding" && (name != "content-length" || !changed) {
                    response.headers_mut().insert(name, value.clone());
                }
            }
            response
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        axum::serve(listener, axum::Router::new().fallback(forward))
            .await
            .unwrap()
    });
    (running, endpoint)
}

/// Answers 200 where the store said `LIE_ABOUT`: from outside, a store that lacks what the status stands for.
fn lie<const LIE_ABOUT: u16>(status: &mut u16, body: &mut Vec<u8>) {
    if *status == LIE_ABOUT {
        *status = 200;
        body.clear();
    }
}

#[tokio::test]
async fn a_store_that_ignores_if_none_match_is_refused() {
    let (_running, endpoint) = altered_store(lie::<412>).await;
    let reason = refusal(config(&endpoint, "")).await;
    assert!(reason.contains("ignores If-None-Match"), "{reason}");
}

#[tokio::test]
async fn a_store_that_does_not_verify_checksums_is_refused() {
    let (_running, endpoint) = altered_store(lie::<400>).await;
    let reason = refusal(config(&endpoint, "")).await;
    assert!(reason.contains("SHA-256"), "{reason}");
}

#[tokio::test]
async fn what_a_store_can_do_is_found_out() {
    let all = [
        "head-sha256",
        "if-none-match",
        "list-uploads",
        "part-sha256",
        "range-presign",
        "sha256",
    ];
    for (running, missing) in [
        (Running::embedded().await, &[][..]),
        // MinIO lists unfinished uploads of one exact key only.
        (Running::program(Kind::Minio).await, &["list-uploads"][..]),
        (Running::program(Kind::Versitygw).await, &[][..]),
    ] {
        let storage = ready(&running, "").await;
        let backend = storage
            .get_backend(Request::new(rpc::GetBackendRequest {}))
            .await
            .unwrap()
            .into_inner();
        let expected: Vec<&str> = all
            .into_iter()
            .filter(|feature| !missing.contains(feature))
            .collect();
        assert_eq!(backend.features, expected, "{}", running.endpoint());
    }
}

/// Leaves an object and an upload in parts below `folder`.
async fn leave(storage: &Storage, folder: &str) {
    let put = presign_put(storage, &format!("{folder}once"), b"left").await;
    assert!(send(&put, b"left".to_vec()).await.status().is_success());
    let begin = rpc::BeginMultipartRequest {
        key: format!("{folder}parts"),
        ..rpc::BeginMultipartRequest::default()
    };
    storage.begin_multipart(Request::new(begin)).await.unwrap();
}

/// Keys of objects and of uploads in parts that a listing of `prefix` tells.
async fn listed(storage: &Storage, prefix: &str) -> Vec<String> {
    let objects = rpc::ListObjectsRequest {
        prefix: prefix.to_owned(),
        ..rpc::ListObjectsRequest::default()
    };
    let objects = storage.list_objects(Request::new(objects)).await.unwrap();
    let uploads = rpc::ListMultipartsRequest {
        prefix: prefix.to_owned(),
    };
    let uploads = storage.list_multiparts(Request::new(uploads)).await.unwrap();
    let objects = objects.into_inner().objects.into_iter().map(|object| object.key);
    let uploads = uploads.into_inner().items.into_iter().map(|upload| upload.key);
    objects.chain(uploads).collect()
}

/// Tells another year for what lies in `cut-off/`.
fn age(_status: &mut u16, body: &mut Vec<u8>) {
    let Ok(text) = str::from_utf8(body) else { return };
    let mut aged = String::new();
    for entry in text
        .split_inclusive("</Contents>")
        .flat_map(|part| part.split_inclusive("</Upload>"))
    {
        let mut entry = entry.to_owned();
        if entry.contains("/cut-off/") {
            for tag in ["<LastModified>", "<Initiated>"] {
                if let Some(at) = entry.find(tag) {
                    entry.replace_range(at + tag.len()..at + tag.len() + 4, "2001");
                }
            }
        }
        aged.push_str(&entry);
    }
    *body = aged.into_bytes();
}

#[tokio::test]
async fn what_a_probe_that_was_cut_off_left_is_removed_by_one_that_comes_later() {
    let (_running, endpoint) = altered_store(age).await;
    let storage = open(config(&endpoint, "")).await;
    storage.wait_until_ready().await;
    leave(&storage, ".bitvault-probe/cut-off/").await;
    leave(&storage, "t/cut-off/").await;
    let next = open(config(&endpoint, "")).await;
    next.wait_until_ready().await;
    assert_eq!(listed(&next, ".bitvault-probe/").await, [""; 0]);
    assert_eq!(listed(&next, "").await, ["t/cut-off/once", "t/cut-off/parts"]);
}

#[tokio::test]
async fn a_probe_leaves_one_that_runs_beside_it_alone() {
    let running = Running::embedded().await;
    let storage = ready(&running, "").await;
    leave(&storage, ".bitvault-probe/beside/").await;
    let next = ready(&running, "").await;
    assert_eq!(
        listed(&next, ".bitvault-probe/").await,
        [".bitvault-probe/beside/once", ".bitvault-probe/beside/parts"]
    );
    assert_eq!(
        listed(&next, "").await,
        [""; 0],
        "what is the probe's is nobody else's"
    );
}

#[tokio::test]
async fn requests_for_clients_go_to_the_public_endpoint() {
    let running = Running::embedded().await;
    let mut config = config(&running.endpoint(), "");
    config.backend.public_endpoint = Some("https://files.example.com".parse().unwrap());
    let storage = open(config).await;
    storage.wait_until_ready().await;
    let put = presign_put(&storage, "a/b", b"c").await;
    assert!(
        put.url.starts_with("https://files.example.com/files/a/b?"),
        "{}",
        put.url
    );
    assert_eq!(
        head(&storage, &["a/b"]).await,
        [None],
        "the daemon's own requests go to the endpoint"
    );
}
