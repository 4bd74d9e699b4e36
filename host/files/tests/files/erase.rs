//! A tenant goes for good: rows of every table, objects in the store; others keep theirs.

use crate::support::tenants::{bucket_holds, erase, holding, stranded_tenants};
use crate::support::{World, config, file, request};
use bitvault_platform::db::DbRole;
use bitvault_platform::ids::TenantId;
use bitvault_platform::{Ctx, Error};
use bitvault_proto::internal::v1::EraseTenantRequest;
use bitvault_proto::internal::v1::files_data_service_server::FilesDataService as _;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_goes_with_all_rows_and_objects_and_another_is_untouched() {
    let mut config = config();
    // So that the copy of a tree is a job.
    config.copy.nodes_per_transaction = 2;
    let mut world = World::with(config.clone()).await;
    let kept_tenant = world.tenant;
    let kept = world.put("root", "kept", b"of another tenant").await.unwrap();
    let before = holding(&world, kept_tenant).await;

    world.tenant = TenantId::new();
    let doomed = world.tenant;
    world.fill().await;
    let held = holding(&world, doomed).await;
    for table in [
        "nodes",
        "versions",
        "blobs",
        "objects",
        "uploads",
        "journal",
        "journal_heads",
        "outbox",
        "idempotency",
        "retention",
        "thinning",
        "usage",
        "copies",
    ] {
        assert!(
            held.iter().any(|(name, _)| name == &format!("files.{table}")),
            "{table}: {held:?}"
        );
    }
    assert!(bucket_holds(&world, doomed));

    // Objects wait for the collector's grace: until then a presigned request may bring their bytes back.
    assert!(!erase(&world.files, doomed).await.unwrap());
    assert!(bucket_holds(&world, doomed));
    let left = holding(&world, doomed).await;
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].0, "files.objects");
    world
        .clock
        .advance(config.collector.grace + Duration::from_secs(1));
    world.files.collect_once().await.unwrap();
    assert!(erase(&world.files, doomed).await.unwrap());
    assert_eq!(holding(&world, doomed).await, []);
    assert!(!bucket_holds(&world, doomed));
    assert!(erase(&world.files, doomed).await.unwrap(), "again, for nothing");

    assert_eq!(holding(&world, kept_tenant).await, before);
    world.tenant = kept_tenant;
    assert_eq!(world.read(&kept.id).await, b"of another tenant");
    assert_eq!(stranded_tenants(&world).await, [kept_tenant.0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_daemon_removes_a_tenant() {
    let world = World::new().await;
    world.put("root", "a", b"a").await.unwrap();
    for (caller, reason) in [
        (world.ctx(), "internal_call"),
        (Ctx::anonymous(), "internal_call"),
        (Ctx::system("test"), "token_missing"),
    ] {
        let refused = world
            .files
            .erase_tenant(request(&caller, EraseTenantRequest {}))
            .await
            .unwrap_err();
        assert_eq!(Error::from(refused).reason(), reason);
    }
    world.list("root").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deep_tree_goes_as_a_flat_one_does() {
    let world = World::new().await;
    let mut parent = "root".to_owned();
    for _ in 0..60 {
        parent = world.mkdir(&parent, "below").await.unwrap().id;
    }
    world
        .start(&world.ctx(), vec![file(&parent, "a", b"never sent")])
        .await;
    assert!(!erase(&world.files, world.tenant).await.unwrap());
    assert_eq!(world.count("SELECT count(*) FROM files.nodes").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_that_removes_sees_one_tenant_and_is_no_way_around_the_collector() {
    let mut world = World::new().await;
    world.put("root", "a", b"a").await.unwrap();
    let one = world.tenant;
    world.tenant = TenantId::new();
    world.put("root", "b", b"b").await.unwrap();
    let mut worker = PgConnection::connect(&world.database.role_url(DbRole::Worker))
        .await
        .unwrap();
    // Without taking the role on, the worker has none of its rights.
    assert!(
        sqlx::raw_sql("DELETE FROM files.nodes")
            .execute(&mut worker)
            .await
            .is_err()
    );
    for (sql, gone) in [
        ("DELETE FROM files.objects", Some(0)),
        ("UPDATE files.objects SET state = 'deleted'", None),
        (
            "UPDATE files.objects SET state = 'orphaned', state_at = now()",
            Some(1),
        ),
        ("DELETE FROM files.journal", Some(1)),
        ("UPDATE files.nodes SET name = 'x'", None),
        ("INSERT INTO files.journal_heads VALUES (gen_random_uuid())", None),
        ("SELECT 1 FROM identity.accounts", None),
    ] {
        let mut tx = worker.begin().await.unwrap();
        let set = format!(
            "SET LOCAL app.tenant = '{}'; SET LOCAL ROLE bitvault_eraser",
            one.0
        );
        sqlx::raw_sql(AssertSqlSafe(set)).execute(&mut *tx).await.unwrap();
        let done = sqlx::raw_sql(sql).execute(&mut *tx).await;
        assert_eq!(done.ok().map(|done| done.rows_affected()), gone, "{sql}");
    }
    let mut files = PgConnection::connect(&world.database.role_url(DbRole::Files))
        .await
        .unwrap();
    assert!(
        sqlx::raw_sql("SET ROLE bitvault_eraser")
            .execute(&mut files)
            .await
            .is_err()
    );
}
