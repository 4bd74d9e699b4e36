//! How many SQL statements calls take, each of which is a round trip: two at most to read, four to write. What begins and
//! ends their transaction is not counted, as in `docs/benchmarks.md`.

use crate::support::{World, request};
use bitvault_platform::ids::AccountId;
use bitvault_proto::v1;
use bitvault_proto::v1::NodeSort;
use bitvault_proto::v1::files_service_server::FilesService as _;
use bitvault_testing::told::listen;
use std::fmt::Debug;
use tonic::Response;

/// Calls, and tells what it asked the database.
async fn counted<T, E: Debug>(call: impl Future<Output = Result<Response<T>, E>>) -> (T, Vec<String>) {
    let (answer, told) = listen(call).await;
    (answer.unwrap().into_inner(), told.statements)
}

fn assert_most(most: usize, what: &str, told: &[String]) {
    // None at all would be a count that doesn't work.
    assert!(
        (1..=most).contains(&told.len()),
        "{what} took {} statements, not {most}: {told:#?}",
        told.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_take_two_statements() {
    let world = World::new().await;
    let (mut folder, mut path) = ("root".to_owned(), String::new());
    for depth in 0..20 {
        let name = format!("level {depth}");
        folder = world.mkdir(&folder, &name).await.unwrap().id;
        path = format!("{path}/{name}");
    }
    let file = world.put(&folder, "file", b"content").await.unwrap();
    let ctx = world.ctx();

    let lookup = v1::LookupRequest {
        path: format!("{path}/file"),
        below: None,
    };
    let (found, told) = counted(world.files.lookup(request(&ctx, lookup))).await;
    assert_eq!(found.id, file.id);
    assert_most(2, "a look-up at depth 21", &told);

    for sort in [NodeSort::Name, NodeSort::UpdatedAt, NodeSort::Size] {
        let list = v1::ListChildrenRequest {
            id: folder.clone(),
            sort: sort.into(),
            ..v1::ListChildrenRequest::default()
        };
        let (page, told) = counted(world.files.list_children(request(&ctx, list))).await;
        assert_eq!(page.items.len(), 1);
        assert_most(2, "a listing", &told);
    }

    let get = v1::GetNodeRequest { id: file.id.clone() };
    let (_, told) = counted(world.files.get_node(request(&ctx, get))).await;
    assert_most(2, "a node at depth 21", &told);
    // Whom a role far above lets in pays no more.
    let other = AccountId::new();
    let top = world.list("root").await.unwrap().remove(0);
    world.grant(&top.id, other, "viewer").await;
    let get = v1::GetNodeRequest { id: file.id };
    let other = world.as_account(other);
    let (_, told) = counted(world.files.get_node(request(&other, get))).await;
    assert_most(2, "a node seen by a grant at depth 1", &told);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_take_four_statements() {
    let world = World::new().await;
    let tree = world.mkdir("root", "tree").await.unwrap();
    let below = world.mkdir(&tree.id, "below").await.unwrap();
    for name in ["a", "b", "c"] {
        world.put(&below.id, name, b"content").await.unwrap();
    }
    let place = world.mkdir("root", "place").await.unwrap();
    let ctx = world.ctx();

    let rename = v1::UpdateNodeRequest {
        id: tree.id.clone(),
        name: Some("renamed".to_owned()),
        ..v1::UpdateNodeRequest::default()
    };
    let (_, told) = counted(world.files.update_node(request(&ctx, rename))).await;
    assert_most(4, "a rename", &told);

    let moving = v1::UpdateNodeRequest {
        id: tree.id.clone(),
        parent_id: Some(place.id.clone()),
        ..v1::UpdateNodeRequest::default()
    };
    let (_, told) = counted(world.files.update_node(request(&ctx, moving))).await;
    assert_most(4, "a move of a tree", &told);

    let copying = v1::CopyNodeRequest {
        id: tree.id,
        parent_id: place.id,
        name: Some("copy".to_owned()),
        idempotency_key: None,
    };
    let (_, told) = counted(world.files.copy_node(request(&ctx, copying))).await;
    assert_most(4, "a copy of a tree", &told);
    world.clean().await;
}
