//! An index is made, emptied and brought up to date in bounded steps, and goes on wherever it was killed.

use crate::support::{World, search};
use bitvault_proto::v1;

/// What an older release left: no tags, no fields, none of their words.
const OLD: &str = "
    UPDATE search.entries SET tags = '{}', said = '', marks = '{}';
    DELETE FROM search.postings WHERE word_id IN (SELECT id FROM search.words WHERE word ~ '^[#=~]');
    DELETE FROM search.words WHERE word ~ '^[#=~]';
    UPDATE search.cursors SET form = 0";

/// Refuses statements that remove or write more rows than a step may.
const BOUNDED: &str = "
    CREATE FUNCTION public.bounded() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (SELECT count(*) FROM old_rows) > 70 THEN RAISE EXCEPTION 'too many rows at a time'; END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER bounded AFTER DELETE ON search.entries REFERENCING OLD TABLE AS old_rows
        FOR EACH STATEMENT EXECUTE FUNCTION public.bounded();
    CREATE TRIGGER bounded AFTER DELETE ON search.postings REFERENCING OLD TABLE AS old_rows
        FOR EACH STATEMENT EXECUTE FUNCTION public.bounded();
    CREATE TRIGGER bounded AFTER DELETE ON search.words REFERENCING OLD TABLE AS old_rows
        FOR EACH STATEMENT EXECUTE FUNCTION public.bounded();
    CREATE TRIGGER bounded AFTER DELETE ON search.trigrams REFERENCING OLD TABLE AS old_rows
        FOR EACH STATEMENT EXECUTE FUNCTION public.bounded()";

/// Some folders with something in each, half of it tagged.
async fn filled(folders: usize) -> World {
    let world = World::new().await;
    let ctx = world.ctx();
    for number in 0..folders {
        let folder = world.mkdir(&ctx, "root", &format!("folder {number}")).await;
        let node = world.mkdir(&ctx, &folder.id, &format!("needle {number}")).await;
        if number % 2 == 0 {
            world.mark(&ctx, &node, &["tagged"], &[]).await;
        }
    }
    world.settle().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_emptied_in_bounded_steps() {
    let world = filled(60).await;
    let right = world.dump().await;
    world.admin(BOUNDED).await;
    let report = world.search.rebuild(Some(world.tenant)).await.unwrap();
    assert_eq!(report.nodes, 120);
    assert_eq!(world.dump().await, right);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_is_killed_while_it_empties_is_gone_on_with() {
    let world = filled(60).await;
    let right = world.dump().await;
    let all = world.held().await;
    let dying = {
        let (search, tenant) = (world.search.clone(), world.tenant);
        tokio::spawn(async move { search.rebuild(Some(tenant)).await })
    };
    // First one more, which is pending.
    while world.held().await >= all {
        tokio::task::yield_now().await;
    }
    dying.abort();
    assert!(dying.await.is_err(), "it was killed before it ended");
    let left = world.held().await;
    assert!(left < all && left > 1, "{left} of {all}");
    let other = search(&world.database, &world.files);
    while other.follow_once().await.unwrap() {}
    assert_eq!(world.dump().await, right);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_without_a_cursor_is_removed_before_an_index_is_begun() {
    let world = filled(5).await;
    let right = world.dump().await;
    let damage = "DELETE FROM search.cursors;
                  UPDATE search.entries SET node_id = gen_random_uuid() WHERE name_key = 'needle 1'";
    world.admin(damage).await;
    world.settle().await;
    assert_eq!(world.dump().await, right);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_an_older_release_is_brought_up_to_date_and_hides_nothing_meanwhile() {
    let world = filled(60).await;
    let ctx = world.ctx();
    let right = world.dump().await;
    world.admin(OLD).await;
    assert!(world.names(&ctx, "tagged").await.is_empty());
    let (mut steps, mut other) = (0, search(&world.database, &world.files));
    let ask = v1::SearchRequest {
        limit: 100,
        ..crate::support::asked("needle")
    };
    while other.follow_once().await.unwrap() {
        steps += 1;
        // Another process each time: nothing is kept outside the database.
        other = search(&world.database, &world.files);
        let found = world.ask(&ctx, ask.clone()).await.unwrap();
        assert_eq!(found.items.len(), 60);
        if steps == 1 {
            // It changes meanwhile.
            let node = found.items[0].node.clone().unwrap();
            world.mark(&ctx, &node, &["later"], &[]).await;
        }
    }
    assert!(steps > 1, "{steps}");
    let found = world.names(&ctx, "later").await;
    assert_eq!(found.len(), 1);
    let now = world.dump().await;
    let tagged = |rows: &[String]| rows.iter().filter(|row| row.contains("#tagged")).count();
    assert_eq!(tagged(&now), tagged(&right));
    world.search.rebuild(Some(world.tenant)).await.unwrap();
    assert_eq!(world.dump().await, now);
    // What a newer release wrote is left alone.
    world.admin("UPDATE search.cursors SET form = 1000").await;
    assert!(!world.search.follow_once().await.unwrap());
    assert_eq!(world.dump().await, now);
}
