//! Engines that keep running, with the system's own watch.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what goes wrong in a test fails it"
)]

mod support;

use support::{World, both};

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
