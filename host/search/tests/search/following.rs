//! The index follows the journal, whatever happens to it.

use crate::support::{World, search};
use bitvault_platform::ids::{AccountId, NodeId};
use bitvault_platform::{Code, Ctx, Error};
use bitvault_proto::internal::v1::EraseTenantRequest;
use bitvault_proto::internal::v1::search_data_service_server::SearchDataService as _;
use futures::future::join_all;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_found_under_its_present_form_only() {
    let world = World::new().await;
    let ctx = world.ctx();
    let node = world.mkdir(&ctx, "root", "first draft").await;
    world.settle().await;
    world.mv(&ctx, &node, Some("second draft"), None).await;
    // The index does not know yet; what it finds is shown as it is now.
    assert_eq!(world.names(&ctx, "first").await, ["second draft"]);
    world.settle().await;
    assert!(world.names(&ctx, "first").await.is_empty());
    assert_eq!(world.names(&ctx, "second draft").await, ["second draft"]);
    let before = world.dump().await;
    world.settle().await;
    assert_eq!(world.dump().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_to_the_trash_leaves_with_everything_below_it() {
    let world = World::new().await;
    let ctx = world.ctx();
    let folder = world.mkdir(&ctx, "root", "old things").await;
    for number in 0..20 {
        let inner = world.mkdir(&ctx, &folder.id, &format!("thing {number}")).await;
        world.mkdir(&ctx, &inner.id, "thing deep").await;
    }
    world.settle().await;
    world.rm(&ctx, &folder, false).await;
    assert!(
        world.names(&ctx, "thing").await.is_empty(),
        "hidden before the index knows"
    );
    world.settle().await;
    let left = world.dump().await;
    assert!(
        !left
            .iter()
            .any(|row| row.contains("thing") || row.starts_with("pending")),
        "{left:?}"
    );
    // Taken out again: everything is back.
    let id = folder.id.parse::<NodeId>().unwrap().0;
    world
        .admin(&format!(
            "UPDATE files.nodes SET trashed_at = NULL WHERE id = '{id}';
             UPDATE files.journal_heads SET seq = seq + 1;
             INSERT INTO files.journal (tenant_id, seq, node_id, kind, revision, at)
             SELECT tenant_id, seq, '{id}', 'updated', 9, now() FROM files.journal_heads"
        ))
        .await;
    world.settle().await;
    let counted = world
        .ask(&ctx, crate::support::asked("thing"))
        .await
        .unwrap()
        .facets
        .unwrap()
        .counted;
    assert_eq!(counted, 41);
    world.rm(&ctx, &folder, false).await;
    world.rm(&ctx, &folder, true).await;
    world.settle().await;
    assert!(!world.dump().await.iter().any(|row| row.contains("thing")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_moves_to_another_tree_takes_what_is_below_it_along() {
    let world = World::new().await;
    let (ctx, other) = (world.ctx(), world.as_account(AccountId::new()));
    let target = world.mkdir(&other, "root", "theirs").await;
    world.grant(&target, world.account, "editor").await;
    let folder = world.mkdir(&ctx, "root", "parcel").await;
    for number in 0..20 {
        world.mkdir(&ctx, &folder.id, &format!("letter {number}")).await;
    }
    world.settle().await;
    assert!(world.names(&other, "letter").await.is_empty());
    world.mv(&ctx, &folder, None, Some(&target.id)).await;
    world.settle().await;
    assert_eq!(world.names(&other, "letter").await.len(), 20);
    assert_eq!(world.names(&ctx, "letter 7").await[0], "letter 7", "by the grant");
    let moved = world.dump().await;
    world.search.rebuild(None).await.unwrap();
    assert_eq!(world.dump().await, moved);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_wiped_while_files_change_comes_back_by_itself() {
    let world = World::new().await;
    let ctx = world.ctx();
    let folder = world.mkdir(&ctx, "root", "folder").await;
    let wipe = "TRUNCATE search.cursors, search.pending, search.entries, search.words, search.postings, search.trigrams";
    for round in 0..6 {
        for number in 0..10 {
            let node = world
                .mkdir(&ctx, &folder.id, &format!("round {round} number {number}"))
                .await;
            if number % 3 == 0 {
                world
                    .mv(&ctx, &node, Some(&format!("renamed {round} {number}")), None)
                    .await;
            }
            // Some steps only, so that it is wiped with work pending.
            world.search.follow_once().await.unwrap();
        }
        world.admin(wipe).await;
    }
    world.settle().await;
    let healed = world.dump().await;
    assert!(healed.iter().filter(|row| row.starts_with("entry")).count() > 60);
    let report = world.search.rebuild(Some(world.tenant)).await.unwrap();
    assert_eq!(world.dump().await, healed);
    assert_eq!(
        (report.tenants, report.nodes),
        (1, 61),
        "the folder and what is in it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_epoch_or_a_lost_change_makes_the_index_anew() {
    let world = World::new().await;
    let ctx = world.ctx();
    for name in ["one", "two", "three"] {
        world.mkdir(&ctx, "root", name).await;
    }
    world.settle().await;
    let right = world.dump().await;
    for damage in [
        "UPDATE files.journal_heads SET epoch = epoch + 1; DELETE FROM search.entries WHERE name_key = 'one'",
        "UPDATE search.cursors SET seq = 100; DELETE FROM search.entries WHERE name_key = 'two'",
        "DELETE FROM files.journal WHERE seq = 1; UPDATE search.cursors SET seq = 0; DELETE FROM search.postings",
    ] {
        world.admin(damage).await;
        world.settle().await;
        assert_eq!(world.dump().await, right, "{damage}");
    }
    // Read again from an earlier number, changes do no harm.
    world.admin("UPDATE search.cursors SET seq = 1").await;
    world.settle().await;
    assert_eq!(world.dump().await, right);
}

/// Several processes index the same tenant while it changes: what is left is what one of them makes in peace.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn indexers_that_run_at_once_leave_the_right_index() {
    let world = World::new().await;
    let ctx = world.ctx();
    let [a, b] = [
        world.mkdir(&ctx, "root", "a").await,
        world.mkdir(&ctx, "root", "b").await,
    ];
    let others: Vec<_> = (0..3).map(|_| search(&world.database, &world.files)).collect();
    let stop = CancellationToken::new();
    let indexing = others.iter().map(|one| {
        let stop = stop.clone();
        async move {
            while !stop.is_cancelled() {
                one.follow_once().await.unwrap();
            }
        }
    });
    let changing = async {
        for number in 0..60 {
            let parent = if number % 2 == 0 { &a } else { &b };
            let node = world
                .mkdir(&ctx, &parent.id, &format!("word{} common {number}", number % 5))
                .await;
            match number % 4 {
                0 => world.rm(&ctx, &node, false).await,
                1 => {
                    world
                        .mv(&ctx, &node, Some(&format!("other {number}")), Some(&a.id))
                        .await
                }
                _ => {}
            }
            if number == 30 {
                world.rm(&ctx, &b, false).await;
                world
                    .admin("UPDATE files.nodes SET trashed_at = NULL WHERE name = 'b'")
                    .await;
            }
        }
        stop.cancel();
    };
    tokio::join!(join_all(indexing), changing);
    world.mv(&ctx, &b, Some("b2"), None).await;
    world.settle().await;
    let left = world.dump().await;
    world.search.rebuild(Some(world.tenant)).await.unwrap();
    assert_eq!(world.dump().await, left);
}

/// What an older release kept right below the tenant's root is nobody's; the home that takes it in tells the journal.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_new_home_takes_in_is_found_there_with_all_below_it() {
    let world = World::new().await;
    // The journal and its index are there before.
    world
        .mkdir(&world.as_account(AccountId::new()), "root", "other")
        .await;
    let (folder, file) = (NodeId::new(), NodeId::new());
    for (id, parent, name) in [
        (folder, world.tenant.0, "heirloom box"),
        (file, folder.0, "heirloom ring"),
    ] {
        world
            .admin(&format!(
                "INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, created_at, created_by, updated_at)
                 VALUES ('{}', '{}', '{parent}', 'folder', '{name}', '{name}', now(), '{}', now())",
                world.tenant.0, id.0, world.account.0
            ))
            .await;
    }
    world.settle().await;
    let ctx = world.ctx();
    assert!(world.names(&ctx, "heirloom").await.is_empty());
    world.mkdir(&ctx, "root", "first of this release").await;
    world.settle().await;
    let mut found = world.names(&ctx, "heirloom").await;
    found.sort_unstable();
    assert_eq!(found, ["heirloom box", "heirloom ring"]);
    let grown = world.dump().await;
    world.search.rebuild(Some(world.tenant)).await.unwrap();
    assert_eq!(world.dump().await, grown);
}

/// A large copy grows below the tenant's root, where nobody sees it, and goes to its place as a whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_indexed_once_it_is_in_its_place() {
    let world = World::new().await;
    let ctx = world.ctx();
    let target = world.mkdir(&ctx, "root", "target").await;
    let (tenant, account) = (world.tenant.0, world.account.0);
    let (top, inner) = (NodeId::new(), NodeId::new());
    let key = format!("/copy/{}", top.0);
    for (id, parent, name, key) in [
        (top, tenant, "duplicate", key.as_str()),
        (inner, top.0, "duplicate inside", "duplicate inside"),
    ] {
        world
            .admin(&format!(
                "INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, created_at, created_by, updated_at)
                 VALUES ('{tenant}', '{}', '{parent}', 'folder', '{name}', '{key}', now(), '{account}', now())",
                id.0
            ))
            .await;
    }
    world.settle().await;
    assert!(!world.dump().await.iter().any(|row| row.contains("duplicate")));
    let place = target.id.parse::<NodeId>().unwrap().0;
    world
        .admin(&format!(
            "UPDATE files.nodes SET parent_id = '{place}', name_key = 'duplicate' WHERE id = '{0}';
             UPDATE files.journal_heads SET seq = seq + 1;
             INSERT INTO files.journal (tenant_id, seq, node_id, kind, revision, at)
             SELECT tenant_id, seq, '{0}', 'created', 1, now() FROM files.journal_heads",
            top.0
        ))
        .await;
    world.settle().await;
    let mut found = world.names(&ctx, "duplicate").await;
    found.sort_unstable();
    assert_eq!(found, ["duplicate", "duplicate inside"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_of_a_deleted_tenant_goes_and_no_other() {
    let world = World::new().await;
    let other = world.another_tenant();
    for world in [&world, &other] {
        for name in ["one", "two", "three"] {
            world.mkdir(&world.ctx(), "root", name).await;
        }
    }
    world.settle().await;
    let erase = |ctx: Ctx| {
        let search = &world.search;
        async move {
            Ok::<_, Error>(
                search
                    .erase_tenant(ctx.request(EraseTenantRequest {}))
                    .await?
                    .into_inner(),
            )
        }
    };
    let refused = erase(world.ctx()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Denied);
    let gone = format!(
        "DELETE FROM files.journal_heads WHERE tenant_id = '{}'",
        world.tenant.0
    );
    world.admin(&gone).await;
    let answer = erase(Ctx::system("identity").within(world.tenant)).await.unwrap();
    assert!(answer.done && answer.removed > 0, "{answer:?}");
    assert_eq!(world.held().await, 0);
    assert!(other.held().await > 0);
    assert_eq!(other.names(&other.ctx(), "two").await, ["two"]);
    let again = erase(Ctx::system("identity").within(world.tenant)).await.unwrap();
    assert!(again.done && again.removed == 0, "{again:?}");
    // An indexer that had read the journal's head before it went.
    let late = "INSERT INTO search.cursors (tenant_id, epoch, seq) VALUES ('{}', 1, 3);
                INSERT INTO search.pending (tenant_id, node_id) VALUES ('{}', '{}')";
    world
        .admin(&late.replace("{}", &world.tenant.0.to_string()))
        .await;
    world.settle().await;
    assert_eq!(world.held().await, 0);
    assert_eq!(other.names(&other.ctx(), "two").await, ["two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_follows_a_change_by_itself_within_a_second_or_so() {
    let world = World::new().await;
    let ctx = world.ctx();
    world.search.subscribe(&*world.bus).await.unwrap();
    let stop = CancellationToken::new();
    let jobs = world
        .search
        .jobs(&stop)
        .into_iter()
        .chain(world.files.jobs(&stop));
    let jobs: Vec<_> = jobs.map(tokio::spawn).collect();
    world.mkdir(&ctx, "root", "needle").await;
    let found = async {
        while world.names(&ctx, "needle").await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), found).await.unwrap();
    stop.cancel();
    for job in jobs {
        job.await.unwrap();
    }
}
