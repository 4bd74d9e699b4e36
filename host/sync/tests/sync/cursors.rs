//! Cursors: whom they are good for, what they stand on, and that an answer may be lost.

use crate::support::{Known, World};
use bitvault_platform::ids::AccountId;
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1;

fn after(cursor: &str) -> v1::ListChangesRequest {
    v1::ListChangesRequest {
        cursor: Some(cursor.to_owned()),
        limit: 2,
        ..v1::ListChangesRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_cursor_gives_the_same_page_so_an_answer_may_be_lost() {
    let world = World::new().await;
    let ctx = world.ctx();
    let other = AccountId::new();
    for name in ["a", "b", "c", "d", "e"] {
        world.mkdir(&ctx, "root", name).await;
    }
    let mut known = Known::default();
    world.pull(&ctx, &mut known, 2).await;
    let mut pages = 0;
    loop {
        let request = after(known.cursor.as_ref().unwrap());
        let first = world.changes(&ctx, request.clone()).await.unwrap();
        // Nobody got this one. Another process answers the next: it remembers nothing.
        let again = world.changes(&ctx, request).await.unwrap();
        assert_eq!(first, again);
        known.take(&again);
        pages += 1;
        if !again.has_more {
            break;
        }
    }
    assert!(pages >= 3, "{pages}");
    assert_eq!(known.names(), ["", "a", "b", "c", "d", "e"]);
    // What came into sight by a grant, too.
    let guest = world.member(other);
    let mut known = Known::default();
    world.catch_up(&guest, &mut known).await;
    let shared = world.mkdir(&ctx, "root", "shared").await;
    world.mkdir(&ctx, &shared, "inner").await;
    world
        .grant(&ctx, &shared, &other.to_string(), "viewer")
        .await
        .unwrap();
    for _ in 0..4 {
        let request = after(known.cursor.as_ref().unwrap());
        let first = world.changes(&guest, request.clone()).await.unwrap();
        assert_eq!(world.changes(&guest, request).await.unwrap(), first);
        known.take(&first);
    }
    assert_eq!(known.names(), ["inner", "shared"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_somebody_else_or_of_nobody_is_refused() {
    let world = World::new().await;
    let ctx = world.ctx();
    world.mkdir(&ctx, "root", "a").await;
    let device = world.device(&ctx, "laptop", None).await.unwrap();
    let cursor = world.snapshot(&ctx).await.cursor.unwrap();
    let elsewhere = world.another_tenant();
    let of_device = v1::ListChangesRequest {
        device_id: Some(device.id),
        ..after(&cursor)
    };
    let (kept, last) = cursor.split_at(cursor.len() - 1);
    let forged = format!("{kept}{}", if last == "A" { "Q" } else { "A" });
    for (caller, request) in [
        (world.member(AccountId::new()), after(&cursor)),
        (elsewhere.ctx(), after(&cursor)),
        (ctx.clone(), of_device),
        (ctx.clone(), after(&forged)),
        (ctx.clone(), after("")),
        (ctx.clone(), after("AQ")),
    ] {
        let refused = world.changes(&caller, request).await.unwrap_err();
        assert_eq!(refused.reason(), "cursor_invalid");
    }
    world.changes(&ctx, after(&cursor)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_below_what_is_kept_has_expired_and_one_of_another_epoch_says_so() {
    let world = World::new().await;
    let ctx = world.ctx();
    world.mkdir(&ctx, "root", "a").await;
    let old = world.snapshot(&ctx).await.cursor.unwrap();
    for name in ["b", "c"] {
        world.mkdir(&ctx, "root", name).await;
    }
    let new = world.snapshot(&ctx).await.cursor.unwrap();
    world.admin("DELETE FROM files.journal WHERE seq <= 2").await;
    let refused = world.changes(&ctx, after(&old)).await.unwrap_err();
    assert_eq!(refused.reason(), "cursor_expired");
    assert!(refused.message().contains("not deleted"), "{refused}");
    world.changes(&ctx, after(&new)).await.unwrap();

    world.admin("UPDATE files.journal_heads SET epoch = 2").await;
    assert_eq!(
        world.changes(&ctx, after(&new)).await.unwrap_err().reason(),
        "epoch_changed"
    );
    world.admin("UPDATE files.journal_heads SET epoch = 1").await;
    world.changes(&ctx, after(&new)).await.unwrap();
    world.admin("DELETE FROM files.journal").await;
    for cursor in [&old, &new] {
        let refused = world.changes(&ctx, after(cursor)).await.unwrap_err();
        assert_eq!(refused.reason(), "cursor_expired", "what it stands on is gone");
    }
}

/// The database was put back by less than the high-water mark tells.
#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_stands_on_what_was_lost_ends_those_of_everybody() {
    // Not regrown; regrown as far; regrown beyond.
    for regrown in [0, 1, 3] {
        let world = World::new().await;
        let ctx = world.ctx();
        world.mkdir(&ctx, "root", "a").await;
        let quiet = world.snapshot(&ctx).await.cursor.unwrap();
        world.mkdir(&ctx, "root", "b").await;
        let told = world.snapshot(&ctx).await.cursor.unwrap();
        world
            .admin("DELETE FROM files.journal WHERE seq = 2; UPDATE files.journal_heads SET seq = 1")
            .await;
        for number in 0..regrown {
            world.mkdir(&ctx, "root", &format!("new {number}")).await;
        }
        world.changes(&ctx, after(&quiet)).await.unwrap();
        for cursor in [&told, &quiet, &told] {
            let refused = world.changes(&ctx, after(cursor)).await.unwrap_err();
            assert_eq!(refused.reason(), "epoch_changed", "{regrown} regrown");
        }
        assert_ne!(world.count("SELECT epoch FROM files.journal_heads").await, 1);
        let anew = world.snapshot(&ctx).await.cursor.unwrap();
        world.changes(&ctx, after(&anew)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_whose_roots_are_not_kept_has_expired_unless_what_it_stands_on_was_lost() {
    let world = World::new().await;
    let ctx = world.ctx();
    world.mkdir(&ctx, "root", "a").await;
    let new = world.snapshot(&ctx).await.cursor.unwrap();
    world.admin("DELETE FROM sync.root_sets").await;
    let refused = forgetful(&world, &ctx, &new).await;
    assert_eq!(refused.reason(), "cursor_expired", "what it names is gone");
    world
        .admin("UPDATE files.journal SET at = at + interval '1 second'")
        .await;
    assert_eq!(forgetful(&world, &ctx, &new).await.reason(), "epoch_changed");
}

/// What another process says to a cursor: it remembers no roots.
async fn forgetful(world: &World, ctx: &Ctx, cursor: &str) -> Error {
    use bitvault_proto::v1::sync_service_server::SyncService as _;
    let fresh = world.another_process();
    Error::from(fresh.list_changes(ctx.request(after(cursor))).await.unwrap_err())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_wrongly_is_refused_with_its_reason() {
    let world = World::new().await;
    let ctx = world.ctx();
    let ask = |limit, device_id| {
        world.changes(
            &ctx,
            v1::ListChangesRequest {
                limit,
                device_id,
                ..v1::ListChangesRequest::default()
            },
        )
    };
    assert_eq!(ask(1001, None).await.unwrap_err().reason(), "limit_invalid");
    let device = Some("dev_none".to_owned());
    assert_eq!(ask(0, device).await.unwrap_err().reason(), "device_not_found");
    let system = bitvault_platform::Ctx::system("test").within(world.tenant);
    let refused = world.changes(&system, v1::ListChangesRequest::default()).await;
    assert_eq!(refused.unwrap_err().reason(), "token_missing");
}
