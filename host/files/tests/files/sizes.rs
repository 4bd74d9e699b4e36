//! Folders listed by size, whatever wrote the sizes.

use crate::support::{World, request};
use bitvault_proto::v1;
use bitvault_proto::v1::NodeSort;
use bitvault_proto::v1::files_service_server::FilesService as _;
use sqlx::{AssertSqlSafe, Connection as _};

/// The names of a folder from the smallest file to the largest, read in pages of two; the same backwards.
async fn names(world: &World, folder: &str) -> String {
    let mut ways = [String::new(), String::new()];
    for (names, descending) in ways.iter_mut().zip([false, true]) {
        let mut cursor = None;
        loop {
            let message = v1::ListChildrenRequest {
                id: folder.to_owned(),
                limit: 2,
                cursor,
                sort: NodeSort::Size.into(),
                descending,
            };
            let page = world.files.list_children(request(&world.ctx(), message)).await;
            let page = page.unwrap().into_inner();
            names.extend(page.items.iter().map(|node| node.name.as_str()));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
    }
    let [upwards, downwards] = ways;
    assert_eq!(downwards.chars().rev().collect::<String>(), upwards);
    upwards
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_listed_by_the_sizes_of_current_versions() {
    let world = World::new().await;
    let folder = world.mkdir("root", "by size").await.unwrap();
    let large = world.put(&folder.id, "l", &[0; 3000]).await.unwrap();
    for (name, size) in [("s", 10), ("m", 200)] {
        world.put(&folder.id, name, &vec![0; size]).await.unwrap();
    }
    world.mkdir(&folder.id, "f").await.unwrap();
    assert_eq!(names(&world, &folder.id).await, "fsml");

    let first = large.version.unwrap().id;
    world.put_version(&large.id, &[0; 100]).await;
    assert_eq!(names(&world, &folder.id).await, "fslm");
    let message = v1::RestoreVersionRequest {
        node_id: large.id.clone(),
        version_id: first,
        ..v1::RestoreVersionRequest::default()
    };
    world
        .files
        .restore_version(request(&world.ctx(), message))
        .await
        .unwrap();
    assert_eq!(names(&world, &folder.id).await, "fsml");

    let message = v1::CopyNodeRequest {
        id: folder.id.clone(),
        parent_id: "root".to_owned(),
        name: Some("copy".to_owned()),
        idempotency_key: None,
    };
    let copied = world.files.copy_node(request(&world.ctx(), message)).await;
    let Some(v1::copy_node_response::Result::Node(copy)) = copied.unwrap().into_inner().result else {
        panic!("a small tree is copied at once");
    };
    assert_eq!(names(&world, &copy.id).await, "fsml");
    world.clean().await;
}

/// The release before writes the same rows without sizes.
#[tokio::test(flavor = "multi_thread")]
async fn sizes_are_right_when_an_older_release_writes() {
    let world = World::new().await;
    let folder = world.mkdir("root", "older").await.unwrap();
    let large = world.put(&folder.id, "l", &[0; 3000]).await.unwrap();
    world.put(&folder.id, "m", &[0; 200]).await.unwrap();
    world.put_version(&large.id, &[0; 100]).await;
    assert_eq!(names(&world, &folder.id).await, "lm");
    let mut admin = world.admin().await;
    // As it restores the first version of the large file: the new version, then the file.
    let restoring = "INSERT INTO files.versions (tenant_id, id, node_id, blob_id, content_type, created_at)
         SELECT v.tenant_id, gen_random_uuid(), v.node_id, v.blob_id, 'x', now() + interval '1 h'
         FROM files.versions v JOIN files.nodes n ON n.id = v.node_id
         WHERE n.name = 'l' AND n.current_version <> v.id;
         UPDATE files.nodes n SET current_version = (SELECT id FROM files.versions v WHERE v.node_id = n.id AND content_type = 'x')
         WHERE n.name = 'l'";
    sqlx::raw_sql(restoring).execute(&mut admin).await.unwrap();
    assert_eq!(names(&world, &folder.id).await, "ml");
    // As it commits: the files, then their versions. A new one with the content of the large file, and another content of that.
    let committing = "INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, current_version, created_at,
                                               updated_at)
         SELECT tenant_id, gen_random_uuid(), parent_id, kind, 'n', 'n', gen_random_uuid(), now(), now()
         FROM files.nodes WHERE name = 'l';
         INSERT INTO files.versions (tenant_id, id, node_id, blob_id, content_type, created_at)
         SELECT n.tenant_id, n.current_version, n.id, v.blob_id, 'y', now()
         FROM files.nodes n, files.versions v WHERE n.name = 'n' AND v.content_type = 'x';
         UPDATE files.nodes SET current_version = gen_random_uuid() WHERE name = 'l';
         INSERT INTO files.versions (tenant_id, id, node_id, blob_id, content_type, created_at)
         SELECT n.tenant_id, n.current_version, n.id, v.blob_id, 'z', now()
         FROM files.nodes n, files.nodes m JOIN files.versions v ON v.id = m.current_version
         WHERE n.name = 'l' AND m.name = 'm'";
    sqlx::raw_sql(committing).execute(&mut admin).await.unwrap();
    let found: Vec<(String, i64)> =
        sqlx::query_as("SELECT name, size FROM files.nodes WHERE kind = 'file' ORDER BY name")
            .fetch_all(&mut admin)
            .await
            .unwrap();
    let found: Vec<_> = found.iter().map(|(name, size)| (name.as_str(), *size)).collect();
    assert_eq!(found, [("l", 200), ("m", 200), ("n", 3000)]);

    // What was written before there were sizes.
    sqlx::raw_sql("UPDATE files.nodes SET size = 7")
        .execute(&mut admin)
        .await
        .unwrap();
    let check = world.files.fsck().await.unwrap();
    assert!(
        check
            .size_mismatches
            .iter()
            .any(|told| told.ends_with(": 7 bytes listed, 3000 found")),
        "{check:?}"
    );
    let (_, backfill) = include_str!("../../../../migrations/0121_sizes.sql")
        .split_once("-- What is there already.")
        .unwrap();
    let (backfill, _) = backfill.split_once("-- Without the tenant").unwrap();
    sqlx::raw_sql("UPDATE files.nodes SET size = 0")
        .execute(&mut admin)
        .await
        .unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("--{backfill}")))
        .execute(&mut admin)
        .await
        .unwrap();
    admin.close().await.unwrap();
    assert_eq!(
        world.files.fsck().await.unwrap().size_mismatches,
        Vec::<String>::new()
    );
}
