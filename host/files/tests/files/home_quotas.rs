//! Limits of homes: what new ones begin with, and homes that are limited before anybody has looked into them.

use crate::quotas::{admin, limit, limited, quota, reason};
use crate::support::{World, file, request};
use bitvault_platform::ids::AccountId;
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1;
use bitvault_proto::v1::files_service_server::FilesService as _;
use bitvault_proto::v1::quota_service_server::QuotaService as _;

async fn begin_with(world: &World, ctx: &Ctx, max_bytes: u64) -> Result<u64, Error> {
    let message = v1::SetHomeQuotaRequest { max_bytes };
    let answer = world.files.set_home_quota(request(ctx, message)).await?;
    Ok(answer.into_inner().max_bytes)
}

async fn begins_with(world: &World, ctx: &Ctx) -> Result<u64, Error> {
    let message = v1::GetHomeQuotaRequest {};
    let answer = world.files.get_home_quota(request(ctx, message)).await?;
    Ok(answer.into_inner().max_bytes)
}

/// The limit of somebody's home, and what is used of it.
async fn home(world: &World, who: &Ctx) -> Option<(u64, u64)> {
    world.get(who, "root").await.unwrap();
    match quota(world, who, "root").await {
        Ok(quota) => Some((quota.max_bytes, quota.used_bytes.unwrap())),
        Err(error) => {
            assert_eq!(error.reason(), "quota_not_found");
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn homes_begin_with_the_limit_that_holds_when_they_are_made() {
    let world = World::new().await;
    let (runs, old) = (admin(&world), world.ctx());
    assert_eq!(home(&world, &old).await, None);
    assert_eq!(reason(begins_with(&world, &runs).await), "quota_not_found");
    assert_eq!(reason(begin_with(&world, &old, 9).await), "admin_only");
    assert_eq!(reason(begins_with(&world, &old).await), "admin_only");
    assert_eq!(reason(begin_with(&world, &runs, u64::MAX).await), "quota_invalid");
    assert_eq!(begin_with(&world, &runs, 10).await.unwrap(), 10);

    let first = world.as_account(AccountId::new());
    // Made by the upload itself.
    let start = |size: usize| world.start(&first, vec![file("root", "a", &vec![7; size])]);
    assert_eq!(reason(start(11).await.remove(0)), "quota_exceeded");
    start(10).await.remove(0).unwrap();
    assert_eq!(home(&world, &first).await, Some((10, 0)));
    assert_eq!(home(&world, &old).await, None);

    begin_with(&world, &runs, 20).await.unwrap();
    assert_eq!(home(&world, &first).await, Some((10, 0)));
    assert_eq!(
        home(&world, &world.as_account(AccountId::new())).await,
        Some((20, 0))
    );
    assert_eq!(home(&world, &world.stranger()).await, None);
    let message = v1::DeleteHomeQuotaRequest {};
    let denied = world.files.delete_home_quota(request(&old, message)).await;
    assert_eq!(reason(denied.map_err(Error::from)), "admin_only");
    world
        .files
        .delete_home_quota(request(&runs, message))
        .await
        .unwrap();
    assert_eq!(home(&world, &world.as_account(AccountId::new())).await, None);
    world.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_that_takes_in_what_was_there_counts_it() {
    let world = World::new().await;
    begin_with(&world, &admin(&world), 10).await.unwrap();
    let folder = world.mkdir("root", "old").await.unwrap();
    world.put(&folder.id, "a", &[1; 7]).await.unwrap();
    // As an older release left it: no home, and the folder right below the tenant's root.
    let mut connection = world.admin().await;
    for sql in [
        "DELETE FROM files.quotas",
        "UPDATE files.nodes SET parent_id = tenant_id WHERE name = 'old'",
        "DELETE FROM files.nodes WHERE name = '' AND id <> tenant_id",
    ] {
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    }
    assert_eq!(home(&world, &world.ctx()).await, Some((10, 7)));
    assert!(world.files.fsck().await.unwrap().quota_mismatches.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_is_limited_before_its_first_use() {
    let mut world = World::new().await;
    world.tenant = world.known_tenant("acme").await;
    let other = world.known_tenant("other").await;
    let runs = admin(&world);
    let member = world.known_account(world.tenant, "member").await;
    let limited = limit(&world, &runs, &member.to_string(), 10).await.unwrap();
    assert_eq!(
        (limited.account_id.as_deref(), limited.used_bytes),
        (Some(member.to_string().as_str()), Some(0))
    );
    assert_eq!(home(&world, &world.as_account(member)).await, Some((10, 0)));
    // No home comes of what is nobody's here, of a guest's, or of who may not say so.
    let stranger = world.known_account(other, "member").await;
    let guest = world.known_account(world.tenant, "guest").await;
    let fresh = world.known_account(world.tenant, "owner").await;
    for (who, account) in [
        (&runs, AccountId::new()),
        (&runs, stranger),
        (&runs, guest),
        (&world.ctx(), fresh),
    ] {
        let refused = limit(&world, who, &account.to_string(), 10).await;
        assert_eq!(reason(refused), "node_not_found");
    }
    let homes = "SELECT count(*) FROM files.nodes WHERE name = '' AND id <> tenant_id";
    assert_eq!(world.count(homes).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_with_a_limit_does_not_move_below_as_many_as_there_may_be() {
    let world = World::new().await;
    let mut deepest = "root".to_owned();
    for depth in 0..16 {
        deepest = limited(&world, &deepest, "in", 100 - depth).await;
    }
    let with = limited(&world, "root", "with", 10).await;
    let without = world.mkdir("root", "without").await.unwrap().id;
    let moved = async |node: &str, to: &str| {
        let message = v1::UpdateNodeRequest {
            id: node.to_owned(),
            parent_id: Some(to.to_owned()),
            ..v1::UpdateNodeRequest::default()
        };
        let answer = world.files.update_node(request(&world.ctx(), message)).await;
        reason(answer.map_err(Error::from))
    };
    assert_eq!(moved(&with, &deepest).await, "too_many_quotas");
    assert_eq!(moved(&without, &deepest).await, "none");
    let outer = world.list("root").await.unwrap().remove(0).id;
    assert_eq!(moved(&with, &outer).await, "none");
}
