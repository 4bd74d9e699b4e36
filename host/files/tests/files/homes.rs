//! Homes, and what an older release left right below the tenant's root: it moves into the home of who made it, and the
//! journal tells so.

use crate::support::{World, file, request};
use bitvault_platform::Ctx;
use bitvault_platform::ids::{AccountId, NodeId};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::internal::v1::node_access_service_server::NodeAccessService as _;
use bitvault_proto::v1;
use bitvault_proto::v1::access_service_server::AccessService as _;
use bitvault_proto::v1::files_service_server::FilesService as _;
use bitvault_proto::v1::metadata_service_server::MetadataService as _;

/// A folder where an older release kept it.
async fn old(world: &World, by: AccountId, name: &str, trashed: bool) -> NodeId {
    let (id, mut admin) = (NodeId::new(), world.admin().await);
    sqlx::query(
        "INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, created_at, created_by, updated_at,
                                  trashed_at)
         VALUES ($1, $2, $1, 'folder', $3, $3, now(), $4, now(), CASE WHEN $5 THEN now() END)",
    )
    .bind(world.tenant.0)
    .bind(id.0)
    .bind(name)
    .bind(by.0)
    .bind(trashed)
    .execute(&mut admin)
    .await
    .unwrap();
    id
}

/// What the journal tells of a node, in order: kind, revision, and whether this account did it.
async fn told(world: &World, node: NodeId, by: AccountId) -> Vec<(String, i64, bool)> {
    let mut admin = world.admin().await;
    sqlx::query_as("SELECT kind, revision, actor = $2 FROM files.journal WHERE node_id = $1 ORDER BY seq")
        .bind(node.0)
        .bind(by.0)
        .fetch_all(&mut admin)
        .await
        .unwrap()
}

async fn names(world: &World, ctx: &Ctx) -> Vec<String> {
    let message = v1::ListChildrenRequest {
        id: "root".to_owned(),
        limit: 0,
        cursor: None,
        ..v1::ListChildrenRequest::default()
    };
    let page = world.files.list_children(request(ctx, message)).await.unwrap();
    page.into_inner()
        .items
        .into_iter()
        .map(|node| node.name)
        .collect()
}

/// Something that makes the caller's home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    Looks,
    AsksForAccess,
    MakesAFolder,
    Uploads,
    UploadsOnce,
    Shares,
    Moves,
    Restores,
    Copies,
    SetsRetention,
    ClearsRetention,
    ReadsTags,
    Tags,
    MakesAFavourite,
}

async fn first(world: &World, ctx: &Ctx, what: First, old: NodeId) {
    let root = || "root".to_owned();
    match what {
        First::Looks => drop(world.get(ctx, "root").await.unwrap()),
        First::AsksForAccess => {
            let message = internal::GetAccessRequest { node_id: root() };
            world.files.get_access(request(ctx, message)).await.unwrap();
        }
        First::MakesAFolder => {
            let message = v1::CreateFolderRequest {
                parent_id: root(),
                name: "new".to_owned(),
                idempotency_key: None,
            };
            world.files.create_folder(request(ctx, message)).await.unwrap();
        }
        First::Uploads | First::UploadsOnce => {
            let key = (what == First::UploadsOnce).then_some("once");
            let started = world.start_keyed(ctx, vec![file("root", "new", b"x")], key).await;
            started.unwrap().remove(0).unwrap();
        }
        First::Shares => {
            let message = v1::PutGrantRequest {
                node_id: root(),
                subject_id: AccountId::new().to_string(),
                role: "viewer".to_owned(),
            };
            world.files.put_grant(request(ctx, message)).await.unwrap();
        }
        First::Moves => {
            let message = v1::UpdateNodeRequest {
                id: old.to_string(),
                name: Some("renamed".to_owned()),
                parent_id: Some(root()),
                ..v1::UpdateNodeRequest::default()
            };
            world.files.update_node(request(ctx, message)).await.unwrap();
        }
        First::Restores => {
            let message = v1::RestoreNodeRequest {
                id: old.to_string(),
                parent_id: Some(root()),
                ..v1::RestoreNodeRequest::default()
            };
            world.files.restore_node(request(ctx, message)).await.unwrap();
        }
        First::Copies => {
            let message = v1::CopyNodeRequest {
                id: old.to_string(),
                parent_id: root(),
                ..v1::CopyNodeRequest::default()
            };
            world.files.copy_node(request(ctx, message)).await.unwrap();
        }
        First::ReadsTags => {
            let message = v1::GetMetadataRequest { node_id: root() };
            world.files.get_metadata(request(ctx, message)).await.unwrap();
        }
        First::Tags => {
            let message = v1::UpdateMetadataRequest {
                node_id: root(),
                add_tags: vec!["x".to_owned()],
                ..v1::UpdateMetadataRequest::default()
            };
            world.files.update_metadata(request(ctx, message)).await.unwrap();
        }
        First::MakesAFavourite => {
            let message = v1::FavouriteRequest { node_id: root() };
            world.files.add_favourite(request(ctx, message)).await.unwrap();
        }
        First::SetsRetention => {
            let message = v1::SetRetentionRequest {
                node_id: Some(root()),
                policy: Some(v1::RetentionPolicy::default()),
            };
            world.files.set_retention(request(ctx, message)).await.unwrap();
        }
        First::ClearsRetention => {
            let message = v1::ClearRetentionRequest {
                node_id: Some(root()),
            };
            world.files.clear_retention(request(ctx, message)).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_makes_a_home_tells_the_journal_what_it_took_in() {
    let world = World::new().await;
    world.files.create_root(&world.ctx()).await.unwrap();
    for what in [
        First::Looks,
        First::AsksForAccess,
        First::MakesAFolder,
        First::Uploads,
        First::UploadsOnce,
        First::Shares,
        First::Moves,
        First::Restores,
        First::Copies,
        First::SetsRetention,
        First::ClearsRetention,
        First::ReadsTags,
        First::Tags,
        First::MakesAFavourite,
    ] {
        let (account, other) = (AccountId::new(), AccountId::new());
        let name = format!("old {what:?}");
        let node = old(&world, account, &name, what == First::Restores).await;
        let theirs = old(&world, other, &format!("theirs {what:?}"), false).await;
        let ctx = world.as_account(account);
        first(&world, &ctx, what, node).await;
        let mut expected = vec![("moved".to_owned(), 2, true)];
        match what {
            First::Moves => expected.push(("moved".to_owned(), 3, true)),
            First::Restores => expected.push(("restored".to_owned(), 3, true)),
            _ => {}
        }
        assert_eq!(told(&world, node, account).await, expected, "{what:?}");
        assert!(told(&world, theirs, other).await.is_empty(), "{what:?}");
        let home = if what == First::Moves { "renamed" } else { &name };
        assert!(names(&world, &ctx).await.contains(&home.to_owned()), "{what:?}");
        // Once is enough.
        first(&world, &ctx, First::Looks, node).await;
        assert_eq!(
            told(&world, node, account).await.len(),
            expected.len(),
            "{what:?}"
        );
        first(&world, &world.as_account(other), First::Looks, theirs).await;
        assert_eq!(told(&world, theirs, other).await.len(), 1, "{what:?}");
    }
    let gaps = "SELECT max(seq) - count(*) FROM files.journal";
    assert_eq!(world.count(gaps).await, 0);
    let events = "SELECT count(*) FROM files.outbox WHERE kind = 'node.moved'";
    assert_eq!(world.count(events).await, 14 + 1 + 14);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_release_adds_beside_this_one_is_taken_in_under_a_free_name() {
    let world = World::new().await;
    let ctx = world.ctx();
    world.mkdir("root", "plans").await.unwrap();
    let late = old(&world, world.account, "plans", false).await;
    let inner = old(&world, world.account, "inner", false).await;
    let other = AccountId::new();
    let theirs = old(&world, other, "theirs", false).await;
    let mut admin = world.admin().await;
    let sql = "UPDATE files.nodes SET parent_id = $2 WHERE id = $1";
    sqlx::query(sql)
        .bind(inner.0)
        .bind(late.0)
        .execute(&mut admin)
        .await
        .unwrap();
    assert_eq!(
        world.get(&ctx, &inner.to_string()).await.unwrap_err().reason(),
        "node_not_found"
    );
    assert_eq!(world.files.take_in_once().await.unwrap(), 2);
    assert_eq!(names(&world, &ctx).await, ["plans", "plans (restored)"]);
    assert_eq!(names(&world, &world.as_account(other)).await, ["theirs"]);
    world.get(&ctx, &inner.to_string()).await.unwrap();
    for (node, by) in [(late, world.account), (theirs, other)] {
        assert_eq!(told(&world, node, by).await, [("moved".to_owned(), 2, true)]);
    }
    assert_eq!(world.files.take_in_once().await.unwrap(), 0, "nothing is left");
}
