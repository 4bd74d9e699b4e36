//! How many SQL statements calls take, each of which is a round trip: two at most to read, four to write. What begins and
//! ends their transaction is not counted, as in `docs/benchmarks.md`.

use crate::support::{World, request};
use bitvault_platform::ids::AccountId;
use bitvault_proto::v1;
use bitvault_proto::v1::NodeSort;
use bitvault_proto::v1::files_service_server::FilesService as _;
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, OnceLock};
use tonic::Response;
use tracing::field::{Field, Visit};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

tokio::task_local! {
    /// What a call has asked the database so far.
    static ASKED: Arc<Mutex<Vec<String>>>;
}

/// What sqlx tells of each statement when it is done, to the call that it is part of.
struct Statements;

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut summary = Summary::default();
        event.record(&mut summary);
        let counts = !summary.0.contains("COMMIT");
        // Other tests' calls are not counted.
        let _ = ASKED.try_with(|asked| counts.then(|| asked.lock().unwrap().push(summary.0)));
    }
}

#[derive(Debug, Default)]
struct Summary(String);

impl Visit for Summary {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "summary" {
            write!(self.0, "{value:?}").unwrap();
        }
    }
}

/// Calls, and tells what it asked the database.
async fn counted<T, E: Debug>(call: impl Future<Output = Result<Response<T>, E>>) -> (T, Vec<String>) {
    // One for all tests: what is enabled is decided once for the process.
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let queries = filter_fn(|metadata| metadata.target() == "sqlx::query");
        let subscriber = tracing_subscriber::registry().with(Statements.with_filter(queries));
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let answer = ASKED.scope(asked.clone(), call).await.unwrap().into_inner();
    let told = asked.lock().unwrap().clone();
    (answer, told)
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
