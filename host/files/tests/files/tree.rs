//! Folders, names, listings and the trash.

use crate::support::{World, file, request};
use bitvault_platform::ids::{AccountId, SessionId};
use bitvault_platform::{Code, Ctx, Error, Role};
use bitvault_proto::v1;
use bitvault_proto::v1::files_service_server::FilesService as _;
use std::time::{Duration, Instant};

async fn lookup(world: &World, path: &str) -> Result<v1::Node, Error> {
    let message = v1::LookupRequest {
        path: path.to_owned(),
        below: None,
    };
    Ok(world
        .files
        .lookup(request(&world.ctx(), message))
        .await?
        .into_inner())
}

async fn page(
    world: &World,
    id: &str,
    limit: u32,
    cursor: Option<String>,
) -> Result<v1::ListChildrenResponse, Error> {
    let message = v1::ListChildrenRequest {
        id: id.to_owned(),
        limit,
        cursor,
        ..v1::ListChildrenRequest::default()
    };
    Ok(world
        .files
        .list_children(request(&world.ctx(), message))
        .await?
        .into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_root_is_there_from_the_first_call() {
    let world = World::new().await;
    let root = world.get(&world.ctx(), "root").await.unwrap();
    assert_eq!((root.parent_id.as_ref(), root.name.as_str()), (None, ""));
    assert_eq!(world.get(&world.ctx(), &root.id).await.unwrap(), root);
    assert_eq!(lookup(&world, "/").await.unwrap(), root);
    assert!(world.list("root").await.unwrap().is_empty());
    assert_eq!(
        world.delete("root", false).await.unwrap_err().reason(),
        "root_fixed"
    );
    world.files.create_root(&world.ctx()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_leads_to_its_node_whatever_its_case() {
    let world = World::new().await;
    let a = world.mkdir("root", "Äpfel").await.unwrap();
    let b = world.mkdir(&a.id, "b").await.unwrap();
    let c = world.put(&b.id, "c.txt", b"c").await.unwrap();
    for path in ["/Äpfel/b/c.txt", "/a\u{308}PFEL//B/C.TXT/"] {
        assert_eq!(lookup(&world, path).await.unwrap(), c, "{path}");
    }
    for path in ["/Äpfel/x", "/Äpfel/b/c.txt/d", "/../b", "/Äpfel/./b"] {
        assert_eq!(
            lookup(&world, path).await.unwrap_err().code(),
            Code::NotFound,
            "{path}"
        );
    }
    assert_eq!(
        lookup(&world, "Äpfel").await.unwrap_err().reason(),
        "path_invalid"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_mkdir_with_its_key_answers_the_same_folder() {
    let world = World::new().await;
    let create = |name: &str, key: Option<&str>| {
        let message = v1::CreateFolderRequest {
            parent_id: "root".to_owned(),
            name: name.to_owned(),
            idempotency_key: key.map(str::to_owned),
        };
        let request = request(&world.ctx(), message);
        let files = world.files.clone();
        async move {
            files
                .create_folder(request)
                .await
                .map(tonic::Response::into_inner)
                .map_err(Error::from)
        }
    };
    let calls = futures::future::join_all((0..8).map(|_| create("d", Some("k")))).await;
    let first = calls[0].as_ref().unwrap();
    assert!(calls.iter().all(|call| call.as_ref().unwrap() == first));
    assert_eq!(create("D", None).await.unwrap_err().reason(), "name_taken");
    assert_eq!(
        create("e", Some("k")).await.unwrap_err().reason(),
        "idempotency_key_reused"
    );
    assert_eq!(world.count("SELECT count(*) FROM files.journal").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trash_frees_the_name_and_hides_what_is_below() {
    let world = World::new().await;
    let folder = world.mkdir("root", "d").await.unwrap();
    let inner = world.mkdir(&folder.id, "inner").await.unwrap();
    let node = world.put(&inner.id, "f", b"f").await.unwrap();
    let open = world.sent(&inner.id, "late", b"late").await;
    world.delete(&folder.id, false).await.unwrap();
    world.delete(&folder.id, false).await.unwrap();
    for id in [&folder.id, &inner.id, &node.id] {
        assert_eq!(
            world.get(&world.ctx(), id).await.unwrap_err().code(),
            Code::NotFound
        );
    }
    assert_eq!(world.list(&inner.id).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(
        lookup(&world, "/d/inner/f").await.unwrap_err().code(),
        Code::NotFound
    );
    assert_eq!(
        world.mkdir(&inner.id, "x").await.unwrap_err().reason(),
        "parent_not_found"
    );
    assert_eq!(
        world.commit_one(&open).await.unwrap_err().reason(),
        "parent_not_found"
    );
    let started = world
        .start(&world.ctx(), vec![file(&inner.id, "x", b"x")])
        .await
        .remove(0);
    assert_eq!(started.unwrap_err().reason(), "parent_not_found");
    world.mkdir("root", "D").await.unwrap();
    assert_eq!(world.list("root").await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_of_another_revision_is_refused() {
    let world = World::new().await;
    let folder = world.mkdir("root", "d").await.unwrap();
    let message = v1::DeleteNodeRequest {
        id: folder.id.clone(),
        permanent: false,
        revision: Some(7),
        covers: None,
    };
    let error = world
        .files
        .delete_node(request(&world.ctx(), message))
        .await
        .unwrap_err();
    assert_eq!(Error::from(error).code(), Code::Precondition);
    world.get(&world.ctx(), &folder.id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_has_no_home_and_nobody_is_refused() {
    let world = World::new().await;
    let guest = Ctx::account(world.tenant, AccountId::new(), SessionId::new(), Role::Guest);
    assert_eq!(world.get(&guest, "root").await.unwrap_err().reason(), "no_home");
    assert_eq!(
        world.get(&Ctx::anonymous(), "root").await.unwrap_err().code(),
        Code::Unauthenticated
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_go_on_where_they_ended_and_a_thousand_children_come_fast() {
    let world = World::new().await;
    world.files.create_root(&world.ctx()).await.unwrap();
    let folder = world.mkdir("root", "many").await.unwrap();
    let mut admin = world.admin().await;
    // 1,000 files in the folder, and 20,000 of somebody else.
    for (tenant, parent, count) in [
        (world.tenant.0, folder.id[4..].parse().unwrap(), 1000),
        (uuid::Uuid::new_v4(), uuid::Uuid::new_v4(), 20_000),
    ] {
        let sql = "WITH f AS (SELECT gen_random_uuid() AS node, gen_random_uuid() AS version, gen_random_uuid() AS blob,
                                     gen_random_uuid() AS object, n FROM generate_series(1, $3) AS n),
                   root AS (INSERT INTO files.nodes (tenant_id, id, kind, name, name_key, created_at, updated_at)
                         VALUES ($1, $1, 'folder', '', '', now(), now()) ON CONFLICT DO NOTHING),
                   folder AS (INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, created_at, updated_at)
                         VALUES ($1, $2, $1, 'folder', 'many', 'many', now(), now()) ON CONFLICT DO NOTHING),
                   o AS (INSERT INTO files.objects (tenant_id, id, key, size, state, state_at, expires_at, is_multipart)
                         SELECT $1, object, object::text, 0, 'committed', now(), now(), false FROM f),
                   b AS (INSERT INTO files.blobs (tenant_id, id, object_id, \"offset\", length, sha256, sha256_verified,
                                                  created_at)
                         SELECT $1, blob, object, 0, 0, decode(repeat('00', 32), 'hex'), true, now() FROM f),
                   v AS (INSERT INTO files.versions (tenant_id, id, node_id, blob_id, content_type, created_at)
                         SELECT $1, version, node, blob, 'text/plain', now() FROM f)
                   INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, current_version, created_at,
                                            updated_at)
                   SELECT $1, node, $2, 'file', 'f' || lpad(n::text, 5, '0'), 'f' || lpad(n::text, 5, '0'), version,
                          now(), now() FROM f";
        sqlx::query(sql)
            .bind(tenant)
            .bind(parent)
            .bind(count)
            .execute(&mut admin)
            .await
            .unwrap();
    }
    sqlx::raw_sql("ANALYZE").execute(&mut admin).await.unwrap();

    let mut names = Vec::new();
    let mut cursor = None;
    loop {
        let answer = page(&world, &folder.id, 300, cursor).await.unwrap();
        names.extend(answer.items.into_iter().map(|node| node.name));
        cursor = answer.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(names.len(), 1000);
    assert!(names.is_sorted());
    let mut took = Vec::new();
    for _ in 0..200 {
        let began = Instant::now();
        assert_eq!(
            page(&world, &folder.id, 1000, None).await.unwrap().items.len(),
            1000
        );
        took.push(began.elapsed());
    }
    took.sort_unstable();
    println!(
        "listing 1,000 children, debug build: median {:?}, p99 {:?}",
        took[100], took[197]
    );
    // Generous: this is a debug build on a machine that does other things; the benchmark asks for 20 ms.
    assert!(took[100] < Duration::from_millis(200), "{:?}", took[100]);
    assert_eq!(
        page(&world, "root", 1, Some("nonsense".to_owned()))
            .await
            .unwrap_err()
            .reason(),
        "cursor_invalid"
    );
    assert_eq!(
        page(&world, "root", 1001, None).await.unwrap_err().reason(),
        "limit_invalid"
    );
}
