//! Waiting for a change.

use crate::support::{Known, World};
use bitvault_platform::ids::AccountId;
use bitvault_proto::v1;
use bitvault_proto::v1::sync_service_server::SyncService as _;
use bitvault_sync::Config;
use std::time::{Duration, Instant};
use tokio_stream::StreamExt as _;
use tokio_util::sync::CancellationToken;

/// More than a busy machine takes for anything here, and less than anybody waits.
const SOON: Duration = Duration::from_secs(20);

fn config() -> Config {
    Config {
        wait_max: Duration::from_secs(60),
        watch_lifetime: Duration::from_secs(60),
        period: Duration::from_millis(20),
        ..Config::default()
    }
}

fn waiting(cursor: Option<String>) -> v1::ListChangesRequest {
    v1::ListChangesRequest {
        cursor,
        wait_s: 60,
        ..v1::ListChangesRequest::default()
    }
}

async fn until_waiting(world: &World) {
    let started = Instant::now();
    while world.sync.waiting() == 0 {
        assert!(started.elapsed() < SOON, "nobody waits");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_answered_once_something_changes_that_it_sees() {
    let world = World::with(config()).await;
    let (ctx, other) = (world.ctx(), world.member(AccountId::new()));
    world.mkdir(&ctx, "root", "a").await;
    let stop = CancellationToken::new();
    let jobs = world
        .sync
        .jobs(&stop)
        .into_iter()
        .map(tokio::spawn)
        .collect::<Vec<_>>();
    let cursor = world.snapshot(&ctx).await.cursor;
    let (sync, caller) = (world.sync.clone(), ctx.clone());
    let answer = tokio::spawn(async move { sync.list_changes(caller.request(waiting(cursor))).await });
    until_waiting(&world).await;
    // Of somebody else, then its own.
    world.mkdir(&other, "root", "theirs").await;
    world.mkdir(&ctx, "root", "b").await;
    let page = tokio::time::timeout(SOON, answer)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(page.into_inner().items.len(), 1);
    stop.cancel();
    for job in jobs {
        job.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bus_wakes_without_a_look_at_the_journals() {
    let world = World::with(Config {
        period: Duration::from_secs(3600),
        ..config()
    })
    .await;
    let ctx = world.ctx();
    world.mkdir(&ctx, "root", "a").await;
    world.sync.subscribe(&*world.bus).await.unwrap();
    world.files.relay_once().await.unwrap();
    let cursor = world.snapshot(&ctx).await.cursor;
    let (sync, caller) = (world.sync.clone(), ctx.clone());
    let answer = tokio::spawn(async move { sync.list_changes(caller.request(waiting(cursor))).await });
    until_waiting(&world).await;
    world.mkdir(&ctx, "root", "b").await;
    world.files.relay_once().await.unwrap();
    let page = tokio::time::timeout(SOON, answer)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(page.into_inner().items.len(), 1);
    assert_eq!(world.sync.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_with_its_time_and_with_the_daemon() {
    let world = World::with(config()).await;
    let ctx = world.ctx();
    let cursor = world.snapshot(&ctx).await.cursor;
    let short = v1::ListChangesRequest {
        wait_s: 1,
        ..waiting(cursor.clone())
    };
    let page = world.changes(&ctx, short).await.unwrap();
    assert!(page.items.is_empty() && !page.has_more);
    let stop = CancellationToken::new();
    let jobs = world
        .sync
        .jobs(&stop)
        .into_iter()
        .map(tokio::spawn)
        .collect::<Vec<_>>();
    let (sync, caller) = (world.sync.clone(), ctx.clone());
    let answer = tokio::spawn(async move { sync.list_changes(caller.request(waiting(cursor))).await });
    until_waiting(&world).await;
    stop.cancel();
    let page = tokio::time::timeout(SOON, answer)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert!(page.into_inner().items.is_empty());
    for job in jobs {
        job.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_page_after_page_and_ends_when_its_time_is_over() {
    let world = World::with(Config {
        watch_lifetime: Duration::from_secs(2),
        ..config()
    })
    .await;
    let ctx = world.ctx();
    world.mkdir(&ctx, "root", "a").await;
    let stop = CancellationToken::new();
    let _jobs = world
        .sync
        .jobs(&stop)
        .into_iter()
        .map(tokio::spawn)
        .collect::<Vec<_>>();
    let request = ctx.request(v1::ListChangesRequest::default());
    let mut pages = world.sync.watch_changes(request).await.unwrap().into_inner();
    let mut known = Known::default();
    while known.names() != ["", "a"] {
        known.take(&pages.next().await.unwrap().unwrap());
    }
    world.mkdir(&ctx, "root", "b").await;
    while known.names() != ["", "a", "b"] {
        known.take(&pages.next().await.unwrap().unwrap());
    }
    let ended = tokio::time::timeout(SOON, async { while pages.next().await.is_some() {} });
    ended.await.unwrap();
    stop.cancel();
}
