//! Old versions: listed, read, restored, labelled, deleted, and removed by policies.

use crate::support::{World, request, sha256};
use bitvault_files::ThinReport;
use bitvault_platform::db::DbRole;
use bitvault_platform::ids::{AccountId, SessionId};
use bitvault_platform::{Code, Ctx, Error, Role};
use bitvault_proto::v1;
use bitvault_proto::v1::files_service_server::FilesService as _;
use futures::future::join_all;
use sqlx::{Connection as _, PgConnection};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn page(
    world: &World,
    ctx: &Ctx,
    node: &str,
    limit: u32,
    cursor: Option<String>,
) -> Result<v1::ListVersionsResponse, Error> {
    let message = v1::ListVersionsRequest {
        node_id: node.to_owned(),
        limit,
        cursor,
    };
    Ok(world
        .files
        .list_versions(request(ctx, message))
        .await?
        .into_inner())
}

async fn versions(world: &World, node: &str) -> Vec<v1::FileVersion> {
    page(world, &world.ctx(), node, 0, None).await.unwrap().items
}

async fn ids(world: &World, node: &str) -> Vec<String> {
    let found = versions(world, node).await;
    found.into_iter().map(|version| version.id).collect()
}

fn restoring(node: &str, version: &str) -> v1::RestoreVersionRequest {
    v1::RestoreVersionRequest {
        node_id: node.to_owned(),
        version_id: version.to_owned(),
        ..v1::RestoreVersionRequest::default()
    }
}

async fn restore(world: &World, ctx: &Ctx, message: v1::RestoreVersionRequest) -> Result<v1::Node, Error> {
    Ok(world
        .files
        .restore_version(request(ctx, message))
        .await?
        .into_inner())
}

async fn label(
    world: &World,
    ctx: &Ctx,
    node: &str,
    version: &str,
    label: Option<&str>,
) -> Result<v1::FileVersion, Error> {
    let message = v1::LabelVersionRequest {
        node_id: node.to_owned(),
        version_id: version.to_owned(),
        label: label.map(str::to_owned),
    };
    Ok(world
        .files
        .label_version(request(ctx, message))
        .await?
        .into_inner())
}

async fn delete(world: &World, ctx: &Ctx, node: &str, version: &str) -> Result<(), Error> {
    let message = v1::DeleteVersionRequest {
        node_id: node.to_owned(),
        version_id: version.to_owned(),
    };
    world.files.delete_version(request(ctx, message)).await?;
    Ok(())
}

/// A policy of the newest so many.
fn newest(max_count: u32) -> v1::RetentionPolicy {
    v1::RetentionPolicy {
        max_count: Some(max_count),
        ..v1::RetentionPolicy::default()
    }
}

async fn keep(
    world: &World,
    ctx: &Ctx,
    node: Option<&str>,
    policy: v1::RetentionPolicy,
) -> Result<v1::Retention, Error> {
    let message = v1::SetRetentionRequest {
        node_id: node.map(str::to_owned),
        policy: Some(policy),
    };
    Ok(world
        .files
        .set_retention(request(ctx, message))
        .await?
        .into_inner())
}

async fn holds(world: &World, node: &str) -> (v1::RetentionSource, Option<u32>) {
    let message = v1::GetRetentionRequest {
        node_id: Some(node.to_owned()),
    };
    let found = world.files.get_retention(request(&world.ctx(), message)).await;
    let found = found.unwrap().into_inner();
    (found.source(), found.policy.unwrap().max_count)
}

async fn thin(world: &World) -> ThinReport {
    world.files.thin_once().await.unwrap()
}

/// A file with as many versions as contents, the last one current.
async fn file(world: &World, parent: &str, name: &str, contents: &[&str]) -> v1::Node {
    let mut node = world.put(parent, name, contents[0].as_bytes()).await.unwrap();
    for content in &contents[1..] {
        node = world.put_version(&node.id, content.as_bytes()).await;
    }
    node
}

fn admin(world: &World) -> Ctx {
    Ctx::account(world.tenant, AccountId::new(), SessionId::new(), Role::Admin)
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_listed_newest_first_and_each_can_be_read() {
    let world = World::new().await;
    let node = file(&world, "root", "a", &["one", "second", "three"]).await;
    let all = versions(&world, &node.id).await;
    let sizes: Vec<u64> = all.iter().map(|version| version.size).collect();
    assert_eq!(sizes, [5, 6, 3]);
    let current: Vec<bool> = all.iter().map(|version| version.current).collect();
    assert_eq!(current, [true, false, false]);
    assert_eq!(all[0].id, node.version.unwrap().id);
    assert_eq!(all[2].created_by, Some(world.account.to_string()));
    assert_eq!(world.read_version(&node.id, &all[2].id).await, b"one");
    assert_eq!(world.read_version(&node.id, &all[1].id).await, b"second");

    let (mut paged, mut cursor) = (Vec::new(), None);
    loop {
        let page = page(&world, &world.ctx(), &node.id, 1, cursor).await.unwrap();
        paged.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, all);
    let folder = world.mkdir("root", "folder").await.unwrap();
    for (node, limit, cursor, reason) in [
        (&node.id, 1001, None, "limit_invalid"),
        (&node.id, 0, Some("x".to_owned()), "cursor_invalid"),
        (&folder.id, 0, None, "not_a_file"),
    ] {
        let error = page(&world, &world.ctx(), node, limit, cursor).await.unwrap_err();
        assert_eq!(error.reason(), reason);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn restoring_makes_a_new_version_of_the_same_bytes() {
    let world = World::new().await;
    let node = file(&world, "root", "a", &["one", "two"]).await;
    let old = ids(&world, &node.id).await.remove(1);
    let objects = world.count("SELECT count(*) FROM files.objects").await;
    let keyed = v1::RestoreVersionRequest {
        revision: Some(node.revision),
        idempotency_key: Some("k".to_owned()),
        ..restoring(&node.id, &old)
    };
    let restored = restore(&world, &world.ctx(), keyed.clone()).await.unwrap();
    assert_eq!(restored.revision, node.revision + 1);
    assert_eq!(restored.version.as_ref().unwrap().sha256, sha256(b"one"));
    assert_eq!(world.read(&node.id).await, b"one");
    let all = ids(&world, &node.id).await;
    assert_eq!((all.len(), &all[2]), (3, &old));
    assert_eq!(world.count("SELECT count(*) FROM files.objects").await, objects);
    assert_eq!(world.count("SELECT count(*) FROM files.blobs").await, 2);
    let told = "SELECT count(*) FROM files.journal WHERE kind = 'updated' AND version_id IS NOT NULL";
    assert_eq!(world.count(told).await, 2);

    // The revision has passed; the repeat is answered all the same, and makes nothing.
    assert_eq!(
        restore(&world, &world.ctx(), keyed.clone()).await.unwrap(),
        restored
    );
    let other = v1::RestoreVersionRequest {
        revision: None,
        ..keyed
    };
    let reused = restore(&world, &world.ctx(), other).await.unwrap_err();
    assert_eq!(reused.reason(), "idempotency_key_reused");
    // The current version is there already.
    let same = restore(&world, &world.ctx(), restoring(&node.id, &all[0])).await;
    assert_eq!(same.unwrap(), restored);
    assert_eq!(ids(&world, &node.id).await, all);
    let stale = v1::RestoreVersionRequest {
        revision: Some(node.revision),
        ..restoring(&node.id, &old)
    };
    let stale = restore(&world, &world.ctx(), stale).await.unwrap_err();
    assert_eq!(stale.reason(), "revision_conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_go_with_the_last_version_that_names_them() {
    let world = World::new().await;
    let node = file(&world, "root", "a", &["one", "two"]).await;
    let old = ids(&world, &node.id).await.remove(1);
    let restored = restore(&world, &world.ctx(), restoring(&node.id, &old))
        .await
        .unwrap();
    let orphaned = "SELECT count(*) FROM files.objects WHERE state = 'orphaned'";
    let current = restored.version.unwrap().id;
    let refused = delete(&world, &world.ctx(), &node.id, &current)
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), refused.reason()),
        (Code::Conflict, "version_current")
    );
    delete(&world, &world.ctx(), &node.id, &old).await.unwrap();
    assert_eq!(
        world.count(orphaned).await,
        0,
        "the restored version has the same bytes"
    );
    let gone = delete(&world, &world.ctx(), &node.id, &old).await.unwrap_err();
    assert_eq!(gone.reason(), "version_not_found");
    let two = ids(&world, &node.id).await.remove(1);
    delete(&world, &world.ctx(), &node.id, &two).await.unwrap();
    assert_eq!(world.count(orphaned).await, 1);
    assert_eq!(world.read(&node.id).await, b"one");
    let check = world.files.fsck().await.unwrap();
    assert!(check.is_clean(), "{check:?}");
}

/// Many at once restore and delete versions that share bytes: none is lost that a version still names.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn versions_of_the_same_bytes_come_and_go_at_once() {
    let world = World::new().await;
    let mut nodes = Vec::new();
    for name in ["a", "b"] {
        nodes.push(file(&world, "root", name, &["one", "two"]).await);
    }
    let client = |number: usize| {
        let (world, node) = (&world, &nodes[number % 2].id);
        async move {
            for _ in 0..10 {
                let all = ids(world, node).await;
                let oldest = &all[all.len() - 1];
                for result in [
                    restore(world, &world.ctx(), restoring(node, oldest))
                        .await
                        .map(drop),
                    delete(world, &world.ctx(), node, oldest).await,
                ] {
                    if let Err(error) = result {
                        assert!(
                            ["version_not_found", "version_current"].contains(&error.reason()),
                            "{error}"
                        );
                    }
                }
            }
        }
    };
    join_all((0..8).map(client)).await;
    for node in &nodes {
        for version in ids(&world, &node.id).await {
            let content = world.read_version(&node.id, &version).await;
            assert!(content == b"one" || content == b"two");
        }
    }
    let check = world.files.fsck().await.unwrap();
    assert!(check.is_clean(), "{check:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_too_low_a_role_is_denied_and_who_has_none_finds_nothing() {
    let world = World::new().await;
    let node = file(&world, "root", "a", &["one", "two"]).await;
    let folder = world.mkdir("root", "folder").await.unwrap();
    let old = ids(&world, &node.id).await.remove(1);
    let [viewer, editor] = [AccountId::new(), AccountId::new()];
    for (account, role) in [(viewer, "viewer"), (editor, "editor")] {
        world.grant(&node.id, account, role).await;
        world.grant(&folder.id, account, role).await;
    }
    let strangers = [world.stranger(), world.as_account(AccountId::new())];
    for ctx in &strangers {
        let errors = [
            page(&world, ctx, &node.id, 0, None).await.map(drop),
            restore(&world, ctx, restoring(&node.id, &old)).await.map(drop),
            label(&world, ctx, &node.id, &old, None).await.map(drop),
            delete(&world, ctx, &node.id, &old).await,
            keep(&world, ctx, Some(&folder.id), newest(1)).await.map(drop),
        ];
        for error in errors {
            assert_eq!(error.unwrap_err().reason(), "node_not_found");
        }
    }
    let (viewer, editor) = (world.as_account(viewer), world.as_account(editor));
    assert_eq!(
        page(&world, &viewer, &node.id, 0, None)
            .await
            .unwrap()
            .items
            .len(),
        2
    );
    let denied = [
        restore(&world, &viewer, restoring(&node.id, &old))
            .await
            .map(drop),
        label(&world, &viewer, &node.id, &old, Some("x")).await.map(drop),
        delete(&world, &editor, &node.id, &old).await,
        keep(&world, &editor, Some(&folder.id), newest(1)).await.map(drop),
    ];
    for error in denied {
        assert_eq!(error.unwrap_err().reason(), "role_too_low");
    }
    label(&world, &editor, &node.id, &old, Some("x")).await.unwrap();
    restore(&world, &editor, restoring(&node.id, &old)).await.unwrap();
    // A version belongs to its own file.
    let other = file(&world, "root", "b", &["three"]).await.version.unwrap().id;
    for error in [
        restore(&world, &world.ctx(), restoring(&node.id, &other))
            .await
            .map(drop),
        label(&world, &world.ctx(), &node.id, &other, None)
            .await
            .map(drop),
        delete(&world, &world.ctx(), &node.id, &other).await,
    ] {
        assert_eq!(error.unwrap_err().reason(), "version_not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_removes_old_versions_but_never_the_current_or_a_labelled_one() {
    let world = World::new().await;
    let folder = world.mkdir("root", "folder").await.unwrap();
    let node = file(&world, &folder.id, "a", &["1", "2", "3", "4"]).await;
    let apart = file(&world, "root", "b", &["1", "2"]).await;
    let all = ids(&world, &node.id).await;
    let labelled = label(&world, &world.ctx(), &node.id, &all[3], Some("sent")).await;
    assert_eq!(labelled.unwrap().label.as_deref(), Some("sent"));
    // By default everything stays.
    assert_eq!(thin(&world).await, ThinReport { files: 2, removed: 0 });
    assert_eq!(
        thin(&world).await,
        ThinReport::default(),
        "not before the next day"
    );

    keep(&world, &world.ctx(), Some(&folder.id), newest(2))
        .await
        .unwrap();
    assert_eq!(thin(&world).await.removed, 1);
    assert_eq!(
        ids(&world, &node.id).await,
        [all[0].clone(), all[1].clone(), all[3].clone()]
    );
    assert_eq!(ids(&world, &apart.id).await.len(), 2);
    label(&world, &world.ctx(), &node.id, &all[3], None)
        .await
        .unwrap();
    assert_eq!(thin(&world).await.removed, 1);
    world.clock.advance(DAY);
    assert_eq!(thin(&world).await, ThinReport { files: 2, removed: 0 });

    // A new version makes its file due at once. With one version left a file is not looked at again.
    world.put_version(&node.id, b"5").await;
    assert_eq!(thin(&world).await, ThinReport { files: 1, removed: 1 });
    keep(&world, &world.ctx(), Some(&folder.id), newest(1))
        .await
        .unwrap();
    assert_eq!(thin(&world).await.removed, 1);
    let queued = "SELECT count(*) FROM files.thinning";
    assert_eq!(world.count(queued).await, 1);
    assert_eq!(world.read(&node.id).await, b"5");
    let check = world.files.fsck().await.unwrap();
    assert!(check.is_clean(), "{check:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_go_by_age_and_the_older_the_fewer_stay() {
    let world = World::new().await;
    let old = file(&world, "root", "old", &["1", "2"]).await;
    let many = file(&world, "root", "many", &["1", "2", "3"]).await;
    let policy = v1::RetentionPolicy {
        thin: true,
        ..v1::RetentionPolicy::default()
    };
    keep(&world, &world.ctx(), Some("root"), policy).await.unwrap();
    assert_eq!(thin(&world).await.removed, 0);
    world.clock.advance(2 * DAY);
    // All of one moment: of each file only the last is left.
    assert_eq!(thin(&world).await.removed, 3);
    world.put_version(&old.id, b"3").await;
    let policy = v1::RetentionPolicy {
        max_age_days: Some(2),
        ..v1::RetentionPolicy::default()
    };
    keep(&world, &world.ctx(), Some("root"), policy).await.unwrap();
    assert_eq!(thin(&world).await.removed, 1);
    assert_eq!(
        (
            ids(&world, &old.id).await.len(),
            ids(&world, &many.id).await.len()
        ),
        (1, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nearest_policy_holds_then_the_tenants_then_the_servers() {
    use v1::RetentionSource::{Default, Inherited, Own, Tenant};
    let mut config = crate::support::config();
    config.versions.max_count = Some(9);
    let world = World::with(config).await;
    let outer = world.mkdir("root", "outer").await.unwrap();
    let inner = world.mkdir(&outer.id, "inner").await.unwrap();
    let node = file(&world, &inner.id, "a", &["1", "2", "3", "4", "5"]).await;
    assert_eq!(holds(&world, &node.id).await, (Default, Some(9)));
    keep(&world, &admin(&world), None, newest(4)).await.unwrap();
    assert_eq!(holds(&world, &node.id).await, (Tenant, Some(4)));
    assert_eq!(holds(&world, "root").await, (Tenant, Some(4)));
    keep(&world, &world.ctx(), Some(&outer.id), newest(3))
        .await
        .unwrap();
    assert_eq!(holds(&world, &node.id).await, (Inherited, Some(3)));
    let none = keep(
        &world,
        &world.ctx(),
        Some(&inner.id),
        v1::RetentionPolicy::default(),
    )
    .await;
    assert_eq!(none.unwrap().source(), Own);
    assert_eq!(holds(&world, &inner.id).await, (Own, None));
    assert_eq!(thin(&world).await.removed, 0);

    let clear = |ctx: Ctx, node: Option<&str>| {
        let message = v1::ClearRetentionRequest {
            node_id: node.map(str::to_owned),
        };
        world.files.clear_retention(request(&ctx, message))
    };
    clear(world.ctx(), Some(&inner.id)).await.unwrap();
    assert_eq!(thin(&world).await.removed, 2);
    clear(world.ctx(), Some(&outer.id)).await.unwrap();
    clear(world.ctx(), Some(&outer.id)).await.unwrap();
    clear(admin(&world), None).await.unwrap();
    assert_eq!(holds(&world, &node.id).await, (Default, Some(9)));

    let refused: Error = clear(world.ctx(), None).await.unwrap_err().into();
    assert_eq!((refused.code(), refused.reason()), (Code::Denied, "admin_only"));
    let root = format!("nod_{}", world.tenant.0.simple());
    for (node, policy, reason) in [
        (&node.id, newest(1), "not_a_folder"),
        (&outer.id, newest(0), "retention_invalid"),
        (&outer.id, newest(1_000_001), "retention_invalid"),
        (&root, newest(1), "node_not_found"),
    ] {
        let refused = keep(&world, &admin_of(&world), Some(node), policy)
            .await
            .unwrap_err();
        assert_eq!(refused.reason(), reason);
    }
}

/// The usual caller as an administrator.
fn admin_of(world: &World) -> Ctx {
    Ctx::account(world.tenant, world.account, SessionId::new(), Role::Admin)
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_that_cannot_be_are_refused() {
    let world = World::new().await;
    let node = world.put("root", "a", b"1").await.unwrap();
    let version = node.version.unwrap().id;
    for bad in ["", &"x".repeat(256), "a\0b"] {
        let refused = label(&world, &world.ctx(), &node.id, &version, Some(bad)).await;
        assert_eq!(refused.unwrap_err().reason(), "label_invalid");
    }
    let long = "x".repeat(255);
    label(&world, &world.ctx(), &node.id, &version, Some(&long))
        .await
        .unwrap();
}

/// A job that died with files claimed leaves them due again.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_job_had_claimed_comes_again() {
    let world = World::new().await;
    let node = file(&world, "root", "a", &["1", "2"]).await;
    keep(&world, &world.ctx(), Some("root"), newest(1)).await.unwrap();
    let mut worker = PgConnection::connect(&world.database.role_url(DbRole::Worker))
        .await
        .unwrap();
    let claim = "UPDATE files.thinning SET due_at = due_at + interval '10 minutes'";
    let claimed = sqlx::query(claim).execute(&mut worker).await.unwrap();
    assert_eq!(claimed.rows_affected(), 1);
    assert_eq!(thin(&world).await, ThinReport::default());
    world.clock.advance(Duration::from_secs(600));
    assert_eq!(thin(&world).await.removed, 1);
    assert_eq!(ids(&world, &node.id).await.len(), 1);
}
