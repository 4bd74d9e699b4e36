//! What is in the trash is listed, comes back, and goes for good.

use crate::support::{World, config, request};
use bitvault_files::PurgeReport;
use bitvault_platform::ids::{AccountId, NodeId, SessionId, TenantId};
use bitvault_platform::{Code, Ctx, Error, Role};
use bitvault_proto::v1;
use bitvault_proto::v1::files_service_server::FilesService as _;
use bitvault_proto::v1::tenant_service_client::TenantServiceClient;
use std::time::Duration;
use uuid::Uuid;

async fn trash(world: &World, ctx: &Ctx, within: Option<&str>) -> Result<Vec<v1::TrashItem>, Error> {
    Ok(page(world, ctx, within, 0, None).await?.items)
}

async fn page(
    world: &World,
    ctx: &Ctx,
    within: Option<&str>,
    limit: u32,
    cursor: Option<String>,
) -> Result<v1::ListTrashResponse, Error> {
    let message = v1::ListTrashRequest {
        r#in: within.map(str::to_owned),
        limit,
        cursor,
    };
    Ok(world.files.list_trash(request(ctx, message)).await?.into_inner())
}

fn names(items: &[v1::TrashItem]) -> Vec<&str> {
    items
        .iter()
        .map(|item| item.node.as_ref().unwrap().name.as_str())
        .collect()
}

fn restoring(id: &str) -> v1::RestoreNodeRequest {
    v1::RestoreNodeRequest {
        id: id.to_owned(),
        ..v1::RestoreNodeRequest::default()
    }
}

async fn try_restore(world: &World, ctx: &Ctx, message: v1::RestoreNodeRequest) -> Result<v1::Node, Error> {
    Ok(world
        .files
        .restore_node(request(ctx, message))
        .await?
        .into_inner())
}

async fn restore(world: &World, id: &str) -> v1::Node {
    try_restore(world, &world.ctx(), restoring(id)).await.unwrap()
}

async fn empty(world: &World, ctx: &Ctx, within: Option<&str>) -> Result<v1::EmptyTrashResponse, Error> {
    let message = v1::EmptyTrashRequest {
        r#in: within.map(str::to_owned),
    };
    Ok(world.files.empty_trash(request(ctx, message)).await?.into_inner())
}

fn raw(id: &str) -> Uuid {
    id[4..].parse().unwrap()
}

/// Folders in folders, `wide` in each, `deep` levels; answers how many there are.
async fn forest(world: &World, top: &str, wide: i32, deep: i32) -> i64 {
    let sql = "WITH RECURSIVE tree AS (
                   SELECT $2::uuid AS id, NULL::uuid AS parent, 0 AS level, '' AS name
                   UNION ALL
                   SELECT gen_random_uuid(), tree.id, level + 1, 'n' || n FROM tree, generate_series(1, $3) AS n
                   WHERE level < $4
               )
               INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, created_at, updated_at)
               SELECT $1, id, parent, 'folder', name, name, now(), now() FROM tree WHERE level > 0";
    let mut admin = world.admin().await;
    let done = sqlx::query(sql)
        .bind(world.tenant.0)
        .bind(raw(top))
        .bind(wide)
        .bind(deep);
    done.execute(&mut admin).await.unwrap().rows_affected() as i64
}

const NODES: &str = "SELECT count(*) FROM files.nodes";

#[tokio::test(flavor = "multi_thread")]
async fn the_trash_is_listed_by_time_with_where_it_was_and_who_did_it() {
    let world = World::new().await;
    let docs = world.mkdir("root", "docs").await.unwrap();
    let inner = world.mkdir(&docs.id, "inner").await.unwrap();
    let file = world.put(&inner.id, "a.txt", b"a").await.unwrap();
    let other = world.mkdir("root", "other").await.unwrap();
    for node in [&file, &inner, &other] {
        world.delete(&node.id, false).await.unwrap();
        world.clock.advance(Duration::from_secs(1));
    }
    let items = trash(&world, &world.ctx(), None).await.unwrap();
    assert_eq!(names(&items), ["other", "inner", "a.txt"]);
    let told: Vec<_> = items
        .iter()
        .map(|item| {
            (
                item.origin_id.as_deref().unwrap(),
                item.origin_path.as_deref().unwrap(),
            )
        })
        .collect();
    let home = docs.parent_id.as_deref().unwrap();
    let expected = [(home, "/"), (&*docs.id, "/docs"), (&*inner.id, "/docs/inner")];
    assert_eq!(told, expected);
    let account = world.account.to_string();
    assert!(
        items
            .iter()
            .all(|item| item.trashed_by.as_ref() == Some(&account))
    );
    assert_eq!(items[2].node.as_ref().unwrap().version, file.version);
    assert!(items[0].trashed_at.unwrap().seconds > items[2].trashed_at.unwrap().seconds);
    // Of a folder, in the trash itself or not, what was in it.
    let inside = trash(&world, &world.ctx(), Some(&docs.id)).await.unwrap();
    assert_eq!(names(&inside), ["inner", "a.txt"]);
    let inside = trash(&world, &world.ctx(), Some(&inner.id)).await.unwrap();
    assert_eq!(names(&inside), ["a.txt"]);
    assert!(trash(&world, &world.stranger(), None).await.unwrap().is_empty());
    let error = trash(&world, &world.stranger(), Some(&docs.id))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "node_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_goes_on_where_it_ended_while_the_trash_changes() {
    let world = World::new().await;
    let mut nodes = Vec::new();
    for number in 0..25 {
        let node = world.mkdir("root", &format!("n{number:02}")).await.unwrap();
        // Several at the same instant.
        if number % 3 == 0 {
            world.clock.advance(Duration::from_secs(1));
        }
        world.delete(&node.id, false).await.unwrap();
        nodes.push(node);
    }
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let answer = page(&world, &world.ctx(), None, 4, cursor).await.unwrap();
        assert!(answer.items.len() <= 4);
        seen.extend(names(&answer.items).into_iter().map(str::to_owned));
        cursor = answer.next_cursor;
        if cursor.is_none() {
            break;
        }
        // What is added comes before the place where the listing is; what is taken out was seen.
        world.clock.advance(Duration::from_secs(1));
        let late = world.mkdir("root", &format!("late{}", seen.len())).await.unwrap();
        world.delete(&late.id, false).await.unwrap();
        let gone = nodes
            .iter()
            .find(|node| node.name == seen[seen.len() - 1])
            .unwrap();
        restore(&world, &gone.id).await;
    }
    seen.sort();
    let all: Vec<String> = nodes.iter().map(|node| node.name.clone()).collect();
    assert_eq!(seen, all);
    for (limit, cursor, reason) in [
        (1001, None, "limit_invalid"),
        (1, Some("nonsense"), "cursor_invalid"),
    ] {
        let error = page(&world, &world.ctx(), None, limit, cursor.map(str::to_owned)).await;
        assert_eq!(error.unwrap_err().reason(), reason);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_tree_is_where_it_was_without_what_had_been_thrown_away_by_itself() {
    let world = World::new().await;
    let folder = world.mkdir("root", "d").await.unwrap();
    let file = world.put(&folder.id, "f", b"f").await.unwrap();
    let before = world.put(&folder.id, "before", b"x").await.unwrap();
    world.delete(&before.id, false).await.unwrap();
    world.delete(&folder.id, false).await.unwrap();
    let back = restore(&world, &folder.id).await;
    assert_eq!((&back.name, &back.parent_id), (&folder.name, &folder.parent_id));
    assert_eq!(back.revision, folder.revision + 2);
    assert_eq!(world.list(&folder.id).await.unwrap(), std::slice::from_ref(&file));
    assert_eq!(world.read(&file.id).await, b"f");
    let left = trash(&world, &world.ctx(), None).await.unwrap();
    assert_eq!(names(&left), ["before"]);
    // Again: it is there, nothing changes.
    assert_eq!(restore(&world, &folder.id).await, back);
    for told in [
        "SELECT count(*) FROM files.journal WHERE kind = 'restored'",
        "SELECT count(*) FROM files.outbox WHERE kind = 'node.restored'",
    ] {
        assert_eq!(world.count(told).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lost_its_folder_goes_to_the_top_and_what_lost_its_name_gets_another() {
    let world = World::new().await;
    let folder = world.mkdir("root", "d").await.unwrap();
    let mut files = Vec::new();
    for _ in 0..3 {
        let file = world.put(&folder.id, "a.txt", b"a").await.unwrap();
        world.delete(&file.id, false).await.unwrap();
        files.push(file);
    }
    let kept = world.put(&folder.id, "kept.txt", b"k").await.unwrap();
    world.put("root", "A.TXT", b"other").await.unwrap();
    world.delete(&folder.id, false).await.unwrap();

    let first = restore(&world, &files[0].id).await;
    assert_eq!(
        (first.name.as_str(), &first.parent_id),
        ("a (restored).txt", &folder.parent_id)
    );
    assert_eq!(restore(&world, &files[1].id).await.name, "a (restored 2).txt");
    // Out of a folder that is in the trash, by itself.
    let out = restore(&world, &kept.id).await;
    assert_eq!(
        (out.name.as_str(), &out.parent_id),
        ("kept.txt", &folder.parent_id)
    );
    let top = world.mkdir("root", "D").await.unwrap();
    let back = restore(&world, &folder.id).await;
    assert_eq!(
        (back.name.as_str(), back.parent_id),
        ("d (restored)", top.parent_id)
    );
    assert!(world.list(&folder.id).await.unwrap().is_empty());
    // Its folder is there again.
    assert_eq!(
        restore(&world, &files[2].id).await.parent_id.as_ref(),
        Some(&folder.id)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_may_name_the_place_and_is_refused_where_it_cannot_be() {
    let world = World::new().await;
    let (a, b) = (
        world.mkdir("root", "a").await.unwrap(),
        world.mkdir("root", "b").await.unwrap(),
    );
    let inner = world.mkdir(&a.id, "inner").await.unwrap();
    let file = world.put("root", "file", b"x").await.unwrap();
    world.mkdir(&b.id, "taken").await.unwrap();
    world.delete(&a.id, false).await.unwrap();
    let to = |parent: &str, name: Option<&str>| v1::RestoreNodeRequest {
        parent_id: Some(parent.to_owned()),
        name: name.map(str::to_owned),
        ..restoring(&a.id)
    };
    let stale = v1::RestoreNodeRequest {
        revision: Some(a.revision),
        ..restoring(&a.id)
    };
    for (message, reason) in [
        (to(&b.id, Some("Taken")), "name_taken"),
        (to(&b.id, Some("../x")), "name_invalid"),
        (to(&a.id, None), "parent_not_found"),
        (to(&inner.id, None), "parent_not_found"),
        (to(&file.id, None), "not_a_folder"),
        (stale, "revision_conflict"),
        (restoring("root"), "root_fixed"),
        (restoring(&NodeId::new().to_string()), "node_not_found"),
    ] {
        let error = try_restore(&world, &world.ctx(), message).await.unwrap_err();
        assert_eq!(error.reason(), reason);
    }
    let keyed = || v1::RestoreNodeRequest {
        idempotency_key: Some("key".to_owned()),
        ..to(&b.id, Some("new name"))
    };
    let back = try_restore(&world, &world.ctx(), keyed()).await.unwrap();
    assert_eq!(
        (back.name.as_str(), back.parent_id.as_ref()),
        ("new name", Some(&b.id))
    );
    world.get(&world.ctx(), &inner.id).await.unwrap();
    world.delete(&a.id, false).await.unwrap();
    assert_eq!(
        try_restore(&world, &world.ctx(), keyed()).await.unwrap(),
        back,
        "a repeat"
    );
    restore(&world, &a.id).await;
    let elsewhere = try_restore(&world, &world.ctx(), to("root", None)).await;
    assert_eq!(elsewhere.unwrap_err().reason(), "not_in_trash");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_in_the_home_of_somebody_else_does_not_look_like_one_in_the_callers_own() {
    let world = World::new().await;
    let folder = world.mkdir("root", "folder").await.unwrap();
    let inner = world.mkdir(&folder.id, "inner").await.unwrap();
    world.delete(&inner.id, false).await.unwrap();
    let other = world.mkdir("root", "other").await.unwrap();
    world.delete(&other.id, false).await.unwrap();
    let home = world.get(&world.ctx(), "root").await.unwrap();
    let account = AccountId::new();
    world.grant(&home.id, account, "editor").await;
    let items = trash(&world, &world.as_account(account), Some(&home.id))
        .await
        .unwrap();
    let places: Vec<_> = items
        .iter()
        .map(|item| (item.origin_id.as_deref(), item.origin_path.as_deref()))
        .collect();
    let expected = [(Some(&*home.id), None), (Some(&*folder.id), Some("folder"))];
    assert!(expected.iter().all(|place| places.contains(place)), "{places:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_too_low_a_role_is_denied_and_who_has_none_sees_nothing() {
    let world = World::new().await;
    let shared = world.mkdir("root", "shared").await.unwrap();
    let inner = world.mkdir(&shared.id, "inner").await.unwrap();
    let file = world.put(&inner.id, "f", b"f").await.unwrap();
    world.delete(&file.id, false).await.unwrap();
    let account = AccountId::new();
    let other = world.as_account(account);
    let act = |ctx: Ctx| {
        let (world, shared, file) = (&world, &shared, &file);
        async move {
            let listed = trash(world, &ctx, Some(&shared.id))
                .await
                .map(|items| items.len());
            let emptied = empty(world, &ctx, Some(&shared.id))
                .await
                .map(|done| done.removed);
            let restored = try_restore(world, &ctx, restoring(&file.id)).await.map(|_| 1);
            [listed.map(|count| count as u64), emptied, restored]
                .map(|result| result.map_err(|error| error.reason().to_owned()))
        }
    };
    let refused = |reason: &str| Err(reason.to_owned());
    for ctx in [other.clone(), world.stranger()] {
        let told = act(ctx).await;
        assert_eq!(
            told,
            [
                refused("node_not_found"),
                refused("node_not_found"),
                refused("node_not_found")
            ]
        );
    }
    world.grant(&shared.id, account, "viewer").await;
    let told = act(other.clone()).await;
    assert_eq!(told, [Ok(0), refused("role_too_low"), refused("role_too_low")]);
    world.grant(&shared.id, account, "editor").await;
    let items = trash(&world, &other, Some(&shared.id)).await.unwrap();
    assert_eq!(items[0].origin_path.as_deref(), Some("shared/inner"));
    assert_eq!(act(other.clone()).await, [Ok(1), refused("role_too_low"), Ok(1)]);
    // In a tree of somebody else whose top is not theirs, the folder must be there.
    world.delete(&file.id, false).await.unwrap();
    world.delete(&inner.id, false).await.unwrap();
    let error = try_restore(&world, &other, restoring(&file.id))
        .await
        .unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::Conflict, "no_place_left"));
    let there = v1::RestoreNodeRequest {
        parent_id: Some(shared.id.clone()),
        ..restoring(&file.id)
    };
    let back = try_restore(&world, &other, there).await.unwrap();
    assert_eq!(back.parent_id.as_ref(), Some(&shared.id));
    world.grant(&shared.id, account, "owner").await;
    assert_eq!(empty(&world, &other, Some(&shared.id)).await.unwrap().removed, 1);
    let guest = Ctx::account(world.tenant, AccountId::new(), SessionId::new(), Role::Guest);
    assert_eq!(trash(&world, &guest, None).await.unwrap_err().reason(), "no_home");
    assert_eq!(empty(&world, &guest, None).await.unwrap_err().reason(), "no_home");
}

#[tokio::test(flavor = "multi_thread")]
async fn emptying_removes_everything_once_and_the_collector_gives_the_bytes_back() {
    let world = World::new().await;
    let kept = world.put("root", "kept", b"kept").await.unwrap();
    let folder = world.mkdir("root", "folder").await.unwrap();
    for number in 0..5 {
        let file = world.put(&folder.id, &format!("f{number}"), b"x").await.unwrap();
        if number < 2 {
            world.delete(&file.id, false).await.unwrap();
        }
    }
    world.delete(&folder.id, false).await.unwrap();
    let done = empty(&world, &world.ctx(), None).await.unwrap();
    assert_eq!((done.removed, done.more), (6, false));
    assert!(trash(&world, &world.ctx(), None).await.unwrap().is_empty());
    assert_eq!(empty(&world, &world.ctx(), None).await.unwrap().removed, 0);
    let told = "SELECT count(*) FROM files.journal WHERE kind = 'deleted'";
    assert_eq!(world.count(told).await, 6);
    let gaps = "SELECT max(seq) - count(*) FROM files.journal";
    assert_eq!(world.count(gaps).await, 0);
    world
        .clock
        .advance(config().collector.grace + Duration::from_secs(1));
    assert_eq!(world.files.collect_once().await.unwrap().deleted, 5);
    assert_eq!(world.read(&kept.id).await, b"kept");
    assert!(world.files.fsck().await.unwrap().is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_larger_than_a_step_goes_for_good_whatever_its_shape() {
    let world = World::new().await;
    world.mkdir("root", "kept").await.unwrap();
    let kept = world.count(NODES).await;
    for (wide, deep) in [(4000, 1), (1, 3000), (3, 7), (60, 2)] {
        let folder = world.mkdir("root", "large").await.unwrap();
        let below = forest(&world, &folder.id, wide, deep).await;
        assert!(below > 2500, "{below}");
        world.delete(&folder.id, false).await.unwrap();
        world.delete(&folder.id, true).await.unwrap();
        assert_eq!(world.count(NODES).await, kept, "{wide} × {deep}");
    }
    let told = "SELECT count(DISTINCT node_id) - count(*) FROM files.journal WHERE kind = 'deleted'";
    assert_eq!(world.count(told).await, 0, "each once");
    // One that is in the trash of another one, both large.
    let outer = world.mkdir("root", "outer").await.unwrap();
    let inner = world.mkdir(&outer.id, "inner").await.unwrap();
    forest(&world, &outer.id, 1500, 1).await;
    forest(&world, &inner.id, 1500, 1).await;
    for node in [&inner, &outer] {
        world.delete(&node.id, false).await.unwrap();
    }
    let done = empty(&world, &world.ctx(), None).await.unwrap();
    assert_eq!((done.removed, done.more), (3002, false));
    assert_eq!(world.count(NODES).await, kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_in_the_trash_before_a_batch_is_not_removed_in_it_when_it_is_large() {
    let world = World::new().await;
    let folder = world.mkdir("root", "large").await.unwrap();
    forest(&world, &folder.id, 3000, 1).await;
    let item = |permanent| v1::NodeDelete {
        id: folder.id.clone(),
        permanent,
        revision: None,
        covers: None,
    };
    let message = v1::DeleteNodesRequest {
        items: vec![item(false), item(true)],
        idempotency_key: None,
    };
    let answer = world
        .files
        .delete_nodes(request(&world.ctx(), message))
        .await
        .unwrap();
    let results = answer
        .into_inner()
        .items
        .into_iter()
        .map(|item| item.result.unwrap());
    let results: Vec<_> = results.collect();
    assert!(matches!(&results[0], v1::delete_node_result::Result::Deleted(_)));
    let v1::delete_node_result::Result::Error(status) = results[1].clone() else {
        panic!("{results:?}");
    };
    assert_eq!(Error::from(status).reason(), "delete_unfinished");
    world.delete(&folder.id, true).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_been_in_the_trash_for_long_goes_in_every_tenant_and_nothing_else_does() {
    let world = World::new().await;
    let old = world.mkdir("root", "old").await.unwrap();
    world.put(&old.id, "f", b"f").await.unwrap();
    let kept = world.mkdir("root", "kept").await.unwrap();
    let stranger = world.stranger();
    let theirs = v1::CreateFolderRequest {
        parent_id: "root".to_owned(),
        name: "theirs".to_owned(),
        idempotency_key: None,
    };
    let theirs = world
        .files
        .create_folder(request(&stranger, theirs))
        .await
        .unwrap()
        .into_inner();
    let message = v1::DeleteNodeRequest {
        id: theirs.id.clone(),
        ..v1::DeleteNodeRequest::default()
    };
    world
        .files
        .delete_node(request(&stranger, message))
        .await
        .unwrap();
    let saved = world.mkdir("root", "saved").await.unwrap();
    for node in [&old, &saved] {
        world.delete(&node.id, false).await.unwrap();
    }
    assert_eq!(world.files.purge_once().await.unwrap(), PurgeReport::default());
    world.clock.advance(config().trash.keep - Duration::from_secs(10));
    // Out and in again: its time begins anew.
    restore(&world, &saved.id).await;
    world.delete(&saved.id, false).await.unwrap();
    world.clock.advance(Duration::from_secs(10));
    let purged = world.files.purge_once().await.unwrap();
    assert_eq!((purged.removed, purged.failed), (3, 0));
    assert_eq!(world.files.purge_once().await.unwrap(), PurgeReport::default());
    assert_eq!(
        names(&trash(&world, &world.ctx(), None).await.unwrap()),
        ["saved"]
    );
    assert!(trash(&world, &stranger, None).await.unwrap().is_empty());
    world.get(&world.ctx(), &kept.id).await.unwrap();
    let nobody = "SELECT count(*) FROM files.journal WHERE kind = 'deleted' AND actor IS NULL";
    assert_eq!(world.count(nobody).await, 3);
}

/// A tenant that keeps its trash for so many days.
async fn tenant_that_keeps(world: &World, name: &str, days: u32) -> TenantId {
    let tenant = world.known_tenant(name).await;
    let admin = Ctx::account(tenant, AccountId::new(), SessionId::new(), Role::Admin);
    let request = admin.request(v1::UpdateTenantRequest {
        display_name: None,
        settings: Some(v1::TenantSettings {
            trash_retention_days: Some(days),
            ..v1::TenantSettings::default()
        }),
    });
    let mut tenants = TenantServiceClient::new(world.identity.clone());
    tenants.update_tenant(request).await.unwrap();
    tenant
}

#[tokio::test(flavor = "multi_thread")]
async fn the_purge_keeps_to_what_each_tenant_has_settled_and_the_listing_tells_it() {
    let day = Duration::from_secs(24 * 3600);
    let mut world = World::new().await;
    let tenants = [
        (tenant_that_keeps(&world, "soon", 2).await, 2),
        // One that settled nothing: as the server says.
        (world.tenant, 30),
        (tenant_that_keeps(&world, "late", 60).await, 60),
    ];
    for (tenant, days) in tenants {
        world.tenant = tenant;
        for name in ["one", "two"] {
            let node = world.mkdir("root", name).await.unwrap();
            world.delete(&node.id, false).await.unwrap();
        }
        let listed = trash(&world, &world.ctx(), None).await.unwrap();
        let at = |stamp: &Option<prost_types::Timestamp>| stamp.as_ref().unwrap().seconds;
        assert_eq!(
            at(&listed[0].purge_at) - at(&listed[0].trashed_at),
            days * 24 * 3600
        );
    }
    let mut removed = Vec::new();
    for passed in 1..=60 {
        world.clock.advance(day);
        let report = world.files.purge_once().await.unwrap();
        assert_eq!(report.failed, 0);
        if report.removed > 0 {
            removed.push((passed, report.removed));
        }
    }
    assert_eq!(removed, [(2, 2), (30, 2), (60, 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_thrown_away_in_a_tree_stays_in_its_trash_when_its_folder_moves() {
    let world = World::new().await;
    let account = AccountId::new();
    let other = world.as_account(account);
    let theirs = world.get(&other, "root").await.unwrap();
    world.grant(&theirs.id, world.account, "editor").await;
    let folder = world.mkdir("root", "folder").await.unwrap();
    let file = world.put(&folder.id, "f", b"f").await.unwrap();
    world.delete(&file.id, false).await.unwrap();
    let message = v1::UpdateNodeRequest {
        id: folder.id.clone(),
        parent_id: Some(theirs.id.clone()),
        ..v1::UpdateNodeRequest::default()
    };
    world
        .files
        .update_node(request(&world.ctx(), message))
        .await
        .unwrap();
    assert_eq!(names(&trash(&world, &world.ctx(), None).await.unwrap()), ["f"]);
    assert!(trash(&world, &other, None).await.unwrap().is_empty());
    // An editor there does not own it.
    assert_eq!(empty(&world, &world.ctx(), None).await.unwrap().removed, 0);
    assert_eq!(
        restore(&world, &file.id).await.parent_id.as_ref(),
        Some(&folder.id)
    );
}
