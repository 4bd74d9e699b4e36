//! Other names and other folders.

use crate::support::{World, request};
use bitvault_platform::{Code, Ctx, Error};
use bitvault_proto::v1;
use bitvault_proto::v1::files_service_server::FilesService as _;
use futures::future::join_all;
use rand::Rng as _;

/// A change of a node's name, folder, or both.
fn change(node: &v1::Node, name: Option<&str>, parent: Option<&str>) -> v1::UpdateNodeRequest {
    v1::UpdateNodeRequest {
        id: node.id.clone(),
        name: name.map(str::to_owned),
        parent_id: parent.map(str::to_owned),
        ..v1::UpdateNodeRequest::default()
    }
}

async fn update(world: &World, ctx: &Ctx, change: v1::UpdateNodeRequest) -> Result<v1::Node, Error> {
    let answer = world.files.update_node(request(ctx, change)).await?;
    Ok(answer.into_inner())
}

async fn moved(world: &World, node: &v1::Node, name: Option<&str>, parent: Option<&str>) -> v1::Node {
    update(world, &world.ctx(), change(node, name, parent))
        .await
        .unwrap()
}

async fn refused(world: &World, change: v1::UpdateNodeRequest) -> String {
    let error = update(world, &world.ctx(), change).await.unwrap_err();
    error.reason().to_owned()
}

async fn names(world: &World, folder: &str) -> Vec<String> {
    let children = world.list(folder).await.unwrap();
    children.into_iter().map(|node| node.name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_gets_another_name_another_folder_or_both_and_keeps_its_content() {
    let world = World::new().await;
    let folder = world.mkdir("root", "folder").await.unwrap();
    let file = world.put("root", "a.txt", b"hello").await.unwrap();

    let renamed = moved(&world, &file, Some("b.txt"), None).await;
    assert_eq!(
        (renamed.name.as_str(), &renamed.parent_id),
        ("b.txt", &file.parent_id)
    );
    assert_eq!(renamed.revision, file.revision + 1);
    let inside = moved(&world, &file, None, Some(&folder.id)).await;
    assert_eq!(
        (inside.name.as_str(), inside.parent_id.as_ref()),
        ("b.txt", Some(&folder.id))
    );
    let back = moved(&world, &file, Some("A.TXT"), Some("root")).await;
    assert_eq!(back.version, file.version);
    assert_eq!(world.read(&file.id).await, b"hello");
    assert_eq!(names(&world, "root").await, ["A.TXT", "folder"]);

    // Only the case: the name is its own.
    assert_eq!(moved(&world, &file, Some("a.txt"), None).await.name, "a.txt");
    // Nothing new is no change, and nothing for the journal.
    let same = moved(&world, &file, Some("a.txt"), Some("root")).await;
    assert_eq!(same, world.get(&world.ctx(), &file.id).await.unwrap());
    let told = "SELECT count(*) FROM files.journal WHERE kind = 'moved'";
    assert_eq!(world.count(told).await, 4);
    assert_eq!(
        world
            .count("SELECT count(*) FROM files.outbox WHERE kind = 'node.moved'")
            .await,
        4
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_tree_is_one_changed_row() {
    let world = World::new().await;
    let (a, b) = (
        world.mkdir("root", "a").await.unwrap(),
        world.mkdir("root", "b").await.unwrap(),
    );
    let inner = world.mkdir(&a.id, "inner").await.unwrap();
    let mut below = Vec::new();
    for number in 0..20 {
        below.push(world.mkdir(&inner.id, &format!("n{number}")).await.unwrap());
    }
    moved(&world, &a, None, Some(&b.id)).await;
    for node in &below {
        assert_eq!(&world.get(&world.ctx(), &node.id).await.unwrap(), node);
    }
    let path = "/b/a/inner/n7".to_owned();
    let found = world
        .files
        .lookup(request(&world.ctx(), v1::LookupRequest { path, below: None }))
        .await;
    assert_eq!(found.unwrap().into_inner(), below[7]);
    let changed = "SELECT count(*) FROM files.nodes WHERE revision > 1";
    assert_eq!(world.count(changed).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let a = world.mkdir("root", "a").await.unwrap();
    let b = world.mkdir(&a.id, "b").await.unwrap();
    let c = world.mkdir(&b.id, "c").await.unwrap();
    let file = world.put("root", "file", b"x").await.unwrap();
    let bin = world.mkdir("root", "bin").await.unwrap();
    let binned = world.mkdir(&bin.id, "binned").await.unwrap();
    world.delete(&bin.id, false).await.unwrap();
    let root = world.get(&world.ctx(), "root").await.unwrap();
    let before = world.count("SELECT sum(revision)::bigint FROM files.nodes").await;

    for below in [&a, &b, &c] {
        assert_eq!(
            refused(&world, change(&a, None, Some(&below.id))).await,
            "into_itself"
        );
    }
    assert_eq!(
        refused(&world, change(&root, Some("x"), None)).await,
        "root_fixed"
    );
    assert_eq!(refused(&world, change(&a, None, None)).await, "nothing_to_change");
    assert_eq!(
        refused(&world, change(&a, None, Some(&file.id))).await,
        "not_a_folder"
    );
    for gone in [&bin, &binned] {
        assert_eq!(
            refused(&world, change(&a, None, Some(&gone.id))).await,
            "parent_not_found"
        );
        assert_eq!(
            refused(&world, change(gone, Some("x"), None)).await,
            "node_not_found"
        );
    }
    assert_eq!(
        refused(&world, change(&file, Some("A"), None)).await,
        "name_taken"
    );
    assert_eq!(
        refused(&world, change(&file, Some("../x"), None)).await,
        "name_invalid"
    );
    let seen = v1::UpdateNodeRequest {
        revision: Some(99),
        ..change(&a, Some("x"), None)
    };
    assert_eq!(refused(&world, seen).await, "revision_conflict");
    let strange = update(&world, &world.stranger(), change(&a, Some("x"), None)).await;
    assert_eq!(strange.unwrap_err().code(), Code::NotFound);
    assert_eq!(
        world.count("SELECT sum(revision)::bigint FROM files.nodes").await,
        before
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_with_its_key_answers_what_the_first_did() {
    let world = World::new().await;
    let a = world.mkdir("root", "a").await.unwrap();
    let keyed = |name: &str| v1::UpdateNodeRequest {
        revision: Some(a.revision),
        idempotency_key: Some("one".to_owned()),
        ..change(&a, Some(name), None)
    };
    let first = update(&world, &world.ctx(), keyed("b")).await.unwrap();
    // Its revision has passed; the repeat is answered all the same.
    assert_eq!(update(&world, &world.ctx(), keyed("b")).await.unwrap(), first);
    assert_eq!(refused(&world, keyed("c")).await, "idempotency_key_reused");
}

/// Two moves that have no node in common, and would close a ring: `a` goes below `b` while `b` goes below `a`.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_moves_that_would_close_a_ring_one_is_refused() {
    let world = World::new().await;
    for round in 0..30 {
        let a = world.mkdir("root", &format!("a{round}")).await.unwrap();
        let b = world.mkdir("root", &format!("b{round}")).await.unwrap();
        let in_a = world.mkdir(&a.id, "inner").await.unwrap();
        let in_b = world.mkdir(&b.id, "inner").await.unwrap();
        let ctx = world.ctx();
        let (one, other) = tokio::join!(
            update(&world, &ctx, change(&a, None, Some(&in_b.id))),
            update(&world, &ctx, change(&b, None, Some(&in_a.id)))
        );
        let refused = match (one, other) {
            (Ok(_), Err(refused)) | (Err(refused), Ok(_)) => refused,
            both => panic!("{both:?}"),
        };
        assert_eq!(refused.reason(), "into_itself");
    }
}

/// Many clients move the same few folders and files about: no cycle, no twin name, nothing lost, no deadlock told.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_that_move_the_same_tree_about_make_no_cycle_and_no_twin() {
    const FOLDERS: usize = 6;
    const FILES: usize = 4;
    let world = World::new().await;
    let mut nodes = Vec::new();
    for number in 0..FOLDERS {
        nodes.push(world.mkdir("root", &format!("f{number}")).await.unwrap());
    }
    for number in 0..FILES {
        let parent = nodes[number % FOLDERS].id.clone();
        nodes.push(world.put(&parent, "same name", b"x").await.unwrap());
    }
    let client = |_: usize| async {
        for _ in 0..40 {
            let (what, to) = {
                let mut random = rand::rng();
                (
                    random.random_range(0..nodes.len()),
                    random.random_range(0..=FOLDERS),
                )
            };
            let target = nodes
                .get(to)
                .filter(|_| to < FOLDERS)
                .map_or("root", |folder| folder.id.as_str());
            if let Err(error) = update(&world, &world.ctx(), change(&nodes[what], None, Some(target))).await {
                assert!(["into_itself", "name_taken"].contains(&error.reason()), "{error}");
            }
        }
    };
    join_all((0..16).map(client)).await;
    let reachable = "WITH RECURSIVE down AS (
            SELECT id FROM files.nodes WHERE parent_id IS NULL
            UNION ALL SELECT n.id FROM files.nodes n JOIN down ON n.parent_id = down.id
        ) SELECT count(*) FROM down";
    // The root of the tenant and the home are there as well.
    assert_eq!(world.count(reachable).await, 2 + (FOLDERS + FILES) as i64);
    let twins = "SELECT count(*) FROM (SELECT FROM files.nodes GROUP BY parent_id, name_key HAVING count(*) > 1) twins";
    assert_eq!(world.count(twins).await, 0);
    let gaps = "SELECT max(seq) - count(*) FROM files.journal";
    assert_eq!(world.count(gaps).await, 0);
}
