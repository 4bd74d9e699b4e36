//! Limits and what grows without an upload: moves, copies, restored versions. And counters that stay right whatever happens
//! at once.

use crate::crossing::{WAYS, Way, batch, go};
use crate::quotas::{admin, level, limit, limited, reason, unlimit};
use crate::support::{World, config, request};
use bitvault_platform::Error;
use bitvault_platform::ids::NodeId;
use bitvault_proto::v1;
use bitvault_proto::v1::files_service_server::FilesService as _;
use bitvault_proto::v1::update_node_result;
use futures::future::join_all;
use sqlx::Connection as _;

async fn copy(world: &World, id: &str, parent_id: &str) -> Result<v1::CopyNodeResponse, Error> {
    let message = v1::CopyNodeRequest {
        id: id.to_owned(),
        parent_id: parent_id.to_owned(),
        ..v1::CopyNodeRequest::default()
    };
    Ok(world
        .files
        .copy_node(request(&world.ctx(), message))
        .await?
        .into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moves_counts_where_it_is_and_goes_only_where_it_fits() {
    let world = World::new().await;
    let (_, home) = world.neighbour().await;
    let ctx = admin(&world);
    world.get(&world.ctx(), "root").await.unwrap();
    limit(&world, &ctx, &home, 6).await.unwrap();
    let mine = world.account.to_string();
    limit(&world, &ctx, &mine, 100).await.unwrap();
    assert!(
        world
            .files
            .set_tenant_quota(world.tenant, Some(13))
            .await
            .unwrap()
    );
    let wide = limited(&world, "root", "wide", 50).await;
    let narrow = limited(&world, "root", "narrow", 6).await;
    let within = limited(&world, &wide, "within", 40).await;
    let folder = world.mkdir("root", "folder").await.unwrap().id;
    let file = world.put(&folder, "a", b"12345").await.unwrap();
    world.put_version(&file.id, b"12").await;
    let other = world.put("root", "b", b"123").await.unwrap().id;
    let used = async || {
        let mut used = Vec::new();
        for node in [&wide, &within, &narrow] {
            used.push(level(&world, node).await.0);
        }
        used
    };
    for way in WAYS {
        go(&world, way, &folder, &within).await.unwrap();
        assert_eq!(used().await, [7, 7, 0], "{way:?}");
        world.clean().await;
        for full in [narrow.as_str(), home.as_str()] {
            assert_eq!(
                reason(go(&world, way, &folder, full).await),
                "quota_exceeded",
                "{way:?}"
            );
            assert_eq!(used().await, [7, 7, 0], "{way:?}");
            if way == Way::Restore {
                // It is in the trash still.
                let message = v1::RestoreNodeRequest {
                    id: folder.clone(),
                    ..v1::RestoreNodeRequest::default()
                };
                world
                    .files
                    .restore_node(request(&world.ctx(), message))
                    .await
                    .unwrap();
            }
        }
        go(&world, way, &folder, &wide).await.unwrap();
        go(&world, way, &other, &narrow).await.unwrap();
        assert_eq!(used().await, [7, 0, 3], "{way:?}");
        // A folder takes its own limit along.
        go(&world, way, &within, &folder).await.unwrap();
        go(&world, way, &other, &within).await.unwrap();
        assert_eq!(used().await, [10, 3, 0], "{way:?}");
        world.clean().await;
        go(&world, way, &within, &wide).await.unwrap();
        go(&world, way, &other, "root").await.unwrap();
        go(&world, way, &folder, "root").await.unwrap();
        assert_eq!(used().await, [0, 0, 0], "{way:?}");
        world.clean().await;
    }
}

/// Of a batch, what would go where there is no room stays where it is, and the rest is done.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_batch_only_what_does_not_fit_is_refused() {
    let world = World::new().await;
    let narrow = limited(&world, "root", "narrow", 6).await;
    let free = world.mkdir("root", "free").await.unwrap().id;
    let mut files = Vec::new();
    for name in ["a", "b", "c"] {
        files.push(world.put("root", name, b"1234").await.unwrap().id);
    }
    let items = [(&files[0], &narrow), (&files[1], &free), (&files[2], &narrow)];
    let items = items.map(|(id, parent)| v1::NodeMove {
        id: id.clone(),
        parent_id: Some(parent.clone()),
        ..v1::NodeMove::default()
    });
    let message = v1::UpdateNodesRequest {
        items: items.to_vec(),
        idempotency_key: Some("once".to_owned()),
    };
    for _ in 0..2 {
        let answer = world
            .files
            .update_nodes(request(&world.ctx(), message.clone()))
            .await;
        let results = answer.unwrap().into_inner().items.into_iter();
        let told: Vec<String> = results
            .map(|item| match item.result.unwrap() {
                update_node_result::Result::Node(_) => "none".to_owned(),
                update_node_result::Result::Error(status) => Error::from(status).reason().to_owned(),
            })
            .collect();
        assert_eq!(told, ["quota_exceeded", "none", "quota_exceeded"]);
    }
    assert_eq!(level(&world, &narrow).await, (0, 0));
    batch(&world, &[(&files[0], &narrow)]).await.unwrap();
    // One comes as another one goes.
    batch(&world, &[(&files[0], "root"), (&files[2], &narrow)])
        .await
        .unwrap();
    assert_eq!(level(&world, &narrow).await, (4, 0));
    world.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_move_into_and_out_of_each_other_count_once_for_each_limit() {
    let world = World::new().await;
    let (_, home) = world.neighbour().await;
    limit(&world, &admin(&world), &home, 1000).await.unwrap();
    assert!(
        world
            .files
            .set_tenant_quota(world.tenant, Some(1000))
            .await
            .unwrap()
    );
    let (a, b) = (
        limited(&world, "root", "a", 100).await,
        limited(&world, "root", "b", 100).await,
    );
    let inner = limited(&world, &a, "inner", 100).await;
    world.put(&inner, "e", b"1").await.unwrap();
    world.put(&a, "f", b"12345").await.unwrap();
    world.put(&b, "g", b"123").await.unwrap();
    let (a, b, inner, home) = (a.as_str(), b.as_str(), inner.as_str(), home.as_str());
    for (moves, used) in [
        (vec![(a, b), (b, home)], (6, 9, 1)),
        (vec![(inner, "root"), (b, inner), (a, "root")], (5, 3, 4)),
        (vec![(a, b), (inner, home)], (5, 8, 9)),
        (vec![(b, "root"), (inner, a)], (6, 9, 1)),
        (vec![(inner, home), (inner, "root")], (5, 8, 1)),
        (vec![(a, inner), (inner, home), (b, a)], (8, 3, 9)),
        (vec![(b, "root"), (inner, b), (a, "root")], (5, 4, 1)),
    ] {
        batch(&world, &moves).await.unwrap();
        let now = (
            level(&world, a).await.0,
            level(&world, b).await.0,
            level(&world, inner).await.0,
        );
        world.clean().await;
        assert_eq!(now, used, "{moves:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_and_restored_versions_must_fit() {
    let mut small = config();
    small.copy.nodes_per_transaction = 2;
    let world = World::with(small).await;
    let source = world.mkdir("root", "source").await.unwrap().id;
    let file = world.put(&source, "a", b"12345").await.unwrap();
    let narrow = limited(&world, "root", "narrow", 9).await;
    copy(&world, &file.id, &narrow).await.unwrap();
    assert_eq!(reason(copy(&world, &file.id, &narrow).await), "quota_exceeded");
    assert_eq!(level(&world, &narrow).await, (5, 0));
    assert_eq!(world.list(&narrow).await.unwrap().len(), 1);

    // As a job: there is room below the root, and none in its place.
    world.mkdir(&source, "b").await.unwrap();
    world.mkdir(&source, "c").await.unwrap();
    let job = async |parent: &str| {
        let begun = copy(&world, &source, parent).await.unwrap().result.unwrap();
        let v1::copy_node_response::Result::Job(job) = begun else {
            panic!("{begun:?}")
        };
        world.files.copy_once().await.unwrap();
        let message = v1::GetCopyRequest { id: job.id };
        world
            .files
            .get_copy(request(&world.ctx(), message))
            .await
            .unwrap()
            .into_inner()
    };
    assert_eq!(job(&narrow).await.reason.as_deref(), Some("quota_exceeded"));
    world.clean().await;
    let tenant = async |max| {
        world
            .files
            .set_tenant_quota(world.tenant, Some(max))
            .await
            .unwrap()
    };
    assert!(tenant(14).await);
    assert_eq!(
        job("root").await.reason.as_deref(),
        Some("quota_exceeded"),
        "nor in the tenant"
    );
    assert!(tenant(15).await);
    assert_eq!(job("root").await.state(), v1::CopyState::Done);
    assert_eq!(level(&world, &narrow).await, (5, 0));
    assert!(tenant(100).await);
    world.clean().await;

    let kept = world.list(&narrow).await.unwrap().remove(0);
    world.put_version(&kept.id, b"1234").await;
    let restore = v1::RestoreVersionRequest {
        node_id: kept.id.clone(),
        version_id: kept.version.unwrap().id,
        ..v1::RestoreVersionRequest::default()
    };
    let refused = world
        .files
        .restore_version(request(&world.ctx(), restore.clone()))
        .await;
    assert_eq!(reason(refused.map_err(Error::from)), "quota_exceeded");
    assert_eq!(world.read(&kept.id).await, b"1234");
    limit(&world, &world.ctx(), &narrow, 14).await.unwrap();
    world
        .files
        .restore_version(request(&world.ctx(), restore))
        .await
        .unwrap();
    assert_eq!(level(&world, &narrow).await, (14, 0));
    world.clean().await;
}

/// Who wrote before the limit was known has not counted for it: counting waits for that.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_being_written_when_a_limit_was_set_is_counted() {
    let world = World::new().await;
    let folder = world.mkdir("root", "folder").await.unwrap().id;
    let node = world.put(&folder, "a", b"12345").await.unwrap();
    let node: NodeId = node.id.parse().unwrap();
    let mut admin = world.admin().await;
    let mut writing = admin.begin().await.unwrap();
    let twice = "INSERT INTO files.versions (tenant_id, id, node_id, blob_id, content_type, created_at)
                 SELECT tenant_id, gen_random_uuid(), node_id, blob_id, content_type, created_at
                 FROM files.versions WHERE node_id = $1";
    sqlx::query(twice)
        .bind(node.0)
        .execute(&mut *writing)
        .await
        .unwrap();
    let ctx = world.ctx();
    let setting = limit(&world, &ctx, &folder, 100);
    tokio::pin!(setting);
    // It is known, and time enough went by to count it.
    let known = async {
        let set = "SELECT count(*) FROM files.quotas";
        while world.count(set).await == 0 {}
        for _ in 0..50 {
            world.count(set).await;
        }
    };
    tokio::select! {
        set = &mut setting => panic!("it did not wait: {set:?}"),
        () = known => {}
    }
    assert_eq!(
        world
            .count("SELECT count(*) FROM files.quotas WHERE counted")
            .await,
        0
    );
    writing.commit().await.unwrap();
    assert_eq!(setting.await.unwrap().used_bytes, Some(10));
    world.clean().await;
    admin.close().await.unwrap();
}

/// Trees move to and fro between limits while files come and go below them, and limits are set and taken away.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn counters_stay_right_while_everything_happens_at_once() {
    let world = World::new().await;
    let me = world.ctx();
    let [left, right, source] = ["left", "right", "source"].map(|name| world.mkdir("root", name));
    let (left, right) = (left.await.unwrap().id, right.await.unwrap().id);
    let source = source.await.unwrap().id;
    let file = world.put(&source, "f", b"12345").await.unwrap().id;
    for way in WAYS {
        let folder = world.mkdir(&left, &format!("{way:?}")).await.unwrap().id;
        let inner = world.mkdir(&folder, "inner").await.unwrap().id;
        let mover = async {
            for round in 0..16 {
                let to = if round % 2 == 0 { &right } else { &left };
                if let Err(error) = go(&world, way, &folder, to).await {
                    assert_eq!(error.reason(), "busy", "{error}");
                }
            }
        };
        let setter = async {
            for round in 0..12 {
                let on = [&left, &right, &inner][round % 3];
                // It may be in the trash.
                for done in [
                    limit(&world, &me, on, 1 << 30).await.err(),
                    if round % 4 == 3 {
                        unlimit(&world, &me, on).await.err()
                    } else {
                        None
                    },
                ] {
                    assert!(done.is_none_or(|error| error.reason() == "node_not_found"));
                }
            }
            world
                .files
                .set_tenant_quota(world.tenant, Some(1 << 30))
                .await
                .unwrap();
        };
        let writer = |number: usize| {
            let (world, inner, file) = (&world, &inner, &file);
            async move {
                for round in 0..10 {
                    let made = match copy(world, file, inner).await {
                        Ok(made) => made,
                        Err(error) => {
                            assert!(["parent_not_found", "busy"].contains(&error.reason()), "{error}");
                            continue;
                        }
                    };
                    let Some(v1::copy_node_response::Result::Node(node)) = made.result else {
                        panic!("a job")
                    };
                    if (number + round).is_multiple_of(2) {
                        let _ = world.delete(&node.id, false).await;
                        let _ = world.delete(&node.id, true).await;
                    }
                }
            }
        };
        tokio::join!(mover, setter, join_all((0..4).map(writer)));
        world.files.count_quotas_once().await.unwrap();
        assert_eq!(
            world
                .count("SELECT count(*) FROM files.quotas WHERE NOT counted")
                .await,
            0
        );
        world.clean().await;
    }
    assert!(
        world
            .count("SELECT used_bytes FROM files.quotas WHERE tenant_id = node_id")
            .await
            > 0
    );
}
