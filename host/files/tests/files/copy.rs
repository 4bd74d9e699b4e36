//! Copies: whole trees without a byte, at once or as a job.

use crate::support::{World, config, request};
use bitvault_files::Config;
use bitvault_platform::ids::AccountId;
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1;
use bitvault_proto::v1::copy_node_response::Result as Copied;
use bitvault_proto::v1::files_service_server::FilesService as _;
use futures::future::join_all;
use sqlx::Connection as _;

fn copying(node: &str, parent: &str, name: Option<&str>) -> v1::CopyNodeRequest {
    v1::CopyNodeRequest {
        id: node.to_owned(),
        parent_id: parent.to_owned(),
        name: name.map(str::to_owned),
        idempotency_key: None,
    }
}

async fn copy(world: &World, ctx: &Ctx, message: v1::CopyNodeRequest) -> Result<Copied, Error> {
    let answer = world.files.copy_node(request(ctx, message)).await?.into_inner();
    Ok(answer.result.unwrap())
}

async fn copied(world: &World, node: &str, parent: &str, name: Option<&str>) -> v1::Node {
    match copy(world, &world.ctx(), copying(node, parent, name))
        .await
        .unwrap()
    {
        Copied::Node(node) => node,
        Copied::Job(job) => panic!("{job:?}"),
    }
}

async fn begun(world: &World, node: &str, parent: &str, name: Option<&str>) -> v1::CopyJob {
    match copy(world, &world.ctx(), copying(node, parent, name))
        .await
        .unwrap()
    {
        Copied::Job(job) => job,
        Copied::Node(node) => panic!("{node:?}"),
    }
}

async fn job(world: &World, ctx: &Ctx, id: &str) -> Result<v1::CopyJob, Error> {
    let message = v1::GetCopyRequest { id: id.to_owned() };
    Ok(world.files.get_copy(request(ctx, message)).await?.into_inner())
}

async fn cancel(world: &World, id: &str) -> Result<v1::CopyJob, Error> {
    let message = v1::CancelCopyRequest { id: id.to_owned() };
    Ok(world
        .files
        .cancel_copy(request(&world.ctx(), message))
        .await?
        .into_inner())
}

/// Names and kinds of all below a folder, as paths.
async fn paths(world: &World, folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), folder.to_owned())];
    while let Some((path, id)) = open.pop() {
        for node in world.list(&id).await.unwrap() {
            let below = format!("{path}/{}", node.name);
            if node.version.is_none() {
                open.push((below.clone(), node.id));
            }
            found.push(below);
        }
    }
    found.sort();
    found
}

/// Copies of more than two nodes are jobs.
fn small() -> Config {
    let mut config = config();
    config.copy.nodes_per_transaction = 2;
    config
}

/// A folder with a folder and two files.
async fn tree(world: &World) -> v1::Node {
    let top = world.mkdir("root", "top").await.unwrap();
    let inner = world.mkdir(&top.id, "inner").await.unwrap();
    world.put(&top.id, "a.txt", b"a").await.unwrap();
    let file = world.put(&inner.id, "b.txt", b"old").await.unwrap();
    world.put_version(&file.id, b"new").await;
    top
}

const TREE: [&str; 3] = ["/a.txt", "/inner", "/inner/b.txt"];

async fn gaps(world: &World) -> i64 {
    world.count("SELECT max(seq) - count(*) FROM files.journal").await
}

/// What the outbox says of a node, but for when.
async fn event(world: &World, node: &v1::Node) -> (String, serde_json::Value) {
    let mut admin = world.admin().await;
    let sql = "SELECT kind, payload FROM files.outbox WHERE payload->>'node_id' = $1";
    let event = sqlx::query_as(sql).bind(&node.id).fetch_one(&mut admin).await;
    admin.close().await.unwrap();
    event.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_copy_are_like_those_of_what_is_made_otherwise() {
    let world = World::new().await;
    let top = world.mkdir("root", "top").await.unwrap();
    let file = world.put(&top.id, "file", b"content").await.unwrap();
    let twin = copied(&world, &top.id, "root", Some("twin")).await;
    let inner = world.list(&twin.id).await.unwrap().remove(0);
    for (node, copy) in [(&top, &twin), (&file, &inner)] {
        let (kind, mut said) = event(&world, node).await;
        said["node_id"] = copy.id.clone().into();
        said["version_id"] = copy.version.as_ref().map(|version| version.id.clone()).into();
        assert_eq!(event(&world, copy).await, (kind, said));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_is_copied_with_what_it_shows_now_and_no_byte() {
    let world = World::new().await;
    let top = tree(&world).await;
    world.put(&top.id, "binned", b"x").await.unwrap();
    let binned = world.list(&top.id).await.unwrap().remove(1);
    assert_eq!(binned.name, "binned");
    world.delete(&binned.id, false).await.unwrap();
    let objects = world.count("SELECT count(*) FROM files.objects").await;
    let before = world.count("SELECT count(*) FROM files.journal").await;

    let twin = copied(&world, &top.id, "root", Some("twin")).await;
    assert_eq!((twin.name.as_str(), twin.revision), ("twin", 1));
    assert_eq!(paths(&world, &twin.id).await, TREE);
    assert_eq!(world.count("SELECT count(*) FROM files.objects").await, objects);
    let told = "SELECT count(*) FROM files.journal WHERE kind = 'created'";
    assert_eq!(
        world.count("SELECT count(*) FROM files.journal").await,
        before + 4
    );
    assert!(world.count(told).await >= 8);
    assert_eq!(gaps(&world).await, 0);
    let one =
        "SELECT count(*) FROM files.versions v JOIN files.nodes n ON n.id = v.node_id AND n.name = 'b.txt'";
    assert_eq!(world.count(one).await, 2 + 1, "old versions stay where they are");

    // The copy is on its own.
    world.delete(&top.id, false).await.unwrap();
    world.delete(&top.id, true).await.unwrap();
    let inner = world.list(&twin.id).await.unwrap().remove(1);
    let file = world.list(&inner.id).await.unwrap().remove(0);
    assert_eq!(world.read(&file.id).await, b"new");
    world.put_version(&file.id, b"newer").await;
    assert_eq!(world.read(&file.id).await, b"newer");
    world.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_taken_is_refused_or_another_is_found() {
    let world = World::new().await;
    let file = world.put("root", "a.txt", b"a").await.unwrap();
    let folder = world.mkdir("root", "f.d").await.unwrap();
    for name in ["a (copy).txt", "a (copy 2).txt"] {
        assert_eq!(copied(&world, &file.id, "root", None).await.name, name);
    }
    assert_eq!(copied(&world, &folder.id, "root", None).await.name, "f.d (copy)");
    assert_eq!(copied(&world, &file.id, &folder.id, None).await.name, "a.txt");
    let taken = copy(&world, &world.ctx(), copying(&file.id, "root", Some("A.TXT"))).await;
    assert_eq!(taken.unwrap_err().reason(), "name_taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_copied_is_refused() {
    let world = World::new().await;
    let top = tree(&world).await;
    let inner = world.list(&top.id).await.unwrap().remove(1);
    let file = world.list(&top.id).await.unwrap().remove(0);
    let bin = world.mkdir("root", "bin").await.unwrap();
    world.delete(&bin.id, false).await.unwrap();
    let account = AccountId::new();
    world.grant(&top.id, account, "viewer").await;
    let viewer = world.as_account(account);
    for (ctx, node, parent, reason) in [
        (world.ctx(), &top.id, top.id.as_str(), "into_itself"),
        (world.ctx(), &top.id, &inner.id, "into_itself"),
        (world.ctx(), &top.id, &file.id, "not_a_folder"),
        (world.ctx(), &top.id, &bin.id, "parent_not_found"),
        (world.ctx(), &bin.id, "root", "node_not_found"),
        (viewer.clone(), &file.id, &top.id, "role_too_low"),
        (
            world.as_account(AccountId::new()),
            &file.id,
            "root",
            "node_not_found",
        ),
        (world.stranger(), &file.id, "root", "node_not_found"),
    ] {
        let refused = copy(&world, &ctx, copying(node, parent, None)).await.unwrap_err();
        assert_eq!(refused.reason(), reason);
    }
    let bad = copy(&world, &world.ctx(), copying(&top.id, "root", Some("a/b"))).await;
    assert_eq!(bad.unwrap_err().reason(), "name_invalid");
    // To look is enough to copy it to one's own.
    let own = copy(&world, &viewer, copying(&top.id, "root", None)).await;
    assert!(matches!(own.unwrap(), Copied::Node(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_caller_may_not_see_is_left_out() {
    let world = World::new().await;
    let top = tree(&world).await;
    let inner = world.list(&top.id).await.unwrap().remove(1);
    let mut admin = world.admin().await;
    let cut = "UPDATE files.nodes SET inherits = false WHERE name = 'inner'";
    sqlx::query(cut).execute(&mut admin).await.unwrap();
    admin.close().await.unwrap();
    let [viewer, let_in, owner] = [(); 3].map(|()| AccountId::new());
    world.grant(&top.id, viewer, "viewer").await;
    world.grant(&top.id, let_in, "viewer").await;
    world.grant(&inner.id, let_in, "viewer").await;
    world.grant(&top.id, owner, "owner").await;
    for (account, expected) in [(viewer, &TREE[..1]), (let_in, &TREE[..]), (owner, &TREE[..])] {
        let ctx = world.as_account(account);
        let made = copy(&world, &ctx, copying(&top.id, "root", None)).await.unwrap();
        let Copied::Node(node) = made else {
            panic!("{made:?}")
        };
        world.grant(&node.id, world.account, "viewer").await;
        assert_eq!(paths(&world, &node.id).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_with_its_key_makes_no_second_copy() {
    let world = World::with(small()).await;
    let file = world.put("root", "a", b"a").await.unwrap();
    let top = tree(&world).await;
    for node in [&file.id, &top.id] {
        let keyed = v1::CopyNodeRequest {
            idempotency_key: Some(node.clone()),
            ..copying(node, "root", None)
        };
        let first = copy(&world, &world.ctx(), keyed.clone()).await.unwrap();
        assert_eq!(copy(&world, &world.ctx(), keyed.clone()).await.unwrap(), first);
        let other = v1::CopyNodeRequest {
            name: Some("x".to_owned()),
            ..keyed
        };
        let reused = copy(&world, &world.ctx(), other).await.unwrap_err();
        assert_eq!(reused.reason(), "idempotency_key_reused");
    }
    world.files.copy_once().await.unwrap();
    assert_eq!(paths(&world, "root").await.len(), 2 + 4 + 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_tree_is_copied_by_a_job_and_seen_whole_or_not_at_all() {
    let world = World::with(small()).await;
    let top = tree(&world).await;
    let before = paths(&world, "root").await;
    let begun = begun(&world, &top.id, "root", None).await;
    assert_eq!((begun.state(), begun.total), (v1::CopyState::Running, None));
    assert_eq!(paths(&world, "root").await, before);
    let stranger = job(&world, &world.as_account(AccountId::new()), &begun.id).await;
    assert_eq!(stranger.unwrap_err().reason(), "copy_not_found");

    assert_eq!(world.files.copy_once().await.unwrap(), 2);
    let done = job(&world, &world.ctx(), &begun.id).await.unwrap();
    assert_eq!(
        (done.state(), done.copied, done.total),
        (v1::CopyState::Done, 4, Some(4))
    );
    let node = world.get(&world.ctx(), &done.node_id.unwrap()).await.unwrap();
    assert_eq!(node.name, "top (copy)");
    assert_eq!(paths(&world, &node.id).await, TREE);
    assert_eq!(cancel(&world, &begun.id).await.unwrap_err().reason(), "copy_done");
    assert_eq!(world.files.copy_once().await.unwrap(), 0);
    assert_eq!(gaps(&world).await, 0);
    assert_eq!(world.count("SELECT count(*) FROM files.usage").await, 1);
    world.clean().await;
}

/// Back to how it was after the first transaction of a job.
async fn hide(world: &World, node: &str) {
    let mut admin = world.admin().await;
    let hide = "WITH back AS (UPDATE files.copies SET state = 'built', ended_at = NULL, leased_until = $2 WHERE node_id = $1)
                UPDATE files.nodes SET parent_id = tenant_id, name_key = '/copy/x' WHERE id = $1";
    let node: bitvault_platform::ids::NodeId = node.parse().unwrap();
    let hide = sqlx::query(hide).bind(node.0).bind(world.clock.now());
    hide.execute(&mut admin).await.unwrap();
    admin.close().await.unwrap();
}

/// What a job had built when it died is put into its place by the next one, and nobody sees it before.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_died_is_finished_or_undone_by_the_next() {
    let world = World::with(small()).await;
    let top = tree(&world).await;
    let before = paths(&world, "root").await;
    for (name, given_up) in [("kept", false), ("given up", true)] {
        let begun = begun(&world, &top.id, "root", Some(name)).await;
        world.files.copy_once().await.unwrap();
        let done = job(&world, &world.ctx(), &begun.id)
            .await
            .unwrap()
            .node_id
            .unwrap();
        hide(&world, &done).await;
        let hidden = world.get(&world.ctx(), &done).await.unwrap_err();
        assert_eq!(hidden.reason(), "node_not_found");
        if given_up {
            let cancelled = cancel(&world, &begun.id).await.unwrap();
            assert_eq!(cancelled.state(), v1::CopyState::Cancelled);
            assert_eq!(cancel(&world, &begun.id).await.unwrap(), cancelled);
        }
        assert_eq!(world.files.copy_once().await.unwrap(), 1);
        let ended = job(&world, &world.ctx(), &begun.id).await.unwrap();
        let expected = if given_up {
            v1::CopyState::Cancelled
        } else {
            v1::CopyState::Done
        };
        assert_eq!(ended.state(), expected);
    }
    assert_eq!(paths(&world, "root").await.len(), before.len() + 4);
    let nodes = "SELECT count(*) FROM files.nodes WHERE parent_id IS NOT NULL";
    assert_eq!(world.count(nodes).await, 1 + 8, "the home, and two trees");
    assert_eq!(world.count("SELECT count(*) FROM files.usage").await, 1);
    world.clean().await;
}

/// A home takes in what an older release kept right below the root; a copy that is being built there is none of that.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_home_leaves_a_copy_that_is_being_made_alone() {
    let world = World::with(small()).await;
    let top = tree(&world).await;
    let target = world.mkdir("root", "target").await.unwrap();
    let account = AccountId::new();
    let ctx = world.as_account(account);
    world.grant(&top.id, account, "viewer").await;
    world.grant(&target.id, account, "editor").await;
    let begun = copy(&world, &ctx, copying(&top.id, &target.id, None)).await;
    let Ok(Copied::Job(begun)) = begun else {
        panic!("{begun:?}")
    };
    world.files.copy_once().await.unwrap();
    let done = job(&world, &ctx, &begun.id).await.unwrap().node_id.unwrap();
    hide(&world, &done).await;
    let message = v1::CreateFolderRequest {
        parent_id: "root".to_owned(),
        name: "first".to_owned(),
        idempotency_key: None,
    };
    world.files.create_folder(request(&ctx, message)).await.unwrap();
    let hidden = world.get(&ctx, &done).await.unwrap_err();
    assert_eq!(hidden.reason(), "node_not_found");
    assert_eq!(world.files.copy_once().await.unwrap(), 1);
    let placed = world.get(&ctx, &done).await.unwrap();
    assert_eq!(placed.parent_id, Some(target.id));
    world.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_became_impossible_says_why_and_leaves_nothing() {
    let world = World::with(small()).await;
    let top = tree(&world).await;
    let target = world.mkdir("root", "target").await.unwrap();
    let taken = begun(&world, &top.id, &target.id, Some("taken")).await;
    world.mkdir(&target.id, "Taken").await.unwrap();
    world.files.copy_once().await.unwrap();
    let gone = begun(&world, &top.id, &target.id, None).await;
    world.delete(&target.id, false).await.unwrap();
    world.files.copy_once().await.unwrap();
    for (id, reason) in [(taken.id, "name_taken"), (gone.id, "parent_not_found")] {
        let failed = job(&world, &world.ctx(), &id).await.unwrap();
        assert_eq!(failed.state(), v1::CopyState::Failed);
        assert_eq!(failed.reason.as_deref(), Some(reason));
        assert_eq!(failed.node_id, None);
    }
    let nodes = "SELECT count(*) FROM files.nodes WHERE parent_id IS NOT NULL";
    assert_eq!(world.count(nodes).await, 1 + 4 + 2);
    world.clean().await;
}

/// Contents come and go while they are copied: no copy names what is gone, and nobody is told of a deadlock.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn copies_are_whole_while_their_source_is_deleted() {
    let world = World::new().await;
    let source = world.mkdir("root", "source").await.unwrap();
    let target = world.mkdir("root", "target").await.unwrap();
    let writer = |number: usize| {
        let (world, source) = (&world, &source.id);
        async move {
            for round in 0..8 {
                let name = format!("{number}-{round}");
                let file = world.put(source, &name, b"one").await.unwrap();
                world.put_version(&file.id, b"second").await;
                world.delete(&file.id, false).await.unwrap();
                world.delete(&file.id, true).await.unwrap();
            }
        }
    };
    let copier = async {
        for _ in 0..15 {
            copied(&world, &source.id, &target.id, None).await;
        }
    };
    tokio::join!(copier, join_all((0..3).map(writer)));
    for copy in world.list(&target.id).await.unwrap() {
        for file in world.list(&copy.id).await.unwrap() {
            let content = world.read(&file.id).await;
            assert!(content == b"one" || content == b"second");
        }
    }
    assert_eq!(gaps(&world).await, 0);
    world.clean().await;
}
