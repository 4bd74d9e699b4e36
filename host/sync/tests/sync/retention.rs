//! How long the journal is kept for whom.

use crate::support::World;
use bitvault_platform::Ctx;
use bitvault_proto::v1;
use bitvault_sync::{Config, JournalConfig};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

async fn world() -> World {
    World::with(Config {
        journal: JournalConfig {
            retention: 10 * DAY,
            max_age: 40 * DAY,
            keep: 2,
            ..JournalConfig::default()
        },
        ..Config::default()
    })
    .await
}

async fn entries(world: &World) -> i64 {
    world.count("SELECT count(*) FROM files.journal").await
}

/// What a device comes with, and whether it is still good.
async fn pull(world: &World, ctx: &Ctx, device: &str, cursor: Option<String>) -> Result<String, String> {
    let request = v1::ListChangesRequest {
        cursor,
        device_id: Some(device.to_owned()),
        ..v1::ListChangesRequest::default()
    };
    let page = world.changes(ctx, request).await;
    page.map(|page| page.next_cursor)
        .map_err(|error| error.reason().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_go_once_they_are_old_and_every_living_device_was_told_of_them() {
    let world = world().await;
    let ctx = world.ctx();
    let [quick, slow] = [
        world.device(&ctx, "quick", None).await.unwrap().id,
        world.device(&ctx, "slow", None).await.unwrap().id,
    ];
    world.mkdir(&ctx, "root", "a").await;
    let first = pull(&world, &ctx, &quick, None).await.unwrap();
    // Both come with what they were given, so both have it.
    for device in [&quick, &slow] {
        let cursor = pull(&world, &ctx, device, None).await.unwrap();
        pull(&world, &ctx, device, Some(cursor)).await.unwrap();
    }
    let held = pull(&world, &ctx, &slow, None).await.unwrap();
    pull(&world, &ctx, &slow, Some(held.clone())).await.unwrap();
    for name in ["b", "c", "d", "e", "f", "g"] {
        world.mkdir(&ctx, "root", name).await;
    }
    let mut cursor = pull(&world, &ctx, &quick, Some(first.clone())).await.unwrap();
    cursor = pull(&world, &ctx, &quick, Some(cursor)).await.unwrap();
    assert_eq!(world.sync.compact_once().await.unwrap(), 0, "nothing is old");
    world.clock.advance(11 * DAY);
    assert_eq!(
        world.sync.compact_once().await.unwrap(),
        0,
        "the slow device stands on the first entry"
    );
    pull(&world, &ctx, &slow, Some(held.clone())).await.unwrap();
    // Older than the longest age they go, whoever needs them.
    world.clock.advance(30 * DAY);
    pull(&world, &ctx, &quick, Some(cursor.clone())).await.unwrap();
    world.mkdir(&ctx, "root", "h").await;
    assert_eq!(world.sync.compact_once().await.unwrap(), 5);
    assert_eq!(
        entries(&world).await,
        3,
        "so many are kept, and the one before them"
    );
    assert_eq!(world.sync.compact_once().await.unwrap(), 0);
    assert_eq!(
        pull(&world, &ctx, &slow, Some(held)).await.unwrap_err(),
        "cursor_expired"
    );
    pull(&world, &ctx, &quick, Some(cursor)).await.unwrap();
    // It begins anew.
    pull(&world, &ctx, &slow, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_a_journal_has_no_gap_whatever_the_clock_did() {
    let world = world().await;
    let ctx = world.ctx();
    for name in ["a", "b", "c", "d", "e", "f"] {
        world.mkdir(&ctx, "root", name).await;
    }
    world.clock.advance(11 * DAY);
    // A young entry between old ones.
    world
        .admin(&format!(
            "UPDATE files.journal SET at = to_timestamp({}) WHERE seq = 3",
            world.clock.now().unix_timestamp()
        ))
        .await;
    assert_eq!(world.sync.compact_once().await.unwrap(), 1);
    assert_eq!(world.count("SELECT min(seq) FROM files.journal").await, 2);
    let tenants = world.another_tenant();
    tenants.mkdir(&tenants.ctx(), "root", "a").await;
    assert_eq!(world.sync.compact_once().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sets_of_roots_go_once_no_cursor_can_name_them() {
    let world = world().await;
    let ctx = world.ctx();
    world.mkdir(&ctx, "root", "a").await;
    let cursor = world.snapshot(&ctx).await.cursor;
    let sets = "SELECT count(*) FROM sync.root_sets";
    world.clock.advance(39 * DAY);
    world.sync.compact_once().await.unwrap();
    assert_eq!(world.count(sets).await, 1);
    world.clock.advance(2 * DAY);
    world.sync.compact_once().await.unwrap();
    assert_eq!(world.count(sets).await, 0);
    assert!(cursor.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_whose_entries_can_not_go_holds_no_other_one_up() {
    let one = world().await;
    let other = one.another_tenant();
    for world in [&one, &other] {
        for name in ["a", "b", "c", "d", "e", "f"] {
            world.mkdir(&world.ctx(), "root", name).await;
        }
    }
    one.clock.advance(41 * DAY);
    // The one that comes first.
    let stuck = one.tenant.0.min(other.tenant.0);
    one.admin(&format!(
        "CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''stuck''; END';
         CREATE TRIGGER stuck BEFORE DELETE ON files.journal FOR EACH ROW WHEN (OLD.tenant_id = '{stuck}')
         EXECUTE FUNCTION stuck()"
    ))
    .await;
    assert_eq!(one.sync.compact_once().await.unwrap(), 3);
    one.admin("DROP TRIGGER stuck ON files.journal").await;
    assert_eq!(one.sync.compact_once().await.unwrap(), 3, "its turn comes again");
}
