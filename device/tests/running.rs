//! Engines that keep running, with the system's own watch.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what goes wrong in a test fails it"
)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bitvault_device::planner::Name;
use bitvault_device::watch::{Hint, Hints, NoHints};
use support::{Device, World, both};
use tokio::sync::Notify;

/// A watch that lost what it had to tell, and says so when it is let.
struct Overflowed(Arc<Notify>);

#[async_trait]
impl Hints for Overflowed {
    async fn next(&mut self) -> Hint {
        self.0.notified().await;
        Hint::Everything
    }
}

#[tokio::test]
async fn what_is_saved_on_one_running_device_arrives_on_the_other() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    let (at_one, at_two) = (one.person(), two.person());
    let work = async {
        at_one.write("d/a", "first");
        at_two.has("d/a", "first").await;
        at_two.write("d/a", "second");
        at_one.has("d/a", "second").await;
        at_one.rename("d", "e");
        at_two.has("e/a", "second").await;
        at_one.write("e/new/deep/file", "deep");
        at_two.has("e/new/deep/file", "deep").await;
    };
    tokio::select! {
        error = one.run() => panic!("one: {error}"),
        error = two.run() => panic!("two: {error}"),
        () = work => {}
    }
    world.rests(&mut [&mut one, &mut two]).await;
}

/// What is written on one device arrives on the other all the same.
async fn goes_on(upset: impl FnOnce(&Device, &Device)) {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("a", "first");
    upset(&one, &two);
    let at_two = two.person();
    tokio::select! {
        error = one.run() => panic!("one: {error}"),
        error = two.run() => panic!("two: {error}"),
        () = at_two.has("a", "first") => {}
    }
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn a_running_device_waits_for_a_server_that_is_gone_for_a_while() {
    goes_on(|one, _| one.lose_answer("upload")).await;
}

#[tokio::test]
async fn a_running_device_goes_on_when_the_server_fails_for_a_while() {
    goes_on(|one, two| {
        one.fail("changes");
        two.fail("changes");
    })
    .await;
}

#[tokio::test]
async fn what_people_ask_for_is_done_while_nothing_happens_on_either_side() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("d/a", "first");
    one.write("e", "first");
    one.sync().await;
    two.sync().await;
    two.reopen().await;
    let at_two = two.person();
    let work = async {
        at_two.is_in_step().await;
        // Until it waits: what comes later would tell it as well.
        tokio::time::sleep(Duration::from_millis(500)).await;
        at_two.exclude("d", true);
        at_two.has_not("d").await;
        at_two.pause(true).await;
        at_two.is_paused().await;
        at_two.exclude("d", false);
        at_two.pause(false).await;
        at_two.has("d/a", "first").await;
    };
    tokio::select! {
        error = two.run() => panic!("two: {error}"),
        () = work => {}
    }
    world.rests(&mut [&mut one, &mut two]).await;
}

/// Who pauses in the middle of such a call does not wait for its end; nothing is there twice when it goes on.
async fn pauses_in(call: &str) {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("there", "first");
    one.sync().await;
    two.write("here", "first");
    two.never_end(call);
    let at_two = two.person();
    let work = async {
        at_two.hangs().await;
        at_two.pause(true).await;
        at_two.is_paused().await;
        at_two.write("later", "first");
        at_two.pause(false).await;
        at_two.has("there", "first").await;
    };
    tokio::select! {
        error = two.run() => panic!("two: {error}"),
        () = work => {}
    }
    world.rests(&mut [&mut two, &mut one]).await;
    assert_eq!(one.files().len(), 3, "{:?}", one.files());
}

#[tokio::test]
async fn a_pause_does_not_wait_for_what_is_being_sent() {
    pauses_in("upload").await;
}

#[tokio::test]
async fn a_pause_does_not_wait_for_what_is_being_fetched() {
    pauses_in("download").await;
}

#[tokio::test]
async fn a_pause_does_not_wait_for_what_is_being_read() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    two.write_sparse("large", 1 << 40);
    let at_two = two.person();
    let work = async {
        at_two.is_at_work().await;
        at_two.pause(true).await;
        at_two.is_paused().await;
        at_two.remove("large");
        at_two.write("small", "first");
        at_two.pause(false).await;
        at_two.is_in_step().await;
    };
    tokio::select! {
        error = two.run() => panic!("two: {error}"),
        () = work => {}
    }
    world.rests(&mut [&mut two, &mut one]).await;
    assert_eq!(one.text("small"), "first");
}

#[tokio::test]
async fn a_pause_does_not_wait_for_a_file_that_is_held_back() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    two.write("a", "first");
    two.sync().await;
    two.reopen().await;
    two.write("a", "");
    two.holds_back(Duration::from_secs(3600));
    let at_two = two.person();
    let work = async {
        // Until it holds it back: what it does not know yet would not be waited for.
        tokio::time::sleep(Duration::from_millis(500)).await;
        at_two.pause(true).await;
        at_two.is_paused().await;
        at_two.write("a", "second");
        at_two.pause(false).await;
        at_two.is_in_step().await;
    };
    tokio::select! {
        error = two.run() => panic!("two: {error}"),
        () = work => {}
    }
    world.rests(&mut [&mut two, &mut one]).await;
    assert_eq!(one.text("a"), "second");
}

/// What is edited during a long first sync does not wait for its end.
#[tokio::test]
async fn what_changes_while_much_is_on_its_way_comes_before_what_is_left() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    for number in 0..2_000 {
        one.write(&format!("many/{number}"), &format!("text {number}"));
    }
    one.takes_turns(Duration::from_millis(100), 10);
    one.is_slow(1);
    let at_one = one.person();
    let server = world.server.clone();
    let work = async {
        at_one.has_sent(50).await;
        at_one.write("zz", "now");
        at_one.sends("zz").await;
        let sent = server.files().len();
        assert!(sent < 1_500, "{sent} were there before it");
    };
    tokio::select! {
        error = one.run() => panic!("one: {error}"),
        () = work => {}
    }
    one.is_slow(0);
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn without_a_watch_everything_is_looked_at_in_time_however_much_happens_on_the_server() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.rescans(Duration::from_millis(300));
    let mut watch = NoHints;
    let (at_one, at_two) = (one.person(), two.person());
    let root = world.server.root();
    let others = async {
        for number in 0.. {
            let name = Name::from(format!("other {number}"));
            world.server.create_folder(root, &name);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    };
    let work = async {
        at_one.write("a", "first");
        at_two.has("a", "first").await;
        at_one.write("a", "second");
        at_two.has("a", "second").await;
    };
    tokio::select! {
        error = one.run_with(&mut watch) => panic!("one: {error}"),
        error = two.run() => panic!("two: {error}"),
        () = others => {}
        () = work => {}
    }
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn what_an_overflown_watch_did_not_name_is_found_by_a_look_at_everything() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("d/e/a", "first");
    let (at_one, at_two) = (one.person(), two.person());
    let overflow = Arc::new(Notify::new());
    let mut watch = Overflowed(Arc::clone(&overflow));
    let work = async {
        at_two.has("d/e/a", "first").await;
        at_one.write("d/e/a", "second");
        overflow.notify_one();
        at_two.has("d/e/a", "second").await;
    };
    tokio::select! {
        error = one.run_with(&mut watch) => panic!("one: {error}"),
        error = two.run() => panic!("two: {error}"),
        () = work => {}
    }
    world.rests(&mut [&mut one, &mut two]).await;
}
