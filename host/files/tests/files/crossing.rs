//! Nodes that go to other trees, by each verb that can do that: what is below them is counted where it is.

use crate::support::{World, file, request, send, version};
use bitvault_platform::Error;
use bitvault_platform::ids::{AccountId, NodeId};
use bitvault_proto::v1;
use bitvault_proto::v1::files_service_server::FilesService as _;
use bitvault_proto::v1::update_node_result;
use futures::future::join_all;
use sqlx::Connection as _;
use std::time::Duration;

/// The ways to another folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Move,
    Batch,
    Restore,
}

pub(crate) const WAYS: [Way; 3] = [Way::Move, Way::Batch, Way::Restore];

pub(crate) async fn batch(world: &World, moves: &[(&str, &str)]) -> Result<(), Error> {
    let items = moves.iter().map(|(node, parent)| v1::NodeMove {
        id: (*node).to_owned(),
        parent_id: Some((*parent).to_owned()),
        ..v1::NodeMove::default()
    });
    let message = v1::UpdateNodesRequest {
        items: items.collect(),
        idempotency_key: None,
    };
    let answer = world.files.update_nodes(request(&world.ctx(), message)).await?;
    for item in answer.into_inner().items {
        if let Some(update_node_result::Result::Error(status)) = item.result {
            return Err(status.into());
        }
    }
    Ok(())
}

pub(crate) async fn go(world: &World, way: Way, node: &str, parent: &str) -> Result<(), Error> {
    let (id, parent_id) = (node.to_owned(), Some(parent.to_owned()));
    match way {
        Way::Move => {
            let message = v1::UpdateNodeRequest {
                id,
                parent_id,
                ..v1::UpdateNodeRequest::default()
            };
            world.files.update_node(request(&world.ctx(), message)).await?;
            Ok(())
        }
        Way::Batch => batch(world, &[(node, parent)]).await,
        Way::Restore => {
            world.delete(node, false).await?;
            let message = v1::RestoreNodeRequest {
                id,
                parent_id,
                ..v1::RestoreNodeRequest::default()
            };
            world.files.restore_node(request(&world.ctx(), message)).await?;
            Ok(())
        }
    }
}

/// Files and bytes of all versions, of the usual caller's home and of another one.
async fn counted(world: &World, other: &str) -> [(i64, i64); 2] {
    let mut admin = world.admin().await;
    let mut counted = [(0, 0); 2];
    let other: NodeId = other.parse().unwrap();
    for (count, tree) in counted.iter_mut().zip([world.account.0, other.0]) {
        let sql = "SELECT files, version_bytes FROM files.usage WHERE tree_id = $1";
        let row = sqlx::query_as(sql).bind(tree);
        *count = row.fetch_optional(&mut admin).await.unwrap().unwrap_or_default();
    }
    admin.close().await.unwrap();
    counted
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_to_another_tree_is_counted_there_by_every_way() {
    let world = World::new().await;
    let (_, home) = world.neighbour().await;
    let folder = world.mkdir("root", "folder").await.unwrap();
    let inner = world.mkdir(&folder.id, "inner").await.unwrap();
    let within = world.put(&inner.id, "a", b"12345").await.unwrap();
    world.put_version(&within.id, b"12").await;
    let binned = world.put(&inner.id, "in the trash", b"1").await.unwrap();
    world.delete(&binned.id, false).await.unwrap();
    let apart = world.put("root", "b", b"123").await.unwrap();
    for way in WAYS {
        go(&world, way, &folder.id, &home).await.unwrap();
        assert_eq!(counted(&world, &home).await, [(1, 3), (2, 8)], "{way:?}");
        go(&world, way, &apart.id, &inner.id).await.unwrap();
        assert_eq!(counted(&world, &home).await, [(0, 0), (3, 11)], "{way:?}");
        world.clean().await;
        go(&world, way, &apart.id, "root").await.unwrap();
        go(&world, way, &folder.id, "root").await.unwrap();
        assert_eq!(counted(&world, &home).await, [(3, 11), (0, 0)], "{way:?}");
        world.clean().await;
    }
}

/// All items of a batch are written at once: each node is counted by where it was and where it is, not by what came between.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_move_into_and_out_of_each_other_are_counted_once() {
    let world = World::new().await;
    let (_, home) = world.neighbour().await;
    let [a, b] = ["a", "b"].map(|name| world.mkdir("root", name));
    let (a, b) = (a.await.unwrap().id, b.await.unwrap().id);
    world.put(&a, "f", b"12345").await.unwrap();
    world.put(&b, "g", b"123").await.unwrap();
    let (a, b, home) = (a.as_str(), b.as_str(), home.as_str());
    const MINE: [(i64, i64); 2] = [(2, 8), (0, 0)];
    const THEIRS: [(i64, i64); 2] = [(0, 0), (2, 8)];
    for (moves, expected) in [
        (vec![(a, b), (b, home)], THEIRS),
        (vec![(a, "root"), (b, "root")], MINE),
        (vec![(b, home), (a, b)], THEIRS),
        (vec![(b, "root")], MINE),
        // What was in it stays behind.
        (vec![(b, home), (a, "root")], [(1, 5), (1, 3)]),
        (vec![(a, home), (b, a), (a, "root")], MINE),
        (vec![(b, home), (b, "root")], MINE),
    ] {
        batch(&world, &moves).await.unwrap();
        assert_eq!(counted(&world, home).await, expected, "{moves:?}");
        world.clean().await;
    }
}

/// A home that is made takes in what its account kept right below the root, where each folder was a tree of its own.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_release_kept_below_the_root_is_counted_in_its_home() {
    let world = World::new().await;
    let account = AccountId::new();
    for (name, content) in [("old", b"12345".as_slice()), ("older", b"123")] {
        let folder = world.mkdir("root", name).await.unwrap();
        world.put(&folder.id, "f", content).await.unwrap();
    }
    let mut admin = world.admin().await;
    let back = sqlx::query(
        "UPDATE files.nodes SET parent_id = tenant_id, created_by = $1 WHERE kind = 'folder' AND name <> ''",
    );
    let back = back.bind(account.0).execute(&mut admin).await.unwrap();
    assert_eq!(back.rows_affected(), 2);
    admin.close().await.unwrap();
    world.clean().await;
    let home = world.get(&world.as_account(account), "root").await.unwrap().id;
    assert_eq!(counted(&world, &home).await, [(0, 0), (2, 8)]);
    assert_eq!(world.count("SELECT count(*) FROM files.usage").await, 2);
    world.clean().await;
}

/// Somebody works on a file far below a folder: only its way to another tree waits for that.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_below_is_locked_on_the_way_to_another_tree_and_not_within_one() {
    const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
                           WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let world = World::new().await;
    let (_, home) = world.neighbour().await;
    for way in WAYS {
        let folder = world.mkdir("root", &format!("{way:?}")).await.unwrap();
        let inner = world.mkdir(&folder.id, "inner").await.unwrap();
        let file = world.put(&inner.id, "f", b"12345").await.unwrap();
        let beside = world.mkdir("root", &format!("beside {way:?}")).await.unwrap();
        let mut admin = world.admin().await;
        let mut busy = admin.begin().await.unwrap();
        let file: NodeId = file.id.parse().unwrap();
        let work = sqlx::query("SELECT FROM files.nodes WHERE id = $1 FOR NO KEY UPDATE").bind(file.0);
        work.execute(&mut *busy).await.unwrap();

        let within = go(&world, way, &folder.id, &beside.id);
        let within = tokio::time::timeout(Duration::from_secs(30), within).await;
        within.expect("it waits for what is below").unwrap();

        let across = go(&world, way, &folder.id, &home);
        tokio::pin!(across);
        let waits = async { while world.count(WAITING).await == 0 {} };
        tokio::select! {
            done = &mut across => panic!("{way:?} did not wait: {done:?}"),
            () = waits => {}
        }
        busy.commit().await.unwrap();
        across.await.unwrap();
        admin.close().await.unwrap();
    }
    world.clean().await;
}

/// Reasons of what meets a folder in the trash.
const MISSED: [&str; 3] = ["parent_not_found", "node_not_found", "not_in_trash"];

async fn upload(world: &World, item: v1::StartUpload, content: &[u8]) -> Result<v1::Node, Error> {
    let upload = world.start(&world.ctx(), vec![item]).await.remove(0)?;
    send(upload.parts[0].request.as_ref().unwrap(), content).await;
    world.commit_one(&upload.id).await
}

async fn write(world: &World, folder: &str, name: &str) -> Result<(), Error> {
    let made = upload(world, file(folder, name, b"12345"), b"12345").await?;
    upload(world, version(&made.id, None, b"123"), b"123").await?;
    if name.ends_with('x') {
        world.delete(&made.id, false).await?;
        world.delete(&made.id, true).await?;
    }
    Ok(())
}

/// A folder goes to and fro between two homes while files come, change and go below it: nothing is counted twice or not
/// at all, and nobody is told of a deadlock.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn counters_stay_right_while_a_tree_moves_and_files_come_and_go() {
    let world = World::new().await;
    let (_, home) = world.neighbour().await;
    for way in WAYS {
        let folder = world.mkdir("root", &format!("{way:?}")).await.unwrap();
        let inner = world.mkdir(&folder.id, "inner").await.unwrap();
        // The caller owns nothing in the other home: the role is given on the folder itself.
        world.grant(&folder.id, world.account, "owner").await;
        let mover = async {
            for round in 0..16 {
                let to = if round % 2 == 0 { home.as_str() } else { "root" };
                if let Err(error) = go(&world, way, &folder.id, to).await {
                    assert_eq!(error.reason(), "busy", "{error}");
                }
            }
        };
        let writer = |number: usize| {
            let (world, inner) = (&world, &inner.id);
            async move {
                for round in 0..8 {
                    let name = format!("{number}-{round}{}", ["", "x"][round % 2]);
                    if let Err(error) = write(world, inner, &name).await {
                        let missed = way == Way::Restore && MISSED.contains(&error.reason());
                        assert!(missed, "{error}");
                    }
                }
            }
        };
        tokio::join!(mover, join_all((0..4).map(writer)));
        world.clean().await;
    }
    let lost =
        "SELECT sum(files)::bigint - (SELECT count(*) FROM files.nodes WHERE kind = 'file') FROM files.usage";
    assert_eq!(world.count(lost).await, 0);
}
