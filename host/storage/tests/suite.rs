//! object_store's own integration suite on the plugin, and the crate's S3 client as a second opinion on what it wrote.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests; a panic is how a test fails"
)]

mod support;

use bitvault_conformance::stores::{ACCESS_KEY, Kind, SECRET_KEY};
use bitvault_storage::Adapter;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3Builder;
use object_store::integration as suite;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use support::{Running, ready};

async fn the_suite_passes(running: &Running) {
    let storage = ready(running, "suite/").await;
    let adapter = storage.adapter();
    suite::put_get_delete_list(&adapter).await;
    empty(&adapter).await;
    // versitygw compares fractions of a second with the whole seconds that HTTP dates have, so that an object counts as
    // modified after its own Last-Modified.
    if !matches!(running, Running::Program(store) if store.kind() == Kind::Versitygw) {
        suite::get_opts(&adapter).await;
    }
    empty(&adapter).await;
    suite::list_uses_directories_correctly(&adapter).await;
    suite::list_with_delimiter(&adapter).await;
    suite::list_with_offset_exclusivity(&adapter).await;
    suite::list_paginated(&adapter, &adapter).await;
    suite::rename_and_copy(&adapter).await;
    // `copy_rename_nonexistent_object` wants copies that refuse to overwrite as well.
    let missing = adapter
        .copy(&Path::from("not there"), &Path::from("target"))
        .await;
    assert!(
        matches!(missing, Err(object_store::Error::NotFound { .. })),
        "{missing:?}"
    );
    empty(&adapter).await;
    suite::stream_get(&adapter).await;
    suite::multipart(&adapter, &adapter).await;
    suite::multipart_with_opts(&adapter, &adapter).await;
    suite::multipart_race_condition(&adapter, true).await;
    suite::multipart_out_of_order(&adapter).await;
    suite::multipart_put_part_out_of_order(&adapter, &adapter).await;
    empty(&adapter).await;
    suite::put_opts(&adapter, true).await;
    suite::put_get_attributes(&adapter).await;
}

/// Some parts of the suite want an empty store.
async fn empty(adapter: &Adapter) {
    let all = adapter.list(None).map_ok(|meta| meta.location).boxed();
    adapter
        .delete_stream(all)
        .try_collect::<Vec<Path>>()
        .await
        .unwrap();
}

async fn another_client_sees_the_same(running: &Running) {
    let storage = ready(running, "shared/").await;
    let adapter = storage.adapter();
    let other = AmazonS3Builder::new()
        .with_endpoint(running.endpoint())
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_bucket_name("files")
        .with_access_key_id(ACCESS_KEY)
        .with_secret_access_key(SECRET_KEY)
        .build()
        .unwrap();
    let path = Path::from("some folder/ü & (1).txt");
    let full = Path::from("shared/some folder/ü & (1).txt");
    adapter.put(&path, "from the plugin".into()).await.unwrap();
    assert_eq!(
        other.get(&full).await.unwrap().bytes().await.unwrap(),
        "from the plugin"
    );
    other.put(&full, "from the other".into()).await.unwrap();
    assert_eq!(
        adapter.get(&path).await.unwrap().bytes().await.unwrap(),
        "from the other"
    );
    assert_eq!(
        adapter.head(&path).await.unwrap().e_tag,
        other.head(&full).await.unwrap().e_tag
    );
}

mod embedded {
    use super::*;

    #[tokio::test]
    async fn the_suite_passes() {
        super::the_suite_passes(&Running::embedded().await).await;
    }

    #[tokio::test]
    async fn another_client_sees_the_same() {
        super::another_client_sees_the_same(&Running::embedded().await).await;
    }
}

mod minio {
    use super::*;

    #[tokio::test]
    async fn the_suite_passes() {
        super::the_suite_passes(&Running::program(Kind::Minio).await).await;
    }

    #[tokio::test]
    async fn another_client_sees_the_same() {
        super::another_client_sees_the_same(&Running::program(Kind::Minio).await).await;
    }
}

mod versitygw {
    use super::*;

    #[tokio::test]
    async fn the_suite_passes() {
        super::the_suite_passes(&Running::program(Kind::Versitygw).await).await;
    }

    #[tokio::test]
    async fn another_client_sees_the_same() {
        super::another_client_sees_the_same(&Running::program(Kind::Versitygw).await).await;
    }
}
