//! Pushing many writes: their order, their results, and what is there instead of what was asked for.

use crate::support::{Sent, World};
use bitvault_platform::ids::AccountId;
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1;
use bitvault_proto::v1::push_item::Act;
use bitvault_proto::v1::push_result::Result as Pushed;
use bitvault_proto::v1::sync_service_server::SyncService as _;

async fn push(world: &World, ctx: &Ctx, acts: Vec<Act>, key: Option<&str>) -> Result<Vec<Pushed>, Error> {
    let items = acts.into_iter().map(|act| v1::PushItem { act: Some(act) });
    let request = v1::PushChangesRequest {
        device_id: None,
        items: items.collect(),
        idempotency_key: key.map(str::to_owned),
    };
    let answer = world.sync.push_changes(ctx.request(request)).await?.into_inner();
    Ok(answer.items.into_iter().map(|one| one.result.unwrap()).collect())
}

fn folder(key: &str, parent: Result<&str, &str>, name: &str) -> Act {
    Act::CreateFolder(v1::PushFolder {
        key: Some(key.to_owned()),
        parent_id: parent.ok().map(str::to_owned),
        parent_key: parent.err().map(str::to_owned),
        name: name.to_owned(),
    })
}

fn moved(id: &str, name: Option<&str>, parent_key: Option<&str>, revision: Option<i64>) -> Act {
    Act::Move(v1::PushMove {
        id: id.to_owned(),
        name: name.map(str::to_owned),
        parent_id: None,
        parent_key: parent_key.map(str::to_owned),
        revision,
    })
}

fn delete(id: &str, revision: Option<i64>) -> Act {
    Act::Delete(v1::PushDelete {
        id: id.to_owned(),
        revision,
        covers: None,
    })
}

/// Commits an upload, and says what it was for.
fn commit(upload_id: String, said: Option<Sent<'_>>) -> Act {
    let mut one = v1::PushCommit {
        upload: Some(v1::CommitUpload {
            upload_id,
            ..v1::CommitUpload::default()
        }),
        ..v1::PushCommit::default()
    };
    match said {
        Some(Sent::File { parent, name }) => {
            (one.parent_id, one.name) = (Some(parent.to_owned()), Some(name.to_owned()));
        }
        Some(Sent::Version { node, .. }) => one.node_id = Some(node.to_owned()),
        None => {}
    }
    Act::Commit(one)
}

/// A result as one word, with what is there.
fn told(result: &Pushed) -> (String, Option<String>) {
    match result {
        Pushed::Node(node) => ("node".to_owned(), Some(node.name.clone())),
        Pushed::Deleted(_) => ("deleted".to_owned(), None),
        Pushed::Refused(refusal) => {
            let status = refusal.error.clone().unwrap();
            let reason = Error::from(status).reason().to_owned();
            (reason, refusal.current.as_ref().map(|node| node.name.clone()))
        }
    }
}

/// What a refusal shows.
fn current(result: &Pushed) -> &v1::Node {
    match result {
        Pushed::Refused(refusal) => refusal.current.as_ref().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn words(results: &[Pushed]) -> Vec<(String, Option<String>)> {
    results.iter().map(told).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_done_in_order_and_may_name_folders_that_were_made_before_them() {
    let world = World::new().await;
    let ctx = world.ctx();
    let a = world.mkdir(&ctx, "root", "a").await;
    let acts = || {
        vec![
            folder("x", Ok("root"), "x"),
            folder("y", Err("x"), "y"),
            moved(&a, Some("b"), Some("y"), Some(1)),
            folder("z", Err("y"), "z"),
            delete(&a, Some(2)),
        ]
    };
    let results = push(&world, &ctx, acts(), Some("k")).await.unwrap();
    let named = |name: &str| ("node".to_owned(), Some(name.to_owned()));
    let expected = [
        named("x"),
        named("y"),
        named("b"),
        named("z"),
        ("deleted".to_owned(), None),
    ];
    assert_eq!(words(&results), expected);
    // The answer was lost.
    let again = push(&world, &ctx, acts(), Some("k")).await.unwrap();
    assert_eq!(results, again);
    assert_eq!(world.snapshot(&ctx).await.names(), ["", "x", "y", "z"]);
    let other = push(&world, &ctx, vec![folder("x", Ok("root"), "other")], Some("k")).await;
    assert_eq!(other.unwrap_err().reason(), "idempotency_key_reused");
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_follow_each_other_are_made_in_one_transaction_each_with_its_own_result() {
    let world = World::new().await;
    let ctx = world.ctx();
    let results = push(
        &world,
        &ctx,
        vec![
            folder("x", Ok("root"), "x"),
            folder("twin", Ok("root"), "X"),
            folder("lost", Err("twin"), "y"),
            folder("y", Err("x"), "y"),
            folder("bad", Err("y"), "a/b"),
            folder("z", Err("y"), "z"),
            folder("self", Err("self"), "s"),
            moved("nod_none", None, Some("z"), None),
        ],
        None,
    )
    .await
    .unwrap();
    let named = |name: &str| ("node".to_owned(), Some(name.to_owned()));
    let refused = |reason: &str| (reason.to_owned(), None);
    assert_eq!(
        words(&results),
        [
            named("x"),
            ("name_taken".to_owned(), Some("x".to_owned())),
            refused("parent_not_found"),
            named("y"),
            refused("name_invalid"),
            named("z"),
            refused("parent_not_found"),
            refused("node_not_found"),
        ]
    );
    let transactions = "SELECT count(DISTINCT xmin::text) FROM files.nodes WHERE name IN ('x', 'y', 'z')";
    assert_eq!(world.count(transactions).await, 1);
    let told = "SELECT count(*) FROM files.journal j JOIN files.nodes n ON n.id = j.node_id
                WHERE n.name IN ('x', 'y', 'z') AND j.from_id = n.parent_id";
    assert_eq!(
        world.count(told).await,
        3,
        "each is told of with the folder that it was made in"
    );
    assert_eq!(world.snapshot(&ctx).await.names(), ["", "x", "y", "z"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_shows_what_is_there_and_holds_nothing_up() {
    let world = World::new().await;
    let ctx = world.ctx();
    let a = world.mkdir(&ctx, "root", "a").await;
    let b = world.mkdir(&ctx, "root", "b").await;
    world.touch(&ctx, &a, "tag").await.unwrap();
    let results = push(
        &world,
        &ctx,
        vec![
            folder("k", Ok("root"), "A"),
            folder("below", Err("k"), "x"),
            moved(&a, Some("late"), None, Some(1)),
            delete(&a, Some(1)),
            moved(&b, Some("c"), Some("nobody"), None),
            moved(&b, Some("c"), None, Some(1)),
            delete("nod_none", None),
        ],
        None,
    )
    .await
    .unwrap();
    let refused = |reason: &str, there: Option<&str>| (reason.to_owned(), there.map(str::to_owned));
    assert_eq!(
        words(&results),
        [
            refused("name_taken", Some("a")),
            refused("parent_not_found", None),
            refused("revision_conflict", Some("a")),
            refused("revision_conflict", Some("a")),
            refused("parent_not_found", None),
            ("node".to_owned(), Some("c".to_owned())),
            refused("node_not_found", None),
        ]
    );
    assert_eq!(current(&results[2]).revision, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_of_a_new_file_whose_name_is_taken_shows_who_has_it() {
    let world = World::new().await;
    let ctx = world.ctx();
    let folder = world.mkdir(&ctx, "root", "folder").await;
    let holder = world.put(&ctx, &folder, "Plan").await;
    let file = |name: &'static str| Sent::File {
        parent: &folder,
        name,
    };
    let acts = vec![
        commit(world.sent(&ctx, file("plan")).await, Some(file("plan"))),
        commit(world.sent(&ctx, file("plan")).await, None),
        commit(world.sent(&ctx, file("new")).await, Some(file("new"))),
        // One that the same call made.
        commit(world.sent(&ctx, file("new")).await, Some(file("new"))),
    ];
    let results = push(&world, &ctx, acts, None).await.unwrap();
    let told = words(&results);
    let word = |word: &str, there: Option<&str>| (word.to_owned(), there.map(str::to_owned));
    assert_eq!(
        told,
        [
            word("name_taken", Some("Plan")),
            word("name_taken", None),
            word("node", Some("new")),
            word("name_taken", Some("new")),
        ]
    );
    let current = current(&results[0]);
    assert_eq!(current.id, holder);
    assert!(current.version.is_some(), "{current:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_on_top_of_a_version_that_is_no_longer_the_files_shows_the_one_that_is() {
    let world = World::new().await;
    let ctx = world.ctx();
    let folder = world.mkdir(&ctx, "root", "folder").await;
    let node = world.put(&ctx, &folder, "plan").await;
    let base = world.version(&ctx, &node).await;
    let version = Sent::Version {
        node: &node,
        base: &base,
    };
    let acts = vec![
        commit(world.sent(&ctx, version).await, Some(version)),
        commit(world.sent(&ctx, version).await, Some(version)),
    ];
    let results = push(&world, &ctx, acts, None).await.unwrap();
    let named = Some("plan".to_owned());
    assert_eq!(
        words(&results),
        [
            ("node".to_owned(), named.clone()),
            ("version_conflict".to_owned(), named)
        ]
    );
    let now = world.version(&ctx, &node).await;
    assert_ne!(now, base);
    assert_eq!(current(&results[1]).version.as_ref().unwrap().id, now);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_shows_nothing_to_who_may_not_see_it() {
    let world = World::new().await;
    let ctx = world.ctx();
    let a = world.mkdir(&ctx, "root", "a").await;
    let stranger = world.member(AccountId::new());
    let elsewhere = world.another_tenant();
    for caller in [stranger, elsewhere.ctx()] {
        let acts = vec![
            moved(&a, Some("x"), None, Some(7)),
            delete(&a, Some(7)),
            folder("k", Ok(&a), "x"),
        ];
        let results = push(&world, &caller, acts, None).await.unwrap();
        let reasons = ["node_not_found", "node_not_found", "parent_not_found"];
        assert_eq!(words(&results), reasons.map(|reason| (reason.to_owned(), None)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_bounded_and_of_a_device_that_is_there() {
    let world = World::new().await;
    let ctx = world.ctx();
    let many = (0..501).map(|_| delete("nod_none", None)).collect();
    let refused = push(&world, &ctx, many, None).await.unwrap_err();
    assert_eq!(refused.reason(), "batch_too_large");
    let request = v1::PushChangesRequest {
        device_id: Some("dev_none".to_owned()),
        ..v1::PushChangesRequest::default()
    };
    let refused = world.sync.push_changes(ctx.request(request)).await.unwrap_err();
    assert_eq!(Error::from(refused).reason(), "device_not_found");
}
