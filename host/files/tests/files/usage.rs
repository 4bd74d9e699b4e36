//! The space of homes, as it is counted.

use crate::support::{World, request};
use bitvault_platform::Ctx;
use bitvault_platform::ids::{AccountId, NodeId};
use bitvault_proto::v1;
use bitvault_proto::v1::files_service_server::FilesService as _;
use sqlx::{AssertSqlSafe, Connection as _};

async fn usage(world: &World, ctx: &Ctx) -> v1::Usage {
    let message = v1::GetUsageRequest::default();
    world
        .files
        .get_usage(request(ctx, message))
        .await
        .unwrap()
        .into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_their_old_versions_and_the_trash_are_counted() {
    let world = World::new().await;
    assert_eq!(usage(&world, &world.ctx()).await, v1::Usage::default());
    let folder = world.mkdir("root", "folder").await.unwrap();
    let file = world.put(&folder.id, "a", b"12345").await.unwrap();
    world.put("root", "b", b"123").await.unwrap();
    world.put_version(&file.id, b"1234567").await;
    let full = v1::Usage {
        files: 2,
        bytes: 10,
        old_versions: 1,
        old_version_bytes: 5,
        ..v1::Usage::default()
    };
    assert_eq!(usage(&world, &world.ctx()).await, full);
    world.delete(&file.id, false).await.unwrap();
    let binned = v1::Usage {
        files: 1,
        bytes: 3,
        trash_files: 1,
        trash_bytes: 12,
        ..v1::Usage::default()
    };
    assert_eq!(usage(&world, &world.ctx()).await, binned);
    // What lies in the trash below something in the trash is counted once.
    world.delete(&folder.id, false).await.unwrap();
    assert_eq!(usage(&world, &world.ctx()).await, binned);
    world.clean().await;
    world.delete(&folder.id, true).await.unwrap();
    let left = v1::Usage {
        files: 1,
        bytes: 3,
        ..v1::Usage::default()
    };
    assert_eq!(usage(&world, &world.ctx()).await, left);
    let stranger = usage(&world, &world.as_account(AccountId::new())).await;
    assert_eq!(stranger, v1::Usage::default());
    world.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_tells_a_counter_that_is_wrong() {
    let world = World::new().await;
    world.put("root", "a", b"12345").await.unwrap();
    let mut admin = world.admin().await;
    sqlx::query("UPDATE files.usage SET version_bytes = 4")
        .execute(&mut admin)
        .await
        .unwrap();
    admin.close().await.unwrap();
    let check = world.files.fsck().await.unwrap();
    let home = NodeId(world.account.0);
    assert_eq!(
        check.usage_mismatches,
        [format!("{home}: 4 bytes counted, 5 found")]
    );
}

/// What is there when the counters come is counted, old versions wait for a policy, and the check agrees.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_there_before_the_counters_is_counted() {
    const MIGRATION: &str = include_str!("../../../../migrations/0070_versions.sql");
    let world = World::new().await;
    let folder = world.mkdir("root", "folder").await.unwrap();
    let file = world.put(&folder.id, "a", b"12345").await.unwrap();
    world.put_version(&file.id, b"12").await;
    world.put("root", "b", b"123").await.unwrap();
    let before = usage(&world, &world.ctx()).await;
    let mut admin = world.admin().await;
    let empty = sqlx::raw_sql("TRUNCATE files.usage, files.thinning");
    empty.execute(&mut admin).await.unwrap();
    let (_, backfill) = MIGRATION.split_once("-- What is there already.").unwrap();
    let backfill = sqlx::raw_sql(AssertSqlSafe(format!("--{backfill}")));
    backfill.execute(&mut admin).await.unwrap();
    admin.close().await.unwrap();
    assert_eq!(usage(&world, &world.ctx()).await, before);
    assert_eq!(world.count("SELECT count(*) FROM files.thinning").await, 1);
    world.clean().await;
}
