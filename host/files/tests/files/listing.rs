//! Folders in every order, page by page.

use crate::support::{World, request};
use bitvault_platform::Error;
use bitvault_proto::v1;
use bitvault_proto::v1::NodeSort;
use bitvault_proto::v1::files_service_server::FilesService as _;
use std::time::Duration;

async fn page(
    world: &World,
    folder: &str,
    (sort, descending): (NodeSort, bool),
    limit: u32,
    cursor: Option<String>,
) -> Result<v1::ListChildrenResponse, Error> {
    let message = v1::ListChildrenRequest {
        id: folder.to_owned(),
        limit,
        cursor,
        sort: sort.into(),
        descending,
    };
    let page = world.files.list_children(request(&world.ctx(), message)).await?;
    Ok(page.into_inner())
}

/// The names of a folder, read in pages of two.
async fn names(world: &World, folder: &str, order: (NodeSort, bool)) -> String {
    let (mut names, mut cursor) = (String::new(), None);
    loop {
        let page = page(world, folder, order, 2, cursor).await.unwrap();
        for node in page.items {
            names.push_str(&node.name);
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return names;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_listed_by_name_and_by_time_both_ways_round() {
    let world = World::new().await;
    let folder = world.mkdir("root", "sorted").await.unwrap();
    for name in ["c", "A", "e", "b", "D"] {
        world.mkdir(&folder.id, name).await.unwrap();
        world.clock.advance(Duration::from_secs(1));
    }
    let first = world.list(&folder.id).await.unwrap().remove(2);
    assert_eq!(first.name, "c");
    let change = v1::UpdateNodeRequest {
        id: first.id,
        name: Some("C".to_owned()),
        ..v1::UpdateNodeRequest::default()
    };
    world
        .files
        .update_node(request(&world.ctx(), change))
        .await
        .unwrap();
    for (sort, upwards) in [
        (NodeSort::Unspecified, "AbCDe"),
        (NodeSort::Name, "AbCDe"),
        (NodeSort::CreatedAt, "CAebD"),
        (NodeSort::UpdatedAt, "AebDC"),
    ] {
        let downwards: String = upwards.chars().rev().collect();
        assert_eq!(
            names(&world, &folder.id, (sort, false)).await,
            upwards,
            "{sort:?}"
        );
        assert_eq!(
            names(&world, &folder.id, (sort, true)).await,
            downwards,
            "{sort:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_times_are_told_apart_and_a_cursor_is_good_for_its_order() {
    let world = World::new().await;
    let folder = world.mkdir("root", "at once").await.unwrap();
    for name in ["a", "b", "c", "d", "e"] {
        world.mkdir(&folder.id, name).await.unwrap();
    }
    for sort in [NodeSort::CreatedAt, NodeSort::UpdatedAt, NodeSort::Size] {
        for descending in [false, true] {
            let mut all: Vec<char> = names(&world, &folder.id, (sort, descending))
                .await
                .chars()
                .collect();
            all.sort_unstable();
            assert_eq!(all, ['a', 'b', 'c', 'd', 'e'], "{sort:?} {descending}");
        }
    }
    let first = page(&world, &folder.id, (NodeSort::Name, false), 2, None)
        .await
        .unwrap();
    for order in [
        (NodeSort::Name, true),
        (NodeSort::CreatedAt, false),
        (NodeSort::Size, false),
    ] {
        let refused = page(&world, &folder.id, order, 2, first.next_cursor.clone()).await;
        assert_eq!(refused.unwrap_err().reason(), "cursor_invalid", "{order:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_and_goes_meanwhile_shows_no_child_twice_and_hides_none() {
    let world = World::new().await;
    for (sort, rest) in [(NodeSort::Name, "eh"), (NodeSort::CreatedAt, "hae")] {
        let folder = world.mkdir("root", sort.as_str_name()).await.unwrap();
        let mut made = Vec::new();
        for name in ["b", "d", "f", "h"] {
            made.push(world.mkdir(&folder.id, name).await.unwrap());
            world.clock.advance(Duration::from_secs(1));
        }
        let first = page(&world, &folder.id, (sort, false), 2, None).await.unwrap();
        // One that was shown, and one that was not.
        for gone in [&made[1], &made[2]] {
            world.delete(&gone.id, false).await.unwrap();
        }
        for name in ["a", "e"] {
            world.mkdir(&folder.id, name).await.unwrap();
            world.clock.advance(Duration::from_secs(1));
        }
        let next = page(&world, &folder.id, (sort, false), 10, first.next_cursor)
            .await
            .unwrap();
        let seen: String = next.items.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(seen, rest, "{sort:?}");
    }
}
