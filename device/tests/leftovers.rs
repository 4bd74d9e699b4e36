//! What a device that died in the middle of an exchange left under a name of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what goes wrong in a test fails it"
)]

mod support;

use support::{Device, World, both};

/// The name of what is about to change places with another file.
const SWAP: &str = ".bitvault-swap-000000000000000a";

#[tokio::test]
async fn what_was_written_right_before_an_exchange_in_which_the_device_died_gets_a_name_again() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("a.txt", "old");
    one.write("d/b", "other");
    one.sync().await;
    // Saved in place, and the exchange was the last that the device did.
    one.rename("a.txt", SWAP);
    one.write("a.txt", "of the server");
    one.write(SWAP, "saved right before");
    // Saved by another program that writes a new file.
    one.write(&format!("d/{SWAP}"), "saved anew");
    world.rests(&mut [&mut one, &mut two]).await;
    assert_eq!(two.text("a.txt"), "of the server");
    assert_eq!(
        two.text("a (conflicted copy, one, 2026-03-09).txt"),
        "saved right before"
    );
    assert_eq!(
        two.text("d/recovered (conflicted copy, one, 2026-03-09)"),
        "saved anew"
    );
    assert_eq!(one.trashed(), [""; 0]);
}

#[tokio::test]
async fn what_made_place_in_an_exchange_in_which_the_device_died_goes_to_the_trash_and_so_does_a_download() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("a", "old");
    one.write("d/b", "other");
    one.sync().await;
    one.rename("a", SWAP);
    one.write("a", "newer");
    one.write(&format!("d/{SWAP}"), "other");
    world.rests(&mut [&mut one, &mut two]).await;
    assert_eq!(one.files().into_keys().collect::<Vec<_>>(), ["a", "d/b"]);
    assert_eq!(one.trashed(), ["old", "other"]);
}

/// Two devices, of which one died before it noted that it had fetched "a", whose content is "second" now.
async fn dies_fetching_a(world: &World) -> (Device, Device) {
    let (mut one, mut two) = both(world).await;
    one.write("a", "first");
    one.write("b", "other");
    one.sync().await;
    two.sync().await;
    two.write("a", "second");
    two.sync().await;
    one.forget("download");
    one.sync_maybe().await;
    one.reopen().await;
    (one, two)
}

#[tokio::test]
async fn what_was_moved_to_where_an_exchange_was_when_the_device_died_is_a_persons_although_the_server_has_it()
 {
    let world = World::new();
    let (mut one, mut two) = dies_fetching_a(&world).await;
    // Over "a", right before the exchange: what takes the place of "b" must not be thrown away with the version of "a".
    one.rename("b", SWAP);
    world.rests(&mut [&mut one, &mut two]).await;
    assert_eq!(two.text("a"), "second");
    assert_eq!(two.text("b (conflicted copy, one, 2026-03-09)"), "other");
    assert_eq!(two.files().len(), 2, "{:?}", one.log());
}

#[tokio::test]
async fn a_download_that_was_about_to_take_its_place_is_no_persons_though_the_server_went_on_since() {
    let world = World::new();
    let (mut one, mut two) = dies_fetching_a(&world).await;
    // As it was right before the exchange.
    one.rename("a", SWAP);
    one.write("a", "first");
    two.write("a", "third");
    two.sync().await;
    world.rests(&mut [&mut one, &mut two]).await;
    assert_eq!(
        two.files().into_keys().collect::<Vec<_>>(),
        ["a", "b"],
        "{:?}",
        one.log()
    );
    assert_eq!(two.text("a"), "third");
}
