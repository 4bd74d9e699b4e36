//! Limits: who sets them, and what uploads reserve and settle.

use crate::support::{World, committing, config, file, request, send, version};
use bitvault_platform::ids::{AccountId, NodeId, SessionId};
use bitvault_platform::{Code, Ctx, Error, LinkAccess, Role};
use bitvault_proto::v1;
use bitvault_proto::v1::files_service_server::FilesService as _;
use bitvault_proto::v1::quota_service_server::QuotaService as _;
use futures::future::join_all;
use sqlx::Connection as _;
use std::time::Duration;

pub(crate) async fn limit(world: &World, ctx: &Ctx, node: &str, max: u64) -> Result<v1::Quota, Error> {
    let message = v1::SetQuotaRequest {
        node_id: node.to_owned(),
        max_bytes: max,
    };
    Ok(world.files.set_quota(request(ctx, message)).await?.into_inner())
}

pub(crate) async fn unlimit(world: &World, ctx: &Ctx, node: &str) -> Result<(), Error> {
    let message = v1::DeleteQuotaRequest {
        node_id: node.to_owned(),
    };
    world.files.delete_quota(request(ctx, message)).await?;
    Ok(())
}

pub(crate) async fn quota(world: &World, ctx: &Ctx, node: &str) -> Result<v1::Quota, Error> {
    let message = v1::GetQuotaRequest {
        node_id: node.to_owned(),
    };
    Ok(world.files.get_quota(request(ctx, message)).await?.into_inner())
}

/// Bytes that are used and reserved below a folder of the usual caller.
pub(crate) async fn level(world: &World, node: &str) -> (u64, u64) {
    let quota = quota(world, &world.ctx(), node).await.unwrap();
    (quota.used_bytes.unwrap(), quota.reserved_bytes)
}

pub(crate) fn admin(world: &World) -> Ctx {
    Ctx::account(world.tenant, AccountId::new(), SessionId::new(), Role::Admin)
}

pub(crate) fn reason<T>(answer: Result<T, Error>) -> String {
    answer.map_or_else(|error| error.reason().to_owned(), |_| "none".to_owned())
}

/// A folder that may hold so many bytes.
pub(crate) async fn limited(world: &World, parent: &str, name: &str, max: u64) -> String {
    let folder = world.mkdir(parent, name).await.unwrap().id;
    limit(world, &world.ctx(), &folder, max).await.unwrap();
    folder
}

async fn start(world: &World, folder: &str, name: &str, size: usize) -> Result<v1::Upload, Error> {
    let item = file(folder, name, &vec![7; size]);
    world.start(&world.ctx(), vec![item]).await.remove(0)
}

async fn abort(world: &World, upload: &str) {
    let message = v1::AbortUploadRequest {
        id: upload.to_owned(),
    };
    world
        .files
        .abort_upload(request(&world.ctx(), message))
        .await
        .unwrap();
}

/// Lets the time of every upload go by.
async fn expire(world: &World) {
    world
        .clock
        .advance(config().upload_lifetime + Duration::from_secs(1));
    world.files.collect_once().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_reserves_at_its_start_and_settles_at_its_end() {
    let world = World::new().await;
    let folder = limited(&world, "root", "folder", 10).await;
    let sent = world.sent(&folder, "a", b"123456").await;
    assert_eq!(level(&world, &folder).await, (0, 6));
    let refused = start(&world, &folder, "b", 5).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.reason()),
        (Code::Exhausted, "quota_exceeded")
    );
    for told in [&folder, "may hold 10 bytes", "0 are used", "6 reserved"] {
        assert!(refused.message().contains(told), "{refused}");
    }
    let node = world.commit_one(&sent).await.unwrap();
    assert_eq!(level(&world, &folder).await, (6, 0));

    let given_up = start(&world, &folder, "b", 4).await.unwrap();
    assert_eq!(level(&world, &folder).await, (6, 4));
    assert_eq!(
        reason(
            world
                .start(&world.ctx(), vec![version(&node.id, None, b"1")])
                .await
                .remove(0)
        ),
        "quota_exceeded"
    );
    start(&world, &folder, "nothing adds nothing", 0).await.unwrap();
    abort(&world, &given_up.id).await;
    assert_eq!(level(&world, &folder).await, (6, 0));
    start(&world, &folder, "b", 4).await.unwrap();
    expire(&world).await;
    assert_eq!(level(&world, &folder).await, (6, 0));
    world.put_version(&node.id, b"1234").await;
    assert_eq!(level(&world, &folder).await, (10, 0), "old versions count");
    world.clean().await;
}

/// Each call with a key has a transaction of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_who_start_at_once_never_get_more_than_there_is() {
    let world = World::new().await;
    let outer = limited(&world, "root", "outer", 10).await;
    let inner = limited(&world, &outer, "inner", 1000).await;
    let (ctx, folders) = (world.ctx(), [&outer, &inner]);
    let starts = (0..32).map(|n| {
        let item = file(folders[n % 2], &format!("{n}"), b"123");
        let (world, ctx, key) = (&world, &ctx, format!("{n}"));
        async move {
            world
                .start_keyed(ctx, vec![item], Some(&key))
                .await
                .unwrap()
                .remove(0)
        }
    });
    let started = join_all(starts).await;
    assert_eq!(started.iter().filter(|one| one.is_ok()).count(), 3);
    assert!(
        started
            .into_iter()
            .all(|one| one.is_ok() || reason(one) == "quota_exceeded")
    );
    assert_eq!(level(&world, &outer).await, (0, 9));
    // The items of one call as well.
    let items = (0..5)
        .map(|n| file(&inner, &format!("in one {n}"), b"1"))
        .collect();
    let started = world.start(&ctx, items).await;
    assert_eq!(started.iter().filter(|one| one.is_ok()).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_without_a_reservation_must_fit_and_one_with_it_always_does() {
    let world = World::new().await;
    let folder = limited(&world, "root", "folder", 10).await;
    let late = world.sent(&folder, "late", b"123456").await;
    expire(&world).await;
    let other = world.put(&folder, "other", b"12345").await.unwrap();
    assert_eq!(reason(world.commit_one(&late).await), "quota_exceeded");
    world.delete(&other.id, false).await.unwrap();
    assert_eq!(
        reason(world.commit_one(&late).await),
        "quota_exceeded",
        "the trash counts"
    );
    world.delete(&other.id, true).await.unwrap();
    world.commit_one(&late).await.unwrap();
    assert_eq!(level(&world, &folder).await, (6, 0));

    let reserved = world.sent(&folder, "reserved", b"1234").await;
    limit(&world, &world.ctx(), &folder, 1).await.unwrap();
    world.commit_one(&reserved).await.unwrap();
    assert_eq!(level(&world, &folder).await, (10, 0));
    // Started before there was a limit, or where there was none.
    let moved = world.mkdir("root", "moved").await.unwrap().id;
    let before = world.sent(&moved, "before", b"12").await;
    go(&world, &moved, &folder).await.unwrap();
    assert_eq!(reason(world.commit_one(&before).await), "quota_exceeded");
    limit(&world, &world.ctx(), &folder, 12).await.unwrap();
    let both = world
        .commit(&world.ctx(), vec![committing(&before), committing(&before)])
        .await;
    assert!(both.iter().all(Result::is_ok), "{both:?}");
    assert_eq!(level(&world, &folder).await, (12, 0));
    world.clean().await;
}

async fn go(world: &World, node: &str, parent: &str) -> Result<(), Error> {
    let message = v1::UpdateNodeRequest {
        id: node.to_owned(),
        parent_id: Some(parent.to_owned()),
        ..v1::UpdateNodeRequest::default()
    };
    world.files.update_node(request(&world.ctx(), message)).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_its_limit_can_be_worked_with_and_made_smaller() {
    let world = World::new().await;
    let folder = world.mkdir("root", "folder").await.unwrap().id;
    let inner = world.mkdir(&folder, "inner").await.unwrap().id;
    let node = world.put(&folder, "a", b"12345").await.unwrap();
    let set = limit(&world, &world.ctx(), &folder, 2).await.unwrap();
    assert_eq!((set.max_bytes, set.used_bytes), (2, Some(5)));
    let renamed = v1::UpdateNodeRequest {
        id: node.id.clone(),
        name: Some("b".to_owned()),
        ..v1::UpdateNodeRequest::default()
    };
    world
        .files
        .update_node(request(&world.ctx(), renamed))
        .await
        .unwrap();
    go(&world, &node.id, &inner).await.unwrap();
    assert_eq!(reason(start(&world, &inner, "c", 1).await), "quota_exceeded");
    world.delete(&node.id, false).await.unwrap();
    let back = v1::RestoreNodeRequest {
        id: node.id.clone(),
        ..v1::RestoreNodeRequest::default()
    };
    world
        .files
        .restore_node(request(&world.ctx(), back))
        .await
        .unwrap();
    world.delete(&node.id, false).await.unwrap();
    assert_eq!(level(&world, &folder).await, (5, 0));
    world.delete(&node.id, true).await.unwrap();
    assert_eq!(level(&world, &folder).await, (0, 0));
    unlimit(&world, &world.ctx(), &folder).await.unwrap();
    unlimit(&world, &world.ctx(), &folder).await.unwrap();
    assert_eq!(
        reason(quota(&world, &world.ctx(), &folder).await),
        "quota_not_found"
    );
    start(&world, &inner, "c", 100).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_set_by_whom_they_are_for() {
    let world = World::new().await;
    let (me, admin, stranger) = (world.ctx(), admin(&world), world.stranger());
    let folder = world.mkdir("root", "folder").await.unwrap();
    let node = world.put(&folder.id, "a", b"123").await.unwrap();
    let home = folder.parent_id.clone().unwrap();
    let account = world.account.to_string();
    let [viewer, editor] = [(); 2].map(|()| AccountId::new());
    world.grant(&folder.id, viewer, "viewer").await;
    world.grant(&folder.id, editor, "editor").await;
    let (viewer, editor) = (world.as_account(viewer), world.as_account(editor));
    let root = NodeId(world.tenant.0).to_string();
    let nobody = AccountId::new().to_string();
    for (ctx, on, refused) in [
        (&me, home.as_str(), "admin_only"),
        (&me, "root", "admin_only"),
        (&me, node.id.as_str(), "not_a_folder"),
        (&me, root.as_str(), "node_not_found"),
        (&admin, root.as_str(), "node_not_found"),
        (&admin, folder.id.as_str(), "node_not_found"),
        (&admin, nobody.as_str(), "node_not_found"),
        (&viewer, folder.id.as_str(), "role_too_low"),
        (&editor, folder.id.as_str(), "role_too_low"),
        (&viewer, home.as_str(), "node_not_found"),
        (&stranger, folder.id.as_str(), "node_not_found"),
        (&stranger, account.as_str(), "node_not_found"),
    ] {
        assert_eq!(reason(limit(&world, ctx, on, 9).await), refused, "{on}");
        assert_eq!(reason(unlimit(&world, ctx, on).await), refused, "{on}");
    }
    assert_eq!(
        reason(limit(&world, &me, &folder.id, (1 << 60) + 1).await),
        "quota_invalid"
    );
    assert_eq!(
        reason(quota(&world, &viewer, &folder.id).await),
        "quota_not_found"
    );
    let of_home = limit(&world, &admin, &account, 100).await.unwrap();
    assert_eq!(
        (of_home.kind(), of_home.account_id.as_ref()),
        (v1::QuotaKind::Home, Some(&account))
    );
    assert_eq!(of_home.used_bytes, Some(3));
    let of_folder = limit(&world, &me, &folder.id, 9).await.unwrap();
    assert_eq!(of_folder.kind(), v1::QuotaKind::Folder);
    assert!(
        world
            .files
            .set_tenant_quota(world.tenant, Some(1000))
            .await
            .unwrap()
    );
    assert_eq!(quota(&world, &viewer, &folder.id).await.unwrap(), of_folder);
    assert_eq!(quota(&world, &me, "root").await.unwrap(), of_home);
    assert_eq!(
        reason(quota(&world, &stranger, &folder.id).await),
        "node_not_found"
    );

    let list = async |ctx: &Ctx, limit, cursor| {
        let message = v1::ListQuotasRequest { limit, cursor };
        let page = world.files.list_quotas(request(ctx, message)).await;
        page.map(tonic::Response::into_inner).map_err(Error::from)
    };
    assert_eq!(reason(list(&me, 0, None).await), "admin_only");
    assert_eq!(list(&stranger, 0, None).await.unwrap().items, []);
    let first = list(&admin, 2, None).await.unwrap();
    let rest = list(&admin, 2, first.next_cursor.clone()).await.unwrap();
    let all = [first.items, rest.items].concat();
    assert_eq!(all.len(), 3);
    assert!(all.contains(&of_home) && all.contains(&of_folder) && rest.next_cursor.is_none());
    let of_tenant = all
        .iter()
        .find(|one| one.kind() == v1::QuotaKind::Tenant)
        .unwrap();
    assert_eq!(
        (of_tenant.node_id.as_ref(), of_tenant.used_bytes),
        (None, Some(3))
    );
    let usage = async |ctx: &Ctx| {
        let usage = world
            .files
            .get_usage(request(ctx, v1::GetUsageRequest::default()))
            .await;
        usage.unwrap().into_inner().limits
    };
    assert_eq!(usage(&me).await, [of_home]);
    let owner = Ctx::account(world.tenant, world.account, SessionId::new(), Role::Owner);
    assert_eq!(usage(&owner).await.len(), 2);
    // Numbers of the tenant are for those who run it.
    assert!(world.files.set_tenant_quota(world.tenant, Some(4)).await.unwrap());
    let refused = start(&world, "root", "b", 2).await.unwrap_err();
    assert!(
        refused.message().contains("the tenant") && !refused.message().contains('4'),
        "{refused}"
    );
    let other = world
        .start(&world.stranger(), vec![file("root", "b", b"12345")])
        .await
        .remove(0);
    other.unwrap();
    assert!(world.files.set_tenant_quota(world.tenant, None).await.unwrap());
    start(&world, "root", "b", 2).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_who_drops_too_much_is_told_no_numbers() {
    let world = World::new().await;
    let folder = limited(&world, "root", "folder", 4).await;
    let node: NodeId = folder.parse().unwrap();
    let visitor = Ctx::link(world.tenant, world.account, node, LinkAccess::Drop);
    let upload = world
        .start(&visitor, vec![file(&folder, "a", b"123")])
        .await
        .remove(0)
        .unwrap();
    let refused = world
        .start(&visitor, vec![file(&folder, "b", b"12")])
        .await
        .remove(0)
        .unwrap_err();
    assert_eq!(refused.reason(), "quota_exceeded");
    let message = refused.message();
    assert!(
        !message.contains("nod_") && !message.chars().any(|c| c.is_ascii_digit()),
        "{message}"
    );
    send(upload.parts[0].request.as_ref().unwrap(), b"123").await;
    world
        .commit(&visitor, vec![committing(&upload.id)])
        .await
        .remove(0)
        .unwrap();
    assert_eq!(level(&world, &folder).await, (3, 0));
    let denied = quota(&world, &visitor, &folder).await;
    assert_eq!(denied.unwrap_err().code(), Code::Denied);
}

/// One within the other, so many and no more.
#[tokio::test(flavor = "multi_thread")]
async fn limits_nest_and_each_holds() {
    let world = World::new().await;
    let mut folder = "root".to_owned();
    for depth in 0..16 {
        folder = limited(&world, &folder, "in", 100 - depth).await;
    }
    let deepest = world.mkdir(&folder, "in").await.unwrap().id;
    let refused = limit(&world, &world.ctx(), &deepest, 1).await;
    assert_eq!(reason(refused), "too_many_quotas");
    assert_eq!(reason(start(&world, &deepest, "a", 86).await), "quota_exceeded");
    world.put(&deepest, "a", &[1; 85]).await.unwrap();
    assert_eq!(level(&world, &folder).await, (85, 0));
    world.clean().await;
    let mut admin = world.admin().await;
    let wrong = sqlx::query("UPDATE files.quotas SET used_bytes = 4 WHERE max_bytes = 85");
    wrong.execute(&mut admin).await.unwrap();
    admin.close().await.unwrap();
    let check = world.files.fsck().await.unwrap();
    assert_eq!(
        check.quota_mismatches,
        [format!("{folder}: 4 bytes counted, 85 found")]
    );
}
