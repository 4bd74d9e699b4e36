//! How many round trips to the database calls take, those counted that begin and end a transaction: two at most to read, four to
//! write.

use crate::quotas::limited;
use crate::support::{World, committing, config, file, request, send, version};
use bitvault_platform::Ctx;
use bitvault_platform::db::{DbRole, TenantTx};
use bitvault_platform::ids::{AccountId, TenantId};
use bitvault_proto::v1;
use bitvault_proto::v1::NodeSort;
use bitvault_proto::v1::files_service_server::FilesService as _;
use bitvault_testing::TestDatabase;

/// Most round trips of a call.
const READS: usize = 2;
const WRITES: usize = 4;

async fn world() -> World {
    World::on(TestDatabase::counted().await.unwrap(), config()).await
}

/// The answer of a call that takes at most so many round trips, and at least one, as a count that doesn't work tells of none. One like
/// it is made before, uncounted: the first of a connection prepares its statements.
macro_rules! within {
    ($most:expr, $what:expr, $world:ident, $before:expr, $call:expr) => {{
        $before.await.unwrap();
        let (answer, turns) = $world.database.turns().of($call).await;
        assert!(
            (1..=$most).contains(&turns.len()),
            "{} took {} round trips, not {}: {turns:#?}",
            $what,
            turns.len(),
            $most
        );
        answer.unwrap().into_inner()
    }};
}

#[tokio::test(flavor = "multi_thread")]
async fn beginnings_and_ends_count_and_so_does_what_nobody_waits_for() {
    let database = TestDatabase::counted().await.unwrap();
    let (pool, turns) = (database.pool(DbRole::Files).unwrap(), database.turns());
    let ctx = Ctx::system("test").within(TenantId::new());
    let select = async |commit: bool| {
        let mut tx = TenantTx::begin(&pool, &ctx).await.unwrap();
        sqlx::query("SELECT 1").execute(&mut *tx).await.unwrap();
        if commit {
            tx.commit().await.unwrap();
        }
    };
    let begin = format!("BEGIN; SET LOCAL app.tenant = '{}'", ctx.tenant().unwrap().0);
    let prepared = turns.of(select(true)).await.1;
    assert_eq!(prepared, [&begin, "prepare SELECT 1", "SELECT 1", "COMMIT"]);
    assert_eq!(turns.of(select(true)).await.1, [&begin, "SELECT 1", "COMMIT"]);
    assert_eq!(turns.of(select(false)).await.1, [&begin, "SELECT 1", "ROLLBACK"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_take_two_round_trips() {
    let world = world().await;
    let (mut folder, mut path) = ("root".to_owned(), String::new());
    for depth in 0..20 {
        let name = format!("level {depth}");
        folder = world.mkdir(&folder, &name).await.unwrap().id;
        path = format!("{path}/{name}");
    }
    let file = world.put(&folder, "file", b"content").await.unwrap();
    let ctx = world.ctx();

    let lookup = || {
        let message = v1::LookupRequest {
            path: format!("{path}/file"),
            below: None,
        };
        world.files.lookup(request(&ctx, message))
    };
    let found = within!(READS, "a look-up at depth 21", world, lookup(), lookup());
    assert_eq!(found.id, file.id);

    for sort in [NodeSort::Name, NodeSort::UpdatedAt, NodeSort::Size] {
        for descending in [false, true] {
            let list = || {
                let message = v1::ListChildrenRequest {
                    id: folder.clone(),
                    sort: sort.into(),
                    descending,
                    ..v1::ListChildrenRequest::default()
                };
                world.files.list_children(request(&ctx, message))
            };
            let page = within!(READS, "a listing", world, list(), list());
            assert_eq!(page.items.len(), 1);
        }
    }

    let get = |ctx| {
        let message = v1::GetNodeRequest { id: file.id.clone() };
        world.files.get_node(request(ctx, message))
    };
    within!(READS, "a node at depth 21", world, get(&ctx), get(&ctx));
    // Whom a role far above lets in pays no more.
    let other = AccountId::new();
    let top = world.list("root").await.unwrap().remove(0);
    world.grant(&top.id, other, "viewer").await;
    let other = world.as_account(other);
    let found = within!(
        READS,
        "a node seen by a grant at depth 1",
        world,
        get(&other),
        get(&other)
    );
    assert_eq!(found.id, file.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_take_four_round_trips() {
    let world = world().await;
    let tree = world.mkdir("root", "tree").await.unwrap();
    let below = world.mkdir(&tree.id, "below").await.unwrap();
    for name in ["a", "b", "c"] {
        world.put(&below.id, name, b"content").await.unwrap();
    }
    let place = world.mkdir("root", "place").await.unwrap();
    let ctx = world.ctx();

    let rename = |name: &str| {
        let message = v1::UpdateNodeRequest {
            id: tree.id.clone(),
            name: Some(name.to_owned()),
            ..v1::UpdateNodeRequest::default()
        };
        world.files.update_node(request(&ctx, message))
    };
    within!(WRITES, "a rename", world, rename("once"), rename("twice"));

    let moving = |parent: &str| {
        let message = v1::UpdateNodeRequest {
            id: tree.id.clone(),
            parent_id: Some(parent.to_owned()),
            ..v1::UpdateNodeRequest::default()
        };
        world.files.update_node(request(&ctx, message))
    };
    let elsewhere = world.mkdir("root", "elsewhere").await.unwrap();
    within!(
        WRITES,
        "a move of a tree",
        world,
        moving(&place.id),
        moving(&elsewhere.id)
    );

    let copying = |name: &str| {
        let message = v1::CopyNodeRequest {
            id: tree.id.clone(),
            parent_id: place.id.clone(),
            name: Some(name.to_owned()),
            idempotency_key: None,
        };
        world.files.copy_node(request(&ctx, message))
    };
    within!(WRITES, "a copy of a tree", world, copying("one"), copying("two"));
    world.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_do_writes_take_more_with_a_key_below_a_limit_or_into_the_home() {
    let world = world().await;
    let ctx = world.ctx();
    let below = limited(&world, "root", "below", 1 << 20).await;
    let tree = world.mkdir(&below, "tree").await.unwrap();
    world.put(&tree.id, "file", b"content").await.unwrap();

    let moving = |parent: &str, key: &str| {
        let message = v1::UpdateNodeRequest {
            id: tree.id.clone(),
            name: Some(key.to_owned()),
            parent_id: Some(parent.to_owned()),
            idempotency_key: Some(key.to_owned()),
            ..v1::UpdateNodeRequest::default()
        };
        world.files.update_node(request(&ctx, message))
    };
    let copying = |parent: &str, key: &str| {
        let message = v1::CopyNodeRequest {
            id: tree.id.clone(),
            parent_id: parent.to_owned(),
            name: Some(format!("copy {key}")),
            idempotency_key: Some(key.to_owned()),
        };
        world.files.copy_node(request(&ctx, message))
    };
    let first = within!(
        WRITES,
        "a rename",
        world,
        moving(&below, "a"),
        moving(&below, "b")
    );
    let again = within!(
        WRITES,
        "the same again",
        world,
        moving(&below, "b"),
        moving(&below, "b")
    );
    assert_eq!(first, again);
    within!(
        WRITES,
        "a copy",
        world,
        copying(&below, "c"),
        copying(&below, "d")
    );
    within!(
        WRITES,
        "a copy into the home",
        world,
        copying("root", "e"),
        copying("root", "f")
    );
    world.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_take_four_to_start_and_five_to_commit() {
    let world = world().await;
    let ctx = world.ctx();
    let folder = world.mkdir("root", "folder").await.unwrap();
    let changing = world.put(&folder.id, "changing", b"before").await.unwrap();

    // A batch takes as many as one, whatever is in it.
    let start = |name: &str| {
        let mut unnamed = version(&changing.id, None, b"after");
        unnamed.content_type = None;
        let message = v1::StartUploadsRequest {
            items: vec![file(&folder.id, name, b"content"), unnamed],
            idempotency_key: None,
        };
        world.files.start_uploads(request(&ctx, message))
    };
    world.start(&ctx, vec![version(&changing.id, None, b"x")]).await;
    let earlier = start("earlier").await.unwrap().into_inner();
    let (started, turns) = world.database.turns().of(start("later")).await;
    assert_eq!(turns.len(), WRITES, "to start: {turns:#?}");
    let uploads = async |answer: v1::StartUploadsResponse| {
        let mut ids = Vec::new();
        for (item, content) in answer.items.into_iter().zip([&b"content"[..], b"after"]) {
            let Some(v1::start_upload_result::Result::Upload(upload)) = item.result else {
                panic!("an upload was refused: {item:?}");
            };
            send(upload.parts[0].request.as_ref().unwrap(), content).await;
            ids.push(committing(&upload.id));
        }
        ids
    };
    let earlier = uploads(earlier).await;
    let later = uploads(started.unwrap().into_inner()).await;

    let commit = |items: &[v1::CommitUpload]| {
        let message = v1::CommitUploadsRequest {
            items: items.to_vec(),
        };
        world.files.commit_uploads(request(&ctx, message))
    };
    commit(&earlier).await.unwrap();
    let (answer, turns) = world.database.turns().of(commit(&later)).await;
    // One of them looks before the store is asked.
    assert_eq!(turns.len(), 1 + WRITES, "to commit: {turns:#?}");
    for item in answer.unwrap().into_inner().items {
        let Some(v1::commit_result::Result::Node(node)) = item.result else {
            panic!("a commit was refused: {item:?}");
        };
        assert_eq!(world.get(&ctx, &node.id).await.unwrap(), node);
    }
    world.clean().await;
}
