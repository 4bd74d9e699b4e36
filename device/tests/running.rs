//! Engines that keep running, with the system's own watch.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what goes wrong in a test fails it"
)]

mod support;

use std::sync::Arc;

use async_trait::async_trait;
use bitvault_device::watch::{Hint, Hints};
use support::{World, both};
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

#[tokio::test]
async fn a_running_device_waits_for_a_server_that_is_gone_for_a_while() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("a", "first");
    one.lose_answer("upload");
    let at_two = two.person();
    tokio::select! {
        error = one.run() => panic!("one: {error}"),
        error = two.run() => panic!("two: {error}"),
        () = at_two.has("a", "first") => {}
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
