//! object_store's own conformance suite, with its S3 client, against the endpoint.
#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod common;

use common::{ACCESS_KEY, BUCKET, SECRET_KEY, Server};
use object_store::ObjectStoreExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder, Checksum, S3ConditionalPut, S3CopyIfNotExists};
use object_store::integration as suite;
use object_store::path::Path;
use object_store::signer::Signer;

fn builder(server: &Server) -> AmazonS3Builder {
    AmazonS3Builder::new()
        .with_endpoint(&server.client.base)
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_bucket_name(BUCKET)
        .with_access_key_id(ACCESS_KEY)
        .with_secret_access_key(SECRET_KEY)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
}

async fn run(store: &AmazonS3) {
    suite::put_get_delete_list(store).await;
    suite::list_with_offset_exclusivity(store).await;
    suite::get_opts(store).await;
    suite::list_uses_directories_correctly(store).await;
    suite::list_with_delimiter(store).await;
    suite::rename_and_copy(store).await;
    suite::stream_get(store).await;
    suite::put_get_attributes(store).await;
    suite::list_paginated(store, store).await;
    suite::put_opts(store, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_conformance_suite_of_object_store_passes() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let store = builder(&server)
        .with_copy_if_not_exists(S3CopyIfNotExists::Multipart)
        .build()
        .unwrap();
    run(&store).await;
    suite::copy_rename_nonexistent_object(&store).await;
    suite::copy_if_not_exists(&store).await;
    suite::multipart(&store, &store).await;
    suite::multipart_with_opts(&store, &store).await;
    suite::multipart_put_part_out_of_order(&store, &store).await;
    suite::multipart_race_condition(&store, true).await;
    suite::multipart_out_of_order(&store).await;
    assert_eq!(
        common::files(&folder.path().join("uploads")),
        Vec::<std::path::PathBuf>::new()
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_passes_with_each_way_to_protect_the_body() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    run(&builder(&server).with_unsigned_payload(true).build().unwrap()).await;
    run(&builder(&server)
        .with_checksum_algorithm(Checksum::SHA256)
        .build()
        .unwrap())
    .await;
    run(&builder(&server)
        .with_checksum_algorithm(Checksum::CRC64NVME)
        .build()
        .unwrap())
    .await;
    let header = S3CopyIfNotExists::Header("if-none-match".into(), "*".into());
    suite::copy_if_not_exists(&builder(&server).with_copy_if_not_exists(header).build().unwrap()).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn object_stores_presigned_urls_work() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let store = builder(&server).build().unwrap();
    let path = Path::from("a/signed file.txt");
    let minute = std::time::Duration::from_secs(60);
    let url = store.signed_url(http::Method::PUT, &path, minute).await.unwrap();
    server
        .client
        .raw("PUT", url.as_str(), &[], "hello")
        .await
        .expect(200);
    let url = store.signed_url(http::Method::GET, &path, minute).await.unwrap();
    assert_eq!(
        server
            .client
            .raw("GET", url.as_str(), &[], "")
            .await
            .expect(200)
            .text(),
        "hello"
    );
    assert_eq!(store.head(&path).await.unwrap().size, 5);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_or_key_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let missing = builder(&server)
        .with_bucket_name("missing-bucket")
        .build()
        .unwrap();
    let path = Path::from("x");
    let not_found = |error| matches!(error, object_store::Error::NotFound { .. });
    assert!(not_found(missing.get(&path).await.unwrap_err()));
    assert!(not_found(missing.put(&path, "x".into()).await.unwrap_err()));
    let store = builder(&server).build().unwrap();
    assert!(not_found(store.get(&path).await.unwrap_err()));
    store.delete(&path).await.unwrap();
    server.stop().await;
}
