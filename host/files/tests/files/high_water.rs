//! The high-water mark: a database that was put back to an older state is found out, and nothing else is taken for one.

use crate::support::{World, request};
use bitvault_platform::Error;
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::internal::v1::feed_service_server::FeedService as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const MARK: &str = "SELECT mark FROM files.high_water";
/// Of the journals, which all begin with 1.
const EPOCH: &str = "SELECT max(epoch) FROM files.journal_heads";
/// How many journals are in their first epoch.
const FIRST: &str = "SELECT count(*) FROM files.journal_heads WHERE epoch = 1";

/// Files of the store that are copies of marks.
fn copy_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let below = entries.flat_map(|entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => copy_files(&path),
            false => vec![path],
        }
    });
    below
        .filter(|path| path.to_string_lossy().contains("high-water"))
        .collect()
}

fn copies(world: &World) -> usize {
    copy_files(world.store_folder()).len()
}

async fn admin(world: &World, sql: &'static str) {
    let mut admin = world.admin().await;
    sqlx::raw_sql(sql).execute(&mut admin).await.unwrap();
}

/// Whether the database was found to be an older state.
async fn put_back(world: &World) -> bool {
    world.files.compare_high_water().await.unwrap().put_back
}

/// Something changes, and is told.
async fn change(world: &World, name: &str) {
    world.mkdir("root", name).await.unwrap();
    world.files.relay_once().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mark_rises_while_journals_grow_and_one_copy_is_in_the_store() {
    let world = World::new().await;
    assert_eq!(copies(&world), 0);
    assert!(!put_back(&world).await);
    assert_eq!((world.count(MARK).await, copies(&world)), (1, 1));
    assert!(!put_back(&world).await);
    assert_eq!(world.count(MARK).await, 1, "nothing has changed");
    for mark in 2..5 {
        change(&world, &format!("folder {mark}")).await;
        assert!(!put_back(&world).await);
        assert_eq!((world.count(MARK).await, copies(&world)), (mark, 1));
    }
    assert_eq!(world.count(EPOCH).await, 1);
    // What is the daemon's own is nothing that the check of the store does not know.
    world.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_state_begins_another_epoch_of_every_journal_once() {
    let world = World::new().await;
    change(&world, "a").await;
    let other = world.stranger();
    world.files.create_root(&other).await.unwrap();
    assert!(!put_back(&world).await);
    assert_eq!(world.count(FIRST).await, 2);
    change(&world, "b").await;
    assert!(!put_back(&world).await);
    // As it was before.
    admin(&world, "UPDATE files.high_water SET mark = 1").await;
    assert!(put_back(&world).await);
    let second = world.count(EPOCH).await;
    assert_eq!(world.count(FIRST).await, 0);
    assert_eq!((world.count(MARK).await, copies(&world)), (3, 1));
    change(&world, "c").await;
    assert!(!put_back(&world).await);
    assert_eq!(world.count(EPOCH).await, second, "it is told once");
    // To the same state again: the epoch that was begun then is lost, and does not come back.
    let again = "UPDATE files.high_water SET mark = 0; UPDATE files.journal_heads SET epoch = 1";
    admin(&world, again).await;
    assert!(put_back(&world).await);
    assert_eq!(world.count(FIRST).await, 0);
    assert_ne!(world.count(EPOCH).await, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_database_on_the_same_bucket_and_a_new_bucket_are_no_older_state() {
    let world = World::new().await;
    for name in ["a", "b"] {
        change(&world, name).await;
        assert!(!put_back(&world).await);
    }
    admin(
        &world,
        "UPDATE files.high_water SET id = gen_random_uuid(), mark = 0",
    )
    .await;
    assert!(!put_back(&world).await);
    for path in copy_files(world.store_folder()) {
        std::fs::remove_file(path).unwrap();
    }
    assert_eq!(copies(&world), 0);
    assert!(!put_back(&world).await);
    assert_eq!((copies(&world), world.count(EPOCH).await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn journals_are_not_read_before_the_first_comparison() {
    let world = World::new().await;
    world.mkdir("root", "a").await.unwrap();
    let ctx = world.ctx();
    let read = || {
        let (files, ctx) = (world.files.clone(), ctx.clone());
        async move {
            let message = internal::ListFeedRequest {
                state: None,
                limit: 10,
            };
            let answer = files.list_feed(request(&ctx, message)).await;
            answer.map_err(Error::from)
        }
    };
    // Nothing compares here: a command of the operator, or a test.
    read().await.unwrap();
    let jobs = world.files.jobs(&CancellationToken::new());
    let reading = tokio::spawn(read());
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!reading.is_finished());
    assert!(!put_back(&world).await);
    let page = reading.await.unwrap().unwrap().into_inner();
    assert_eq!(page.items.len(), 2);
    read().await.unwrap();
    drop(jobs);
}
