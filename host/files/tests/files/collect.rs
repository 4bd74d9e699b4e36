//! What was given up or deleted is reclaimed, and nothing else is.

use crate::support::{World, config, file, request, send};
use bitvault_files::CollectReport;
use bitvault_proto::internal::v1::Multipart;
use bitvault_proto::v1;
use bitvault_proto::v1::files_service_server::FilesService as _;
use futures::future::join_all;
use std::time::Duration;

async fn collect(world: &World) -> CollectReport {
    world.files.collect_once().await.unwrap()
}

async fn abort(world: &World, upload: &str) {
    let message = v1::AbortUploadRequest {
        id: upload.to_owned(),
    };
    world
        .files
        .abort_upload(request(&world.ctx(), message))
        .await
        .unwrap();
}

fn grace() -> Duration {
    config().collector.grace + Duration::from_secs(1)
}

fn lifetime() -> Duration {
    config().upload_lifetime + Duration::from_secs(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_never_ended_goes_after_its_time_and_the_grace() {
    let world = World::new().await;
    world.put("root", "kept", b"kept").await.unwrap();
    let upload = world.sent("root", "given up", b"bytes").await;
    assert_eq!(collect(&world).await, CollectReport::default());
    world.clock.advance(lifetime());
    assert_eq!(collect(&world).await.expired, 1);
    assert_eq!(collect(&world).await.deleted, 0, "the grace has only begun");
    world.clock.advance(grace());
    assert_eq!(collect(&world).await.deleted, 1);
    assert_eq!(
        world.commit_one(&upload).await.unwrap_err().reason(),
        "upload_gone"
    );
    let check = world.files.fsck().await.unwrap();
    assert!(check.is_clean(), "{check:?}");
    assert_eq!((check.objects_in_store, check.objects_committed), (1, 1));
    world.clock.advance(config().collector.retention + grace());
    assert_eq!(collect(&world).await.forgotten, 1);
    assert_eq!(world.count("SELECT count(*) FROM files.uploads").await, 0);
    assert_eq!(world.count("SELECT count(*) FROM files.objects").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_comes_before_the_collector_takes_its_object_back() {
    let world = World::new().await;
    let upload = world.sent("root", "late", b"late").await;
    let aborted = world.sent("root", "aborted", b"aborted").await;
    world.clock.advance(lifetime());
    abort(&world, &aborted).await;
    abort(&world, &aborted).await;
    assert_eq!(collect(&world).await.expired, 1);
    let node = world.commit_one(&upload).await.unwrap();
    let other = world.commit_one(&aborted).await.unwrap();
    world.clock.advance(grace());
    assert_eq!(collect(&world).await.deleted, 0);
    assert_eq!(world.read(&node.id).await, b"late");
    assert_eq!(world.read(&other.id).await, b"aborted");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_without_bytes_whose_time_is_over_says_so() {
    let world = World::new().await;
    let upload = world
        .start(&world.ctx(), vec![file("root", "x", b"x")])
        .await
        .remove(0)
        .unwrap();
    world.clock.advance(lifetime());
    assert_eq!(
        world.commit_one(&upload.id).await.unwrap_err().reason(),
        "upload_expired"
    );
    let message = v1::PresignPartsRequest {
        upload_id: upload.id,
        parts: vec![v1::PartWanted {
            number: 1,
            sha256: None,
        }],
    };
    let error = world
        .files
        .presign_parts(request(&world.ctx(), message))
        .await
        .unwrap_err();
    assert_eq!(bitvault_platform::Error::from(error).reason(), "upload_expired");
}

/// Either the commit wins and the object stays, or the collector wins and the commit says so: never a file without bytes.
#[tokio::test(flavor = "multi_thread")]
async fn commit_and_collector_racing_leave_no_half_state() {
    let world = World::new().await;
    let mut uploads = Vec::new();
    for n in 0..40 {
        uploads.push(world.sent("root", &format!("f{n}"), b"race").await);
        abort(&world, &uploads[n]).await;
    }
    world.clock.advance(grace());
    let commits = join_all(uploads.iter().map(|upload| world.commit_one(upload)));
    let (committed, report) = tokio::join!(commits, collect(&world));
    let won = committed.iter().filter(|result| result.is_ok()).count() as u64;
    for lost in committed.iter().filter_map(|result| result.as_ref().err()) {
        assert!(
            ["upload_gone", "upload_incomplete", "upload_expired"].contains(&lost.reason()),
            "{lost}"
        );
    }
    assert_eq!(won + report.deleted, 40);
    for node in committed.into_iter().flatten() {
        assert_eq!(world.read(&node.id).await, b"race");
    }
    let check = world.files.fsck().await.unwrap();
    assert!(check.is_clean(), "{check:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_for_good_gives_the_bytes_back() {
    let world = World::new().await;
    let folder = world.mkdir("root", "folder").await.unwrap();
    let inner = world.mkdir(&folder.id, "inner").await.unwrap();
    for n in 0..5 {
        world.put(&inner.id, &format!("f{n}"), b"x").await.unwrap();
    }
    world.put("root", "kept", b"kept").await.unwrap();
    assert_eq!(
        world.delete(&folder.id, true).await.unwrap_err().reason(),
        "not_in_trash"
    );
    world.delete(&folder.id, false).await.unwrap();
    world.clock.advance(grace());
    assert_eq!(collect(&world).await.deleted, 0, "the trash keeps its bytes");
    world.delete(&folder.id, true).await.unwrap();
    assert_eq!(
        world
            .count("SELECT count(*) FROM files.journal WHERE kind = 'deleted'")
            .await,
        7
    );
    world.clock.advance(grace());
    assert_eq!(collect(&world).await.deleted, 5);
    let check = world.files.fsck().await.unwrap();
    assert!(check.is_clean(), "{check:?}");
    assert_eq!(check.objects_in_store, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_commit_does_not_bring_back_what_was_deleted_for_good() {
    let world = World::new().await;
    let upload = world.sent("root", "gone", b"gone").await;
    let node = world.commit_one(&upload).await.unwrap();
    world.delete(&node.id, false).await.unwrap();
    assert_eq!(
        world.commit_one(&upload).await.unwrap().id,
        node.id,
        "the trash keeps it"
    );
    world.delete(&node.id, true).await.unwrap();
    assert_eq!(
        world.commit_one(&upload).await.unwrap_err().reason(),
        "upload_gone"
    );
    assert!(world.list("root").await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_reports_what_does_not_fit_and_destroys_nothing() {
    let world = World::new().await;
    let mut nodes = Vec::new();
    for name in ["lost", "short", "forgotten", "fine"] {
        nodes.push(world.put("root", name, name.as_bytes()).await.unwrap());
    }
    let mut admin = world.admin().await;
    // One object's row is gone for the store's listing, another's size is wrong, a third is not known at all.
    let sql = "UPDATE files.objects SET key = tenant_id || '/x/1' WHERE size = 4 AND key LIKE '%/0'
               AND id = (SELECT b.object_id FROM files.blobs b JOIN files.versions v ON v.blob_id = b.id
                         JOIN files.nodes n ON n.id = v.node_id WHERE n.name = 'lost')";
    assert_eq!(
        sqlx::query(sql)
            .execute(&mut admin)
            .await
            .unwrap()
            .rows_affected(),
        1
    );
    let sql = "UPDATE files.objects SET size = 6
               WHERE id = (SELECT b.object_id FROM files.blobs b JOIN files.versions v ON v.blob_id = b.id
                           JOIN files.nodes n ON n.id = v.node_id WHERE n.name = 'short')";
    sqlx::query(sql).execute(&mut admin).await.unwrap();
    let check = world.files.fsck().await.unwrap();
    assert_eq!(
        (check.wrong_sizes.len(), check.unknown_objects.len()),
        (1, 1 + 1),
        "{check:?}"
    );
    assert!(!check.is_clean());
    assert_eq!(world.files.fsck().await.unwrap(), check);
    assert_eq!(world.read(&nodes[3].id).await, b"fine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_multipart_upload_that_was_given_up_is_aborted_in_the_store() {
    let world = World::new().await;
    let content = vec![7; (5 << 20) + 1];
    let upload = world
        .start(&world.ctx(), vec![file("root", "big", &content)])
        .await
        .remove(0)
        .unwrap();
    send(upload.parts[1].request.as_ref().unwrap(), &content[..1]).await;
    abort(&world, &upload.id).await;
    world.clock.advance(grace());
    assert_eq!(collect(&world).await.deleted, 1);
    let check = world.files.fsck().await.unwrap();
    assert!(check.is_clean(), "{check:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_multipart_upload_that_only_a_listing_remembers_is_left_alone() {
    let world = World::new().await;
    world.put("root", "kept", b"kept").await.unwrap();
    let mut admin = world.admin().await;
    let key: String = sqlx::query_scalar("SELECT key FROM files.objects")
        .fetch_one(&mut admin)
        .await
        .unwrap();
    world.ended.lock().unwrap().push(Multipart {
        key,
        multipart: "ended".to_owned(),
        begun_at: Some(prost_types::Timestamp::default()),
    });
    assert_eq!(collect(&world).await, CollectReport::default());
    let check = world.files.fsck().await.unwrap();
    assert!(check.is_clean(), "{check:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_multipart_upload_that_can_not_be_aborted_holds_nothing_else_up() {
    let world = World::new().await;
    let content = vec![7; (5 << 20) + 1];
    let items = ["bad", "good"].map(|name| file("root", name, &content));
    for upload in world.start(&world.ctx(), items.into()).await {
        abort(&world, &upload.unwrap().id).await;
    }
    let mut admin = world.admin().await;
    let key: String = sqlx::query_scalar("SELECT key FROM files.objects ORDER BY id LIMIT 1")
        .fetch_one(&mut admin)
        .await
        .unwrap();
    *world.refused.lock().unwrap() = vec![("AbortMultipart", key)];
    world.clock.advance(grace());
    let report = collect(&world).await;
    assert_eq!((report.deleted, report.failed), (1, 1));
    world.refused.lock().unwrap().clear();
    let report = collect(&world).await;
    assert_eq!((report.deleted, report.failed), (1, 0));
    world.clean().await;
}
