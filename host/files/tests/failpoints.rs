//! Every step of the protocol fails once. Failpoints belong to the whole process, so this is a binary of its own.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, as tests do"
)]

#[allow(dead_code, reason = "shared with the other binary, which uses more of it")]
mod support;

use bitvault_files::failpoints;
use bitvault_platform::{Code, Error};
use bitvault_proto::v1;
use bitvault_proto::v1::files_service_server::FilesService as _;
use bitvault_proto::v1::quota_service_server::QuotaService as _;
use fail::FailScenario;
use std::future::Future;
use std::time::Duration;
use support::tenants::{bucket_holds, erase, holding};
use support::{World, committing, config, file, send};

/// Tries again what failed on our side, as a client does.
async fn retried<T, F, Fut>(mut call: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, Error>>,
{
    for _ in 0..3 {
        match call().await {
            Ok(answer) => return answer,
            Err(error) => assert_eq!(error.code(), Code::Internal, "{error}"),
        }
    }
    panic!("it failed three times");
}

/// Uploads as a client does that repeats every call.
async fn put(world: &World, name: &str, content: &[u8]) -> v1::Node {
    let upload = retried(|| async {
        let started = world
            .start_keyed(&world.ctx(), vec![file("root", name, content)], Some(name))
            .await;
        started?.remove(0)
    });
    let upload = upload.await;
    let mut commit = committing(&upload.id);
    for part in &upload.parts {
        let range = part.offset as usize..(part.offset + part.size) as usize;
        let etag = send(part.request.as_ref().unwrap(), &content[range]).await;
        if upload.multipart {
            commit.parts.push(v1::CommitPart {
                number: part.number,
                etag,
            });
        }
    }
    retried(|| async {
        world
            .try_commit(&world.ctx(), vec![commit.clone()])
            .await?
            .remove(0)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_may_fail_and_the_retry_ends_well() {
    let _alone = FailScenario::setup();
    let world = World::new().await;
    let large: Vec<u8> = (0..(5 << 20) + 77).map(|n| (n % 253) as u8).collect();
    let mut committed = 0;
    for name in failpoints::ALL {
        // Something for the collector to do.
        world.sent("root", &format!("given up {name}"), b"x").await;
        fail::cfg(name, "1*return").unwrap();
        for (kind, content) in [("single", b"small".as_slice()), ("multipart", large.as_slice())] {
            let node = put(&world, &format!("{kind} {name}"), content).await;
            committed += 1;
            assert_eq!(world.read(&node.id).await, content, "{name}");
        }
        retried(|| world.files.relay_once()).await;
        world
            .clock
            .advance(config().upload_lifetime + Duration::from_secs(1));
        retried(|| world.files.collect_once()).await;
        world
            .clock
            .advance(config().collector.grace + Duration::from_secs(120));
        retried(|| world.files.collect_once()).await;
        fail::remove(name);
        world.files.collect_once().await.unwrap();
        let check = world.files.fsck().await.unwrap();
        assert!(check.is_clean(), "{name}: {check:?}");
        assert_eq!(check.objects_in_store, committed, "{name}");
    }
    world.clock.advance(Duration::from_secs(3600));
    world.files.relay_once().await.unwrap();
    assert_eq!(world.count("SELECT count(*) FROM files.outbox").await, 0);
    assert_eq!(
        world.count("SELECT count(*) FROM files.journal").await,
        i64::try_from(committed).unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_finds_nothing_passes_no_failpoint() {
    let _alone = FailScenario::setup();
    let world = World::new().await;
    world.sent("root", "young", b"x").await;
    for name in [
        failpoints::COLLECT_AFTER_MARK,
        failpoints::COLLECT_AFTER_DELETE,
        failpoints::COLLECT_AFTER_DONE,
    ] {
        fail::cfg(name, "return").unwrap();
        let report = world.files.collect_once().await.unwrap();
        assert_eq!(report, bitvault_files::CollectReport::default(), "{name}");
    }
}

/// What a large tree loses before a step fails is gone, the rest is in the trash and can be removed or restored.
#[tokio::test(flavor = "multi_thread")]
async fn removing_a_large_tree_goes_on_where_it_failed() {
    let world = World::new().await;
    let folder = world.mkdir("root", "large").await.unwrap();
    let mut admin = world.admin().await;
    let id: uuid::Uuid = folder.id[4..].parse().unwrap();
    let sql =
        "INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, created_at, updated_at)
               SELECT $1, gen_random_uuid(), $2, 'folder', 'n' || n, 'n' || n, now(), now()
               FROM generate_series(1, 5000) AS n";
    let made = sqlx::query(sql).bind(world.tenant.0).bind(id);
    made.execute(&mut admin).await.unwrap();
    world.delete(&folder.id, false).await.unwrap();
    let nodes = "SELECT count(*) FROM files.nodes";
    let mut before = world.count(nodes).await;
    for _ in 0..2 {
        fail::cfg(failpoints::REMOVE_AFTER_STEP, "1*return").unwrap();
        let error = world.delete(&folder.id, true).await.unwrap_err();
        assert_eq!(error.code(), Code::Internal, "{error}");
        let left = world.count(nodes).await;
        assert!(left < before && left > 3000, "{left} of {before}");
        before = left;
    }
    let message = v1::RestoreNodeRequest {
        id: folder.id.clone(),
        ..v1::RestoreNodeRequest::default()
    };
    let ctx = world.ctx();
    world
        .files
        .restore_node(support::request(&ctx, message))
        .await
        .unwrap();
    assert_eq!(
        world.list(&folder.id).await.unwrap().len(),
        200,
        "the first page of the rest"
    );
    world.delete(&folder.id, false).await.unwrap();
    world.delete(&folder.id, true).await.unwrap();
    assert_eq!(world.count(nodes).await, 2, "the root and the home");
}

/// A copy that is built and not in its place when the job dies is put there by the next one, once.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_copy_goes_on_where_it_failed() {
    let _alone = FailScenario::setup();
    let mut config = config();
    config.copy.nodes_per_transaction = 1;
    let world = World::with(config).await;
    let folder = world.mkdir("root", "folder").await.unwrap();
    world.put(&folder.id, "a", b"a").await.unwrap();
    let message = v1::CopyNodeRequest {
        id: folder.id,
        parent_id: "root".to_owned(),
        ..v1::CopyNodeRequest::default()
    };
    let ctx = world.ctx();
    world
        .files
        .copy_node(support::request(&ctx, message))
        .await
        .unwrap();
    fail::cfg(failpoints::COPY_AFTER_BUILD, "1*return").unwrap();
    let error = world.files.copy_once().await.unwrap_err();
    assert_eq!(error.code(), Code::Internal, "{error}");
    assert_eq!(world.list("root").await.unwrap().len(), 1, "nobody sees it");
    assert_eq!(world.files.copy_once().await.unwrap(), 0, "its lease runs");
    world.clock.advance(Duration::from_secs(601));
    assert_eq!(world.files.copy_once().await.unwrap(), 1);
    let names: Vec<String> = world
        .list("root")
        .await
        .unwrap()
        .into_iter()
        .map(|node| node.name)
        .collect();
    assert_eq!(names, ["folder", "folder (copy)"]);
    world.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_dies_after_any_step_is_brought_to_its_end() {
    let _alone = FailScenario::setup();
    let world = World::new().await;
    world.fill().await;
    let tenant = world.tenant;
    let mut died = 0;
    let mut collected = false;
    for steps in 0.. {
        fail::cfg(
            failpoints::ERASE_AFTER_BATCH,
            &format!("{steps}*off->1*return->off"),
        )
        .unwrap();
        match erase(&world.files, tenant).await {
            Err(error) => {
                assert_eq!(error.code(), Code::Internal, "{error}");
                died += 1;
            }
            Ok(true) => break,
            Ok(false) => {
                assert!(!collected, "nothing waits for the collector any more");
                collected = true;
                world
                    .clock
                    .advance(config().collector.grace + Duration::from_secs(1));
                world.files.collect_once().await.unwrap();
            }
        }
    }
    fail::remove(failpoints::ERASE_AFTER_BATCH);
    assert!(died > 10, "it died {died} times only");
    assert_eq!(holding(&world, tenant).await, []);
    assert!(!bucket_holds(&world, tenant));
}

/// The limit holds once the job has counted what a death in between left.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_whose_setting_died_is_counted_by_the_job() {
    let _alone = FailScenario::setup();
    let world = World::new().await;
    let folder = world.mkdir("root", "folder").await.unwrap().id;
    world.put(&folder, "a", b"12345").await.unwrap();
    fail::cfg(failpoints::QUOTA_AFTER_SET, "1*return").unwrap();
    let message = v1::SetQuotaRequest {
        node_id: folder.clone(),
        max_bytes: 6,
    };
    let died = world
        .files
        .set_quota(support::request(&world.ctx(), message))
        .await;
    assert_eq!(Error::from(died.unwrap_err()).code(), Code::Internal);
    world.put(&folder, "b", b"12").await.unwrap();
    let get = || async {
        let message = v1::GetQuotaRequest {
            node_id: folder.clone(),
        };
        let quota = world
            .files
            .get_quota(support::request(&world.ctx(), message))
            .await;
        quota.unwrap().into_inner().used_bytes
    };
    assert_eq!(get().await, None, "it does not hold yet");
    world.clean().await;
    assert_eq!(world.files.count_quotas_once().await.unwrap(), 1);
    assert_eq!(world.files.count_quotas_once().await.unwrap(), 0);
    assert_eq!(get().await, Some(7));
    let refused = world
        .start(&world.ctx(), vec![file(&folder, "c", b"1")])
        .await
        .remove(0);
    assert_eq!(refused.unwrap_err().reason(), "quota_exceeded");
    world.clean().await;
}

/// Killed between the mark and its copy: that is no older state, and the next comparison makes up for the copy.
#[tokio::test(flavor = "multi_thread")]
async fn a_mark_whose_copy_was_not_written_is_no_alarm_and_gets_one() {
    let _alone = FailScenario::setup();
    let world = World::new().await;
    world.mkdir("root", "a").await.unwrap();
    world.files.compare_high_water().await.unwrap();
    world.files.relay_once().await.unwrap();
    fail::cfg(failpoints::HIGH_WATER_AFTER_COMMIT, "1*return").unwrap();
    let died = world.files.compare_high_water().await.unwrap_err();
    assert_eq!(died.code(), Code::Internal, "{died}");
    let mark = "SELECT mark FROM files.high_water";
    assert_eq!(world.count(mark).await, 2);
    assert!(!world.files.compare_high_water().await.unwrap().put_back);
    assert_eq!(world.count(mark).await, 3);
    assert!(!world.files.compare_high_water().await.unwrap().put_back);
    assert_eq!(world.count(mark).await, 3, "its copy is there");
    assert_eq!(world.count("SELECT max(epoch) FROM files.journal_heads").await, 1);
    world.clean().await;
}
