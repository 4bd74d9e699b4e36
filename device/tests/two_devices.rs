//! Two devices with real folders, their engines, and a model of the server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what goes wrong in a test fails it"
)]

mod support;

use support::{World, both, both_with_twenty};

#[tokio::test]
async fn two_offline_edits_of_one_file_both_survive_on_both_devices() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("plan.txt", "first");
    one.sync().await;
    two.sync().await;
    assert_eq!(two.text("plan.txt"), "first");

    one.write("plan.txt", "one's");
    two.write("plan.txt", "two's");
    one.sync().await;
    two.sync().await;
    one.sync().await;

    let files = one.files();
    assert_eq!(files.len(), 2, "{files:?}");
    assert_eq!(files["plan.txt"], "one's");
    let copy = files
        .keys()
        .find(|name| name.contains("conflicted copy, two"))
        .unwrap();
    assert_eq!(files[copy], "two's");
    assert_eq!(two.files(), files);
    assert_eq!(world.files(), files);
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn a_file_of_one_name_made_on_both_is_kept_twice_unless_it_is_equal() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("same", "same");
    two.write("same", "same");
    one.write("other", "one's");
    two.write("other", "two's");
    one.sync().await;
    two.sync().await;
    one.sync().await;
    let files = two.files();
    assert_eq!(files.len(), 3, "{files:?}");
    assert_eq!(one.files(), files);
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn an_edit_wins_against_a_delete() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("d/edited", "first");
    one.write("d/untouched", "first");
    one.sync().await;
    two.sync().await;
    one.remove("d");
    two.write("d/edited", "edited");
    one.sync().await;
    two.sync().await;
    one.sync().await;
    assert_eq!(one.files().into_values().collect::<Vec<_>>(), ["edited"]);
    assert_eq!(two.files(), one.files());
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn a_delete_reaches_the_other_device_and_its_trash() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("a", "a");
    one.write("b", "b");
    one.sync().await;
    two.sync().await;
    one.remove("a");
    one.sync().await;
    two.sync().await;
    assert_eq!(two.files().into_keys().collect::<Vec<_>>(), ["b"]);
    assert_eq!(two.trashed(), ["a"]);
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn a_rename_and_a_move_are_followed_without_sending_bytes_again() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("a/file", "text");
    one.write("b/other", "x");
    one.sync().await;
    two.sync().await;
    one.rename("a/file", "b/renamed");
    one.rename("b", "c");
    one.sync().await;
    two.sync().await;
    let uploads = one.log().iter().filter(|line| line.what == "upload").count();
    assert_eq!(uploads, 2, "only the two files of the beginning");
    let downloads = two.log().iter().filter(|line| line.what == "download").count();
    assert_eq!(downloads, 2);
    assert_eq!(two.text("c/renamed"), "text");
    assert_eq!(two.files(), one.files());
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn nothing_is_sent_twice_when_the_answer_to_an_upload_is_lost() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("a", "first");
    one.lose_answer("upload");
    one.sync_fails().await;
    assert_eq!(world.files().len(), 1, "it arrived");
    one.reopen().await;
    one.sync().await;

    // And when it is edited again before the device learns that it arrived.
    one.write("a", "second");
    one.lose_answer("upload");
    one.sync_fails().await;
    one.write("a", "third");
    one.reopen().await;
    one.sync().await;
    two.sync().await;
    assert_eq!(two.files().into_values().collect::<Vec<_>>(), ["third"]);
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn what_arrived_is_known_as_ones_own_when_the_file_was_deleted_or_replaced_before_the_device_knew() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("other", "other");
    one.write("old", "first");
    one.sync().await;
    two.sync().await;

    for (sent, text) in [("new", "new"), ("old", "second")] {
        // Another file takes its place.
        one.write(sent, text);
        one.lose_answer("upload");
        one.sync_fails().await;
        assert_eq!(world.files()[sent], text, "it arrived");
        one.rename("other", sent);
        one.reopen().await;
        one.sync().await;
        assert_eq!(world.files()[sent], "other");
        one.rename(sent, "other");
        one.sync().await;
    }
    // It is deleted.
    one.write("new", "newer");
    one.lose_answer("upload");
    one.sync_fails().await;
    one.remove("new");
    one.reopen().await;
    one.sync().await;
    two.sync().await;
    let files: Vec<_> = two.files().into_iter().collect();
    assert_eq!(files, [("other".to_owned(), "other".to_owned())]);
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn what_was_fetched_is_nobodys_new_file_when_it_was_deleted_or_moved_before_the_device_knew() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("d/moved", "moved");
    one.sync().await;
    two.forget("download");
    two.sync_fails().await;
    assert_eq!(two.text("d/moved"), "moved", "it is in place");
    one.rename("d/moved", "elsewhere");
    one.write("d/moved", "another");
    one.sync().await;
    two.reopen().await;
    two.sync().await;
    assert_eq!(two.files(), one.files());

    one.write("d/deleted", "deleted");
    one.sync().await;
    two.forget("download");
    two.sync_fails().await;
    one.remove("d/deleted");
    one.sync().await;
    two.reopen().await;
    two.sync().await;
    one.sync().await;
    let names: Vec<_> = one.files().into_keys().collect();
    assert_eq!(names, ["d/moved", "elsewhere"]);
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn a_folder_that_was_made_here_is_nobodys_new_one_when_it_was_deleted_or_moved_before_the_device_knew()
{
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("deleted/a", "a");
    one.write("moved/b", "b");
    one.sync().await;
    two.forget("create");
    two.sync_fails().await;
    one.remove("deleted");
    one.write("deleted", "a file has its name");
    one.rename("moved", "elsewhere");
    one.write("moved", "another one");
    one.sync().await;
    two.reopen().await;
    two.sync().await;
    one.sync().await;
    let names: Vec<_> = one.files().into_keys().collect();
    assert_eq!(names, ["deleted", "elsewhere/b", "moved"]);
    assert!(
        two.log().iter().all(|line| line.what != "conflict"),
        "{:?}",
        two.log()
    );
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn a_folder_that_the_server_made_is_the_devices_own_when_it_was_deleted_or_moved_before_the_device_knew()
 {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("deleted/a", "a");
    one.write("moved/b", "b");
    one.forget("create");
    one.sync_fails().await;
    assert!(world.server.find("deleted").is_some() && world.server.find("moved").is_some());
    one.remove("deleted");
    one.write("deleted", "a file has its name");
    one.rename("moved", "elsewhere");
    one.write("moved", "another one");
    one.reopen().await;
    one.sync().await;
    two.sync().await;
    let names: Vec<_> = two.files().into_keys().collect();
    assert_eq!(names, ["deleted", "elsewhere/b", "moved"]);
    assert!(
        one.log().iter().all(|line| line.what != "conflict"),
        "{:?}",
        one.log()
    );
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn a_move_that_was_sent_is_the_devices_own_when_the_file_was_moved_again_before_the_device_knew() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("a", "a");
    one.sync().await;
    one.rename("a", "b");
    one.lose_answer("move_node");
    one.sync_fails().await;
    assert!(world.files().contains_key("b"), "it arrived");
    one.rename("b", "c");
    one.write("b", "another one");
    one.reopen().await;
    one.sync().await;
    two.sync().await;
    let names: Vec<_> = two.files().into_keys().collect();
    assert_eq!(names, ["b", "c"]);
    assert_eq!(two.text("c"), "a");
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn a_move_that_was_followed_here_is_not_the_persons_when_the_server_moved_on_before_the_device_knew() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("a", "a");
    one.write("d/f", "f");
    one.sync().await;
    two.sync().await;
    one.rename("a", "b");
    one.rename("d", "e");
    one.sync().await;
    two.forget("move");
    two.sync_fails().await;
    assert_eq!(two.text("b"), "a", "it was moved");
    assert_eq!(two.text("e/f"), "f", "it was moved");
    one.rename("b", "a");
    one.rename("e", "g");
    one.write("b", "another one");
    one.sync().await;
    two.reopen().await;
    two.sync().await;
    one.sync().await;
    let names: Vec<_> = one.files().into_keys().collect();
    assert_eq!(names, ["a", "b", "g/f"]);
    assert_eq!(one.text("a"), "a");
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn lost_requests_and_answers_of_every_call_do_no_harm() {
    for call in [
        "introduce",
        "changes",
        "node",
        "create_folder",
        "upload",
        "download",
        "move_node",
        "delete",
    ] {
        let world = World::new();
        let (mut one, mut two) = both(&world).await;
        one.write("d/a", "a");
        one.write("keep", "k");
        one.sync().await;
        two.sync().await;
        one.write("e/new", "new");
        one.rename("d/a", "d/b");
        one.remove("keep");
        for device in [&mut one, &mut two] {
            device.lose_answer(call);
            device.sync_maybe().await;
            device.lose_request(call);
            device.sync_maybe().await;
        }
        one.sync_quietly().await;
        two.sync_quietly().await;
        one.sync_quietly().await;
        assert_eq!(one.files(), two.files(), "{call}");
        assert_eq!(
            one.files().into_iter().collect::<Vec<_>>(),
            [("d/b".into(), "a".into()), ("e/new".into(), "new".into())],
            "{call}"
        );
        world.rests(&mut [&mut one, &mut two]).await;
    }
}

#[tokio::test]
async fn a_state_that_is_lost_deletes_nothing_and_sends_nothing_again() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("a", "a");
    one.write("d/b", "b");
    one.sync().await;
    two.sync().await;
    two.remove("a");
    two.lose_state().await;
    two.sync().await;
    assert_eq!(two.files(), one.files(), "what is missing comes back");
    let uploads = two.log().iter().filter(|line| line.what == "upload").count();
    assert_eq!(uploads, 0, "what is equal is adopted");
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn a_folder_without_its_marker_is_not_taken_for_one_whose_files_were_deleted() {
    let world = World::new();
    let (mut one, _) = both(&world).await;
    one.write("a", "a");
    one.sync().await;
    one.unmount();
    let error = one.sync_fails().await;
    assert!(error.contains("marker"), "{error}");
    assert_eq!(world.files().len(), 1);
}

#[tokio::test]
async fn a_copied_folder_with_its_state_begins_anew() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("a", "a");
    one.sync().await;
    two.sync().await;
    let mut clone = one.cloned("clone").await;
    one.write("b", "b");
    one.sync().await;
    clone.write("b", "another");
    clone.sync().await;
    assert!(
        clone.log().iter().any(|line| line.what == "anew"),
        "it is another device"
    );
    two.sync().await;
    one.sync().await;
    clone.sync().await;
    assert_eq!(one.files().len(), 3, "{:?}", one.files());
    assert_eq!(clone.files(), one.files());
    world.rests(&mut [&mut one, &mut two, &mut clone]).await;
}

#[tokio::test]
async fn a_server_put_back_to_a_backup_takes_nothing_from_a_device() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("old", "old");
    one.write("edited", "before");
    one.sync().await;
    two.sync().await;
    let backup = world.server.backup();
    one.write("edited", "after");
    one.write("new", "new");
    one.sync().await;
    world.server.restore_backup(&backup);
    one.sync().await;
    two.sync().await;
    one.sync().await;
    let texts: Vec<String> = one.files().into_values().collect();
    for text in ["old", "after", "new", "before"] {
        assert!(
            texts.iter().any(|found| found == text),
            "{text} in {:?}",
            one.files()
        );
    }
    assert_eq!(two.files(), one.files());
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn a_cursor_that_expired_reads_everything_again_and_deletes_nothing() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("a", "a");
    one.write("b", "b");
    one.sync().await;
    two.sync().await;
    one.write("c", "c");
    one.remove("a");
    one.sync().await;
    world.server.compact(world.server.journal_len());
    let rest = two.sync_quietly().await;
    assert_eq!(two.files().into_keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert!(
        rest.troubles.iter().any(|trouble| trouble.path == "a"),
        "that nobody said a was deleted is told: {rest:?}"
    );
}

#[tokio::test]
async fn many_deletes_wait_until_a_person_agrees() {
    let world = World::new();
    let (mut one, _) = both_with_twenty(&world).await;
    for number in 0..15 {
        one.remove(&format!("f{number}"));
    }
    let rest = one.sync_quietly().await;
    assert_eq!(rest.pauses.len(), 1, "{rest:?}");
    assert_eq!(world.files().len(), 20);
    one.agree(15, 0).await;
    one.sync().await;
    assert_eq!(world.files().len(), 5);
    assert_eq!(one.agreed(), 0, "that was agreed to once");
}

#[tokio::test]
async fn deletes_that_come_piece_by_piece_wait_like_those_that_come_at_once() {
    let world = World::new();
    let (mut one, mut two) = both_with_twenty(&world).await;
    let at_one = one.person();
    let remove =
        |numbers: std::ops::Range<u32>| numbers.for_each(|number| at_one.remove(&format!("f{number}")));
    remove(0..5);
    one.sync().await;
    two.sync().await;
    remove(5..10);
    one.sync().await;
    remove(10..13);
    let rest = one.sync_quietly().await;
    assert_eq!(rest.pauses.len(), 1, "13 of 20 in three parts: {rest:?}");
    assert_eq!(world.files().len(), 10);
    one.agree(3, 0).await;
    one.sync().await;
    let rest = two.sync_quietly().await;
    assert_eq!(rest.pauses.len(), 1, "so it is where they are followed: {rest:?}");
    assert_eq!(two.files().len(), 15);
    two.agree(0, 8).await;
    world.rests(&mut [&mut one, &mut two]).await;
    // What was agreed to is over.
    one.remove("f13");
    one.sync().await;
    assert_eq!(world.files().len(), 6);
}

#[tokio::test]
async fn a_folder_whose_files_are_renewed_again_and_again_loses_nothing_and_asks_nobody() {
    let world = World::new();
    let (mut one, _) = both(&world).await;
    for round in 0..4 {
        for number in 0..10 {
            one.write(&format!("{round} {number}"), &format!("text {round} {number}"));
            if round > 0 && number < 4 {
                one.remove(&format!("{} {number}", round - 1));
            }
        }
        one.sync().await;
    }
    for round in 0..3 {
        for number in 4..10 {
            one.remove(&format!("{round} {number}"));
            one.write(&format!("new {round} {number}"), "new");
        }
        one.sync().await;
    }
    assert_eq!(one.files().len(), 28);
}

#[tokio::test]
async fn what_comes_back_with_a_new_version_before_it_was_removed_here_is_replaced_and_no_conflict() {
    let world = World::new();
    let (mut one, mut two) = both_with_twenty(&world).await;
    let nodes = (0..20).map(|number| world.server.find(&format!("f{number}")).unwrap());
    let nodes: Vec<_> = nodes.collect();
    assert!(nodes.iter().all(|node| world.server.trash(*node)));
    let rest = two.sync_quietly().await;
    assert_eq!(rest.pauses.len(), 1, "{rest:?}");
    nodes.iter().for_each(|node| world.server.restore(*node));
    one.write("f7", "newer");
    one.sync().await;
    two.sync().await;
    assert_eq!(two.files(), one.files());
    assert_eq!(two.files().len(), 20, "no conflicted copy");
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn ignored_files_links_and_special_files_stay_on_the_device() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write(".bitvaultignore", "*.tmp\n/build/\n!keep.tmp\n");
    one.write("a.tmp", "no");
    one.write("d/keep.tmp", "yes");
    one.write("build/out", "no");
    one.write("d/build/in", "yes");
    one.link("link", "/etc/hostname");
    one.link("d/link", "keep.tmp");
    one.link("ignored.tmp", "a.tmp");
    one.sync().await;
    two.sync().await;
    assert_eq!(
        two.files().into_keys().collect::<Vec<_>>(),
        [".bitvaultignore", "d/build/in", "d/keep.tmp"]
    );
    assert_eq!(one.left_alone(), ["d/link", "link"]);
}

#[tokio::test]
async fn a_folder_whose_ignore_rules_can_not_be_read_waits_and_the_rest_is_synced() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("d/.bitvaultignore", &"secret\n".repeat(10_000));
    one.write("d/secret", "no");
    one.write("a", "yes");
    let rest = one.sync_quietly().await;
    assert_eq!(rest.troubles.len(), 1, "{rest:?}");
    assert!(rest.troubles[0].reason.contains(".bitvaultignore"), "{rest:?}");
    assert_eq!(world.files().into_keys().collect::<Vec<_>>(), ["a"]);
    one.write("d/.bitvaultignore", "secret\n");
    one.write("d/b", "yes");
    one.sync().await;
    two.sync().await;
    assert_eq!(
        two.files().into_keys().collect::<Vec<_>>(),
        ["a", "d/.bitvaultignore", "d/b"]
    );
}

#[tokio::test]
async fn since_when_it_is_in_step_is_told_and_only_while_it_is() {
    let world = World::new();
    let (mut one, _) = both(&world).await;
    for number in 0..20 {
        one.write(&format!("f{number}"), "text");
    }
    one.sync().await;
    let since = one.status().at_rest.expect("it is in step");
    one.sync().await;
    assert_eq!(one.status().at_rest, Some(since));
    one.remove("f0");
    one.sync().await;
    assert!(one.status().at_rest > Some(since));
    for number in 1..15 {
        one.remove(&format!("f{number}"));
    }
    one.sync_quietly().await;
    assert_eq!(one.status().at_rest, None, "deletes wait for a person");
}

#[tokio::test]
async fn a_file_that_just_became_empty_is_sent_only_when_it_stays_so() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("a", "full");
    one.sync().await;
    one.write("a", "");
    let slept = one.slept();
    one.sync().await;
    assert!(one.slept() > slept + 8_000, "it waited for its ten seconds");
    two.sync().await;
    assert_eq!(two.text("a"), "");
}

#[tokio::test]
async fn a_paused_device_does_nothing() {
    let world = World::new();
    let (mut one, _) = both(&world).await;
    one.write("a", "a");
    one.pause(true).await;
    assert!(one.sync_quietly().await.paused);
    assert!(world.files().is_empty());
    one.pause(false).await;
    one.sync().await;
    assert_eq!(world.files().len(), 1);
}

#[tokio::test]
async fn many_files_in_many_folders_arrive() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    for number in 0..600 {
        one.write(
            &format!("d{}/e{}/f{number}", number % 7, number % 3),
            &format!("text {number}"),
        );
    }
    one.sync().await;
    two.sync().await;
    assert_eq!(two.files().len(), 600);
    assert_eq!(two.files(), one.files());
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn a_name_that_the_engine_keeps_for_itself_is_refused_and_not_taken_for_deleted() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("d/.bitvault/x", "fine below the top");
    one.sync().await;
    let taken = world.server.find("d/.bitvault").unwrap();
    world
        .server
        .rename(taken, world.server.root(), ".bitvault")
        .unwrap();
    for _ in 0..2 {
        let rest = two.sync_quietly().await;
        assert!(
            rest.troubles.iter().any(|trouble| trouble.path == ".bitvault"),
            "{rest:?}"
        );
    }
    assert_eq!(world.files().len(), 1);
}

#[tokio::test]
async fn what_a_device_leaves_out_goes_from_it_alone_and_comes_back() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("music/song", "la");
    for number in 0..6 {
        one.write(&format!("f{number}"), "x");
    }
    one.sync().await;
    two.sync().await;
    two.exclude("music", true);
    two.sync().await;
    assert_eq!(two.files().len(), 6);
    assert_eq!(world.files().len(), 7, "it stays on the server");
    one.write("music/song", "la la");
    one.sync().await;
    two.sync().await;
    assert_eq!(two.files().len(), 6);
    two.exclude("music", false);
    two.sync().await;
    assert_eq!(two.text("music/song"), "la la");
    world.rests(&mut [&mut one, &mut two]).await;
}
