//! Conflicted copies: written with the copy, shown to who sees both files, settled without losing anything. And folders
//! that are deleted as they were seen.

use crate::support::{World, file, request, send, sha256};
use bitvault_platform::ids::AccountId;
use bitvault_platform::{Code, Ctx, Error};
use bitvault_proto::v1;
use bitvault_proto::v1::conflicts_service_server::ConflictsService as _;
use bitvault_proto::v1::files_service_server::FilesService as _;
use v1::ConflictKeep::{Both, Mine, Theirs};

const COPY: &str = "plan (conflicted copy, laptop, 2026-11-28).txt";

/// Uploads a conflicted copy as a device does.
async fn copy_of(world: &World, folder: &str, name: &str, content: &[u8], of: &v1::Node) -> v1::Node {
    let start = v1::StartUpload {
        device: Some("laptop".to_owned()),
        conflict_of: Some(v1::ConflictOf {
            node_id: of.id.clone(),
            base_version: of.version.as_ref().map(|version| version.id.clone()),
        }),
        ..file(folder, name, content)
    };
    let upload = world.start(&world.ctx(), vec![start]).await.remove(0).unwrap();
    send(upload.parts[0].request.as_ref().unwrap(), content).await;
    world.commit_one(&upload.id).await.unwrap()
}

/// A file that a device made a conflicted copy of.
async fn conflict(world: &World) -> (v1::Node, v1::Node) {
    let base = world.put("root", "plan.txt", b"as it was").await.unwrap();
    world.put_version(&base.id, b"theirs").await;
    let copy = copy_of(world, "root", COPY, b"mine", &base).await;
    (base, copy)
}

async fn page(world: &World, ctx: &Ctx, limit: u32, cursor: Option<String>) -> v1::ListConflictsResponse {
    let message = v1::ListConflictsRequest { limit, cursor };
    let answer = world.files.list_conflicts(request(ctx, message)).await.unwrap();
    answer.into_inner()
}

async fn open(world: &World) -> Vec<v1::Conflict> {
    page(world, &world.ctx(), 0, None).await.items
}

async fn get(world: &World, ctx: &Ctx, id: &str) -> Result<v1::Conflict, Error> {
    let message = v1::GetConflictRequest { id: id.to_owned() };
    Ok(world
        .files
        .get_conflict(request(ctx, message))
        .await?
        .into_inner())
}

fn settling(conflict: &v1::Conflict, keep: v1::ConflictKeep) -> v1::ResolveConflictRequest {
    v1::ResolveConflictRequest {
        id: conflict.id.clone(),
        keep: keep.into(),
        revision: Some(conflict.revision),
        idempotency_key: None,
    }
}

async fn settle(
    world: &World,
    ctx: &Ctx,
    message: v1::ResolveConflictRequest,
) -> Result<v1::Conflict, Error> {
    Ok(world
        .files
        .resolve_conflict(request(ctx, message))
        .await?
        .into_inner())
}

async fn names(world: &World) -> Vec<String> {
    let found = world.list("root").await.unwrap();
    found.into_iter().map(|node| node.name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_written_with_its_copy_and_tells_who_when_and_where() {
    let world = World::new().await;
    let (base, copy) = conflict(&world).await;
    let found = open(&world).await;
    let [one] = found.as_slice() else {
        panic!("{found:?}")
    };
    let (theirs, mine) = (one.theirs.as_ref().unwrap(), one.mine.as_ref().unwrap());
    assert_eq!(theirs.node.as_ref().unwrap().id, base.id);
    assert_eq!(theirs.node.as_ref().unwrap().revision, 2, "as it is now");
    assert_eq!(mine.node.as_ref().unwrap().id, copy.id);
    assert_eq!(
        (one.device.as_str(), mine.device.as_deref()),
        ("laptop", Some("laptop"))
    );
    assert_eq!(theirs.device, None, "no device told its name");
    let me = Some(world.account.to_string());
    assert_eq!(
        (&one.created_by, &theirs.changed_by, &mine.changed_by),
        (&me, &me, &me)
    );
    assert_eq!(one.base_version, base.version.map(|version| version.id));
    assert_eq!(one.revision, 3);
    assert_eq!(get(&world, &world.ctx(), &one.id).await.unwrap(), *one);
    world.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_what_is_gone_or_not_to_be_seen_is_a_file_like_any_other() {
    let world = World::new().await;
    let gone = world.put("root", "gone.txt", b"1").await.unwrap();
    world.delete(&gone.id, false).await.unwrap();
    let folder = world.mkdir("root", "folder").await.unwrap();
    let stranger = world.as_account(AccountId::new());
    let hidden = world.get(&stranger, "root").await.unwrap();
    for (number, of) in [gone, folder, hidden].iter().enumerate() {
        copy_of(&world, "root", &format!("{number}.txt"), b"mine", of).await;
    }
    assert_eq!(open(&world).await, []);
    assert_eq!(world.count("SELECT count(*) FROM files.conflicts").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn keeping_theirs_moves_the_copy_to_the_trash_and_keeps_the_file() {
    let world = World::new().await;
    let (base, copy) = conflict(&world).await;
    let one = open(&world).await.remove(0);
    let settled = settle(&world, &world.ctx(), settling(&one, Theirs))
        .await
        .unwrap();
    assert_eq!(settled.resolved.as_ref().unwrap().keep(), Theirs);
    assert_eq!(names(&world).await, ["plan.txt"]);
    assert_eq!(world.read(&base.id).await, b"theirs");
    assert_eq!(open(&world).await, []);
    let trash = v1::ListTrashRequest::default();
    let trash = world
        .files
        .list_trash(request(&world.ctx(), trash))
        .await
        .unwrap();
    assert_eq!(trash.into_inner().items[0].node.as_ref().unwrap().id, copy.id);
    // Again it answers the same, and another choice comes too late.
    assert_eq!(
        settle(&world, &world.ctx(), settling(&one, Theirs))
            .await
            .unwrap(),
        settled
    );
    let late = settle(&world, &world.ctx(), settling(&one, Mine))
        .await
        .unwrap_err();
    assert_eq!(
        (late.code(), late.reason()),
        (Code::Conflict, "conflict_resolved")
    );
    world.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keeping_mine_makes_a_new_version_of_the_same_bytes_and_keeps_the_old_one() {
    let world = World::new().await;
    let (base, copy) = conflict(&world).await;
    let blobs = world.count("SELECT count(*) FROM files.blobs").await;
    let one = open(&world).await.remove(0);
    let settled = settle(&world, &world.ctx(), settling(&one, Mine)).await.unwrap();
    assert_eq!(names(&world).await, ["plan.txt"]);
    assert_eq!(world.read(&base.id).await, b"mine");
    assert_eq!(
        settled.theirs.unwrap().device.as_deref(),
        Some("laptop"),
        "where it was made"
    );
    assert_eq!(
        world.count("SELECT count(*) FROM files.blobs").await,
        blobs,
        "no byte moved"
    );
    let message = v1::ListVersionsRequest {
        node_id: base.id.clone(),
        ..v1::ListVersionsRequest::default()
    };
    let versions = world
        .files
        .list_versions(request(&world.ctx(), message))
        .await
        .unwrap();
    let hashes: Vec<Vec<u8>> = versions
        .into_inner()
        .items
        .into_iter()
        .map(|one| one.sha256)
        .collect();
    assert_eq!(hashes, [sha256(b"mine"), sha256(b"theirs"), sha256(b"as it was")]);
    // The copy may go for good: the file has the content on its own.
    world.delete(&copy.id, true).await.unwrap();
    assert_eq!(world.read(&base.id).await, b"mine");
    assert_eq!(
        world.count("SELECT count(*) FROM files.conflicts").await,
        0,
        "it goes with a file of it"
    );
    world.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keeping_both_gives_the_copy_a_free_name_of_its_own() {
    let world = World::new().await;
    let (base, copy) = conflict(&world).await;
    world
        .put("root", "Plan (Laptop).txt", b"in the way")
        .await
        .unwrap();
    let one = open(&world).await.remove(0);
    let settled = settle(&world, &world.ctx(), settling(&one, Both)).await.unwrap();
    assert_eq!(settled.mine.unwrap().node.unwrap().name, "plan (laptop 2).txt");
    assert_eq!(
        names(&world).await,
        ["plan (laptop 2).txt", "Plan (Laptop).txt", "plan.txt"]
    );
    assert_eq!(world.read(&base.id).await, b"theirs");
    assert_eq!(world.read(&copy.id).await, b"mine");
    assert_eq!(open(&world).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_that_changed_since_it_was_looked_at_is_left_alone() {
    let world = World::new().await;
    let (base, copy) = conflict(&world).await;
    let seen = open(&world).await.remove(0);
    world.put_version(&copy.id, b"mine, later").await;
    for keep in [Both, Theirs, Mine] {
        let refused = settle(&world, &world.ctx(), settling(&seen, keep))
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code(), refused.reason()),
            (Code::Precondition, "conflict_changed")
        );
    }
    assert_eq!(world.read(&base.id).await, b"theirs");
    let now = open(&world).await.remove(0);
    assert_eq!(now.revision, seen.revision + 1);
    settle(&world, &world.ctx(), settling(&now, Mine)).await.unwrap();
    assert_eq!(world.read(&base.id).await, b"mine, later");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_settles_once_and_two_who_settle_at_once_do_not_lose_anything() {
    let world = World::new().await;
    let (base, _) = conflict(&world).await;
    let one = open(&world).await.remove(0);
    let keyed = v1::ResolveConflictRequest {
        idempotency_key: Some("k".to_owned()),
        ..settling(&one, Mine)
    };
    let ctx = world.ctx();
    let calls = (0..4).map(|_| settle(&world, &ctx, keyed.clone()));
    let other = settle(&world, &ctx, settling(&one, Theirs));
    let (answers, other) = futures::join!(futures::future::join_all(calls), other);
    let content = world.read(&base.id).await;
    match other {
        Ok(_) => {
            assert_eq!(content, b"theirs");
            assert!(answers.iter().all(Result::is_err));
        }
        Err(error) => {
            assert_eq!(
                (content.as_slice(), error.reason()),
                (&b"mine"[..], "conflict_resolved")
            );
            let first = answers[0].as_ref().unwrap();
            assert!(answers.iter().all(|answer| answer.as_ref().unwrap() == first));
        }
    }
    world.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_over_when_a_file_goes_or_the_copy_is_renamed_by_hand() {
    let world = World::new().await;
    let (base, copy) = conflict(&world).await;
    let one = open(&world).await.remove(0);
    for id in [&base.id, &copy.id] {
        world.delete(id, false).await.unwrap();
        assert_eq!(open(&world).await, []);
        let gone = get(&world, &world.ctx(), &one.id).await.unwrap_err();
        assert_eq!(gone.reason(), "conflict_not_found");
        let late = settle(&world, &world.ctx(), settling(&one, Mine))
            .await
            .unwrap_err();
        assert_eq!(late.reason(), "conflict_not_found");
        let message = v1::RestoreNodeRequest {
            id: id.clone(),
            ..v1::RestoreNodeRequest::default()
        };
        world
            .files
            .restore_node(request(&world.ctx(), message))
            .await
            .unwrap();
        assert_eq!(open(&world).await.len(), 1, "and comes back with it");
    }
    let message = v1::UpdateNodeRequest {
        id: copy.id,
        name: Some("my plan.txt".to_owned()),
        ..v1::UpdateNodeRequest::default()
    };
    world
        .files
        .update_node(request(&world.ctx(), message))
        .await
        .unwrap();
    assert_eq!(open(&world).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_sees_both_files_sees_a_conflict_and_only_an_editor_settles_it() {
    let world = World::new().await;
    let folder = world.mkdir("root", "shared").await.unwrap();
    let base = world.put(&folder.id, "plan.txt", b"theirs").await.unwrap();
    let copy = copy_of(&world, &folder.id, COPY, b"mine", &base).await;
    let one = open(&world).await.remove(0);
    let (reader, half, editor) = (AccountId::new(), AccountId::new(), AccountId::new());
    world.grant(&folder.id, reader, "viewer").await;
    world.grant(&copy.id, half, "editor").await;
    world.grant(&folder.id, editor, "editor").await;
    for (account, sees, reason) in [
        (reader, 1, "role_too_low"),
        (half, 0, "conflict_not_found"),
        (AccountId::new(), 0, "conflict_not_found"),
    ] {
        let ctx = world.as_account(account);
        assert_eq!(page(&world, &ctx, 0, None).await.items.len(), sees);
        assert_eq!(get(&world, &ctx, &one.id).await.is_ok(), sees == 1);
        let refused = settle(&world, &ctx, settling(&one, Theirs)).await.unwrap_err();
        assert_eq!(refused.reason(), reason);
    }
    let settled = settle(&world, &world.as_account(editor), settling(&one, Mine))
        .await
        .unwrap();
    assert_eq!(settled.resolved.unwrap().by, Some(editor.to_string()));
    assert_eq!(world.read(&base.id).await, b"mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_conflicts_hold_each_once_the_newest_first() {
    let world = World::new().await;
    let base = world.put("root", "plan.txt", b"theirs").await.unwrap();
    let mut made = Vec::new();
    for number in 0..5 {
        made.push(
            copy_of(&world, "root", &format!("{number}.txt"), b"mine", &base)
                .await
                .id,
        );
    }
    // One that is not to be told stands between the others.
    world.delete(&made.remove(2), false).await.unwrap();
    made.reverse();
    let (mut told, mut cursor) = (Vec::new(), None);
    loop {
        let page = page(&world, &world.ctx(), 2, cursor).await;
        assert!(page.items.len() <= 2);
        told.extend(
            page.items
                .into_iter()
                .map(|one| one.mine.unwrap().node.unwrap().id),
        );
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(told, made);
}

/// What a device that knows just these covers.
fn covers(nodes: &[&v1::Node]) -> Vec<u8> {
    let mut lines: Vec<String> = nodes
        .iter()
        .map(|node| format!("{} {}\n", node.id, node.revision))
        .collect();
    lines.sort();
    sha256(lines.concat().as_bytes())
}

async fn delete_covered(world: &World, node: &v1::Node, covers: Vec<u8>) -> Result<(), Error> {
    let message = v1::DeleteNodeRequest {
        id: node.id.clone(),
        permanent: false,
        revision: Some(node.revision),
        covers: Some(covers),
    };
    world.files.delete_node(request(&world.ctx(), message)).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_goes_to_the_trash_only_with_what_its_deleter_knows_of() {
    let world = World::new().await;
    let folder = world.mkdir("root", "folder").await.unwrap();
    let inner = world.mkdir(&folder.id, "inner").await.unwrap();
    let known = world.put(&inner.id, "known.txt", b"1").await.unwrap();
    let thrown = world.put(&inner.id, "thrown.txt", b"1").await.unwrap();
    world.delete(&thrown.id, false).await.unwrap();
    let all = covers(&[&folder, &inner, &known]);
    let refused = |error: Error| assert_eq!((error.code(), error.reason()), (Code::Conflict, "tree_changed"));
    // Somebody adds a file far below, somebody changes one, somebody takes one away.
    let added = world.put(&inner.id, "added.txt", b"2").await.unwrap();
    refused(delete_covered(&world, &folder, all.clone()).await.unwrap_err());
    assert_eq!(world.read(&added.id).await, b"2");
    world.delete(&added.id, false).await.unwrap();
    let changed = world.put_version(&known.id, b"3").await;
    refused(delete_covered(&world, &folder, all).await.unwrap_err());
    world.delete(&known.id, false).await.unwrap();
    refused(
        delete_covered(&world, &folder, covers(&[&folder, &inner, &changed]))
            .await
            .unwrap_err(),
    );
    assert_eq!(names(&world).await, ["folder"]);
    delete_covered(&world, &folder, covers(&[&folder, &inner]))
        .await
        .unwrap();
    assert_eq!(names(&world).await, [""; 0]);
    let wrong = delete_covered(&world, &inner, vec![7; 31]).await.unwrap_err();
    assert_eq!(wrong.reason(), "covers_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_slips_into_a_folder_while_it_is_deleted_as_it_was_seen() {
    let world = World::new().await;
    for round in 0..20 {
        let folder = world.mkdir("root", &format!("folder {round}")).await.unwrap();
        let inner = world.mkdir(&folder.id, "inner").await.unwrap();
        let all = covers(&[&folder, &inner]);
        let upload = world.sent(&inner.id, "new.txt", b"new").await;
        let (deleted, added) =
            futures::join!(delete_covered(&world, &folder, all), world.commit_one(&upload));
        match (deleted, added) {
            (Ok(()), Err(error)) => assert_eq!(error.reason(), "parent_not_found"),
            (Err(error), Ok(node)) => {
                assert_eq!(error.reason(), "tree_changed");
                assert_eq!(world.read(&node.id).await, b"new");
            }
            other => panic!("one of both has to give way: {other:?}"),
        }
    }
}
