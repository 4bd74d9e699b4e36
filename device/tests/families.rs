//! Scenario families that need somebody to act in the middle of a call, or a state, folder or clock that is not what it
//! was. The plain ones are in `two_devices.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what goes wrong in a test fails it"
)]

mod support;

use bitvault_device::planner::{RemoteKind, Sha256, UploadTo};
use bitvault_simulator::ModelServer;
use sha2::Digest as _;
use support::{Device, What, World, both, both_with_twenty};

/// Somebody writes a new version without a look at what is there, as an upload without a base does.
fn overwrite(server: &ModelServer, path: &str, text: &str) {
    let id = server.find(path).expect(path);
    let nodes = server.nodes();
    let RemoteKind::File(content) = nodes.iter().find(|node| node.id == id).unwrap().kind else {
        panic!("{path} is no file");
    };
    let to = UploadTo::Version {
        node: id,
        base: content.version,
    };
    assert!(server.write(&to, text.to_owned().into()));
}

fn ever_held(world: &World, text: &str) -> bool {
    world.server.ever_held(Sha256(sha2::Sha256::digest(text).into()))
}

fn uploads(device: &Device) -> usize {
    device.log().iter().filter(|line| line.what == "upload").count()
}

fn texts(device: &Device) -> Vec<String> {
    let mut texts: Vec<String> = device.files().into_values().collect();
    texts.sort();
    texts
}

#[tokio::test]
async fn three_offline_edits_of_one_file_all_survive_on_all_devices() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    let mut three = Device::new(&world, "three");
    one.write("plan.txt", "first");
    for device in [&mut one, &mut two, &mut three] {
        device.sync().await;
    }
    for device in [&one, &two, &three] {
        device.write("plan.txt", &device.name);
    }
    for device in [&mut one, &mut two, &mut three] {
        device.sync().await;
    }
    for device in [&mut one, &mut two, &mut three] {
        device.sync().await;
        let files = device.files();
        assert_eq!(files["plan.txt"], "one", "who came first");
        for name in ["two", "three"] {
            let mark = format!("plan (conflicted copy, {name}, ");
            let copy = files.iter().find(|(path, _)| path.starts_with(&mark));
            assert_eq!(copy.map(|(_, text)| text.as_str()), Some(name), "{files:?}");
        }
        assert_eq!(files.len(), 3, "{files:?}");
    }
    world.rests(&mut [&mut one, &mut two, &mut three]).await;
}

#[tokio::test]
async fn an_edit_during_an_upload_follows_as_the_next_version() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("a", "first");
    one.sync().await;
    two.sync().await;
    one.write("a", "second");
    let person = one.person();
    one.meanwhile("upload", move || person.write("a", "third"));
    one.sync().await;
    assert!(ever_held(&world, "second"), "what was on its way arrived");
    assert_eq!(uploads(&one), 3);
    two.sync().await;
    assert_eq!(texts(&two), ["third"]);
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn what_a_stale_editor_saves_is_an_edit_and_the_newer_version_stays_in_the_history() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("plan.txt", "first");
    one.sync().await;
    two.sync().await;
    let plan = world.server.find("plan.txt");
    two.write("plan.txt", "second");
    two.sync().await;
    one.sync().await;
    // An editor at one has had the file open since it was "first", and saves as editors do.
    one.write("plan.txt~", "first, edited");
    one.rename("plan.txt~", "plan.txt");
    one.sync().await;
    two.sync().await;
    assert_eq!(texts(&two), ["first, edited"]);
    assert_eq!(
        world.server.find("plan.txt"),
        plan,
        "it is a version of the same file"
    );
    assert!(ever_held(&world, "second"));
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn who_writes_on_the_server_without_a_look_takes_nothing_from_an_edit_on_its_way() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("a", "first");
    one.sync().await;
    two.sync().await;
    two.write("a", "two's");
    let server = world.server.clone();
    two.meanwhile("upload", move || overwrite(&server, "a", "the web's"));
    two.sync().await;
    one.sync().await;
    assert_eq!(one.text("a"), "the web's");
    assert_eq!(texts(&one), ["the web's", "two's"]);
    assert!(ever_held(&world, "first"));
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn what_was_settled_while_a_device_was_paused_is_followed_without_another_conflict() {
    for is_settled_here in [true, false] {
        let world = World::new();
        let (mut one, mut two) = both(&world).await;
        one.write("plan.txt", "first");
        one.sync().await;
        two.sync().await;
        one.write("plan.txt", "one's");
        two.write("plan.txt", "two's");
        for device in [&mut one, &mut two] {
            device.sync().await;
        }
        one.sync().await;
        let files = two.files();
        let copy = files.keys().find(|path| path.contains("conflicted")).unwrap();

        two.pause(true).await;
        let at = if is_settled_here { &two } else { &one };
        at.write("plan.txt", "both's");
        at.remove(copy);
        one.sync().await;
        let paused = two.files();
        assert!(two.sync_quietly().await.paused);
        assert_eq!(two.files(), paused, "nothing happens meanwhile");
        assert_eq!(world.files() == files, is_settled_here, "nor on the server");

        two.pause(false).await;
        two.sync().await;
        one.sync().await;
        assert_eq!(texts(&one), ["both's"]);
        assert_eq!(one.files(), two.files());
        world.rests(&mut [&mut one, &mut two]).await;
    }
}

#[tokio::test]
async fn a_state_put_back_to_an_earlier_one_begins_anew_and_deletes_nothing() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("music/song", "la");
    for number in 0..6 {
        one.write(&format!("f{number}"), "x");
    }
    one.sync().await;
    two.sync().await;
    two.back_up(What::State).await;
    // The earlier state knows nothing of what was left out since: it is missing here, as if somebody had deleted it.
    two.exclude("music", true);
    two.sync().await;
    assert_eq!(two.files().len(), 6);
    two.put_back(What::State).await;
    two.sync().await;
    assert_eq!(world.files().len(), 7, "{:?}", two.log());
    assert!(two.log().iter().any(|line| line.what == "anew"));
    assert_eq!(two.text("music/song"), "la");
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn a_state_put_back_to_before_a_removal_does_not_take_it_for_a_persons() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("a", "a");
    one.sync().await;
    two.sync().await;
    let saved = two.saved_state();
    let node = world.server.find("a").unwrap();
    world.server.set_hidden(node, true);
    two.sync().await;
    assert_eq!(
        two.files().len(),
        0,
        "it was removed in the session that brought it"
    );
    world.server.set_hidden(node, false);
    two.put_back_state(&saved).await;
    two.sync().await;
    one.sync().await;
    assert_eq!(world.files().len(), 1, "it is still on the server");
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn a_folder_put_back_to_an_earlier_one_takes_nothing_back_on_the_server() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("a", "first");
    one.write("b", "kept");
    one.sync().await;
    two.sync().await;
    two.back_up(What::Folder).await;
    one.write("a", "second");
    one.write("c", "new");
    one.sync().await;
    two.sync().await;
    two.put_back(What::Folder).await;
    two.sync().await;
    one.sync().await;
    assert_eq!(one.text("a"), "second");
    assert_eq!(
        one.text("c"),
        "new",
        "what the earlier folder lacks is not deleted"
    );
    assert_eq!(
        texts(&one),
        ["first", "kept", "new", "second"],
        "and what it has is kept"
    );
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn what_a_disk_can_not_list_is_told_and_not_taken_for_deleted() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("d/e/a", "a");
    for number in 0..6 {
        one.write(&format!("f{number}"), "x");
    }
    one.sync().await;
    two.sync().await;
    one.can_not_list(Some("d/e"));
    one.write("g", "goes on");
    let rest = one.sync_quietly().await;
    assert!(
        rest.troubles.iter().any(|trouble| trouble.path == "d/e"),
        "{rest:?}"
    );
    assert_eq!(world.files().len(), 8, "{:?}", one.log());
    one.can_not_list(Some(""));
    one.sync_fails().await;
    one.reopen().await;
    assert_eq!(world.files().len(), 8);
    one.can_not_list(None);
    world.rests(&mut [&mut one, &mut two]).await;
    assert_eq!(two.text("d/e/a"), "a");
}

#[tokio::test]
async fn access_that_is_lost_in_the_middle_of_a_sync_loses_no_edit() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("shared/edited", "first");
    one.write("shared/other", "other");
    one.sync().await;
    two.sync().await;
    two.write("shared/edited", "two's");
    let server = world.server.clone();
    let shared = server.find("shared").unwrap();
    two.meanwhile("upload", move || server.set_hidden(shared, true));
    two.sync_quietly().await;
    assert_eq!(texts(&two), ["two's"]);
    assert_eq!(
        two.trashed(),
        ["other"],
        "what may not be seen any more goes to the trash"
    );
    world.server.give_all_rights();
    two.sync().await;
    one.sync().await;
    two.sync().await;
    assert_eq!(texts(&one), ["first", "other", "two's"]);
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn a_version_whose_bytes_are_gone_is_told_and_stands_for_no_empty_file() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("changed", "first");
    one.sync().await;
    two.sync().await;
    one.write("changed", "second");
    one.write("new", "new");
    one.write("whole", "whole");
    one.sync().await;
    for path in ["changed", "new"] {
        world.server.lose_bytes(world.server.find(path).unwrap());
    }
    let rest = two.sync_quietly().await;
    let told: Vec<&str> = rest
        .troubles
        .iter()
        .map(|trouble| trouble.path.as_str())
        .collect();
    assert_eq!(told, ["changed", "new"], "{rest:?}");
    assert_eq!(texts(&two), ["first", "whole"]);
    one.write("changed", "third");
    one.write("new", "newer");
    one.sync().await;
    world.rests(&mut [&mut one, &mut two]).await;
}

#[tokio::test]
async fn a_clock_that_jumps_holds_nothing_back_and_loses_nothing() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("emptied", "full");
    one.write("edited", "first");
    one.sync().await;
    two.sync().await;
    for days in [-9000, 0, 9000, 0] {
        one.clock_jumps(days);
        let slept = one.slept();
        one.write("emptied", "");
        one.write("edited", &format!("{days} days"));
        one.sync().await;
        assert!(
            one.slept() < slept + 60_000,
            "{days} days: it waits for nothing that will not come"
        );
        two.sync().await;
        assert_eq!(two.text("emptied"), "");
        assert_eq!(two.text("edited"), format!("{days} days"));
        one.write("emptied", "full again");
        one.sync().await;
        two.sync().await;
        world.rests(&mut [&mut one, &mut two]).await;
    }
}

#[tokio::test]
async fn a_folder_that_can_not_leave_as_a_whole_stays_what_it_is() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("music/song", "la");
    for number in 0..6 {
        one.write(&format!("f{number}"), "x");
    }
    one.sync().await;
    two.sync().await;
    let before = world.files();
    two.write_unnameable("music");
    two.exclude("music", true);
    let rest = two.sync_quietly().await;
    assert!(
        rest.troubles.iter().any(|trouble| trouble.path == "music"),
        "{rest:?}"
    );
    assert_eq!(two.text("music/song"), "la");
    assert_eq!(world.files(), before, "{:?}", two.log());
}

#[tokio::test]
async fn what_comes_back_under_another_name_before_it_was_removed_here_is_renamed_and_no_conflict() {
    let world = World::new();
    let (mut one, mut two) = both_with_twenty(&world).await;
    let nodes = (0..20).map(|number| world.server.find(&format!("f{number}")).unwrap());
    let nodes: Vec<_> = nodes.collect();
    assert!(nodes.iter().all(|node| world.server.trash(*node)));
    let rest = two.sync_quietly().await;
    assert_eq!(rest.pauses.len(), 1, "it waits for a person: {rest:?}");
    for (number, node) in nodes.into_iter().enumerate() {
        world.server.restore(node);
        let (root, name) = (world.server.root(), format!("g{number}"));
        world.server.rename(node, root, &name).unwrap();
        let to = UploadTo::New {
            parent: root,
            name: format!("f{number}").as_str().into(),
        };
        assert!(world.server.write(&to, format!("other {number}").into()));
    }
    two.sync().await;
    assert_eq!(two.files(), world.files());
    assert_eq!(world.files().len(), 40, "no conflicted copy");
    world.rests(&mut [&mut one, &mut two]).await;
}

/// What one device writes is answered, and lost behind the answer: a replica without the last commits takes over, and somebody
/// goes on with its older state. The texts in the end.
async fn lost_behind_the_answer(
    write: impl FnOnce(&Device),
    go_on: impl FnOnce(&ModelServer) + Send + 'static,
) -> Vec<String> {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("a", "first");
    one.sync().await;
    two.sync().await;
    let backup = world.server.backup();
    write(&one);
    let (server, person) = (world.server.clone(), one.person());
    // The second call comes behind the answers.
    one.meanwhile("changes", move || {
        person.meanwhile("changes", move || {
            server.take_over_from(&backup);
            go_on(&server);
        });
    });
    one.sync().await;
    two.sync().await;
    world.rests(&mut [&mut one, &mut two]).await;
    texts(&two)
}

#[tokio::test]
async fn what_the_server_had_answered_and_lost_is_sent_again_although_no_epoch_tells_of_it() {
    let write = |one: &Device| {
        one.write("b", "answered, and lost");
        one.write("a", "second");
    };
    let texts = lost_behind_the_answer(write, |_| {}).await;
    for text in ["second", "answered, and lost"] {
        assert!(texts.iter().any(|there| there == text), "{texts:?}");
    }
}

#[tokio::test]
async fn what_was_answered_and_lost_is_kept_beside_a_version_that_got_its_revision() {
    let write = |one: &Device| one.write("a", "second");
    let texts = lost_behind_the_answer(write, |server| overwrite(server, "a", "other")).await;
    assert_eq!(texts, ["other", "second"]);
}

#[tokio::test]
async fn what_was_answered_and_lost_is_sent_again_where_the_older_version_has_a_later_revision() {
    let write = |one: &Device| one.write("a", "second");
    let renamed_twice = |server: &ModelServer| {
        let node = server.find("a").unwrap();
        for name in ["b", "c"] {
            server.rename(node, server.root(), name).unwrap();
        }
    };
    let texts = lost_behind_the_answer(write, renamed_twice).await;
    assert!(texts.iter().any(|text| text == "second"), "{texts:?}");
}

#[tokio::test]
async fn a_server_put_back_to_a_backup_while_a_device_reads_it_anew_takes_nothing_from_it() {
    let world = World::new();
    let (mut one, mut two) = both(&world).await;
    one.write("a", "first");
    one.sync().await;
    two.sync().await;
    let backup = world.server.backup();
    one.write("a", "second");
    one.sync().await;
    two.sync().await;
    one.write("b", "lost with the rest");
    one.sync().await;
    world.server.compact(world.server.journal_len());
    let (server, person) = (world.server.clone(), two.person());
    // The first call is told that its cursor has expired, and the second one reads from the beginning.
    two.meanwhile("changes", move || {
        person.meanwhile("changes", move || server.restore_backup(&backup));
    });
    two.sync().await;
    one.sync().await;
    let texts = texts(&two);
    for text in ["first", "second"] {
        assert!(texts.iter().any(|there| there == text), "{texts:?}");
    }
    world.rests(&mut [&mut one, &mut two]).await;
}
