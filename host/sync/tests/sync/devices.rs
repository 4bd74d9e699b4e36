//! Devices: made, shown, forgotten; each belongs to one account in one tenant.

use crate::support::World;
use bitvault_platform::ids::AccountId;
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1;
use bitvault_proto::v1::sync_service_server::SyncService as _;
use bitvault_sync::Config;
use std::time::Duration;

async fn get(world: &World, ctx: &Ctx, id: &str) -> Result<v1::Device, Error> {
    let request = ctx.request(v1::GetDeviceRequest { id: id.to_owned() });
    Ok(world.sync.get_device(request).await?.into_inner())
}

async fn list(
    world: &World,
    ctx: &Ctx,
    limit: u32,
    cursor: Option<String>,
) -> Result<v1::ListDevicesResponse, Error> {
    let request = ctx.request(v1::ListDevicesRequest { limit, cursor });
    Ok(world.sync.list_devices(request).await?.into_inner())
}

async fn delete(world: &World, ctx: &Ctx, id: &str) -> Result<(), Error> {
    let request = ctx.request(v1::DeleteDeviceRequest { id: id.to_owned() });
    world.sync.delete_device(request).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_made_once_for_a_key_and_shows_how_far_it_is_behind() {
    let world = World::new().await;
    let ctx = world.ctx();
    let device = world.device(&ctx, " laptop ", Some("k1")).await.unwrap();
    assert_eq!(
        (device.name.as_str(), device.platform.as_deref()),
        ("laptop", Some("linux"))
    );
    assert_eq!(
        (device.seq, device.behind, device.last_seen_at),
        (None, None, None)
    );
    let again = world.device(&ctx, " laptop ", Some("k1")).await.unwrap();
    assert_eq!(again.id, device.id);
    let other = world.device(&ctx, "phone", Some("k1")).await.unwrap_err();
    assert_eq!(other.reason(), "idempotency_key_reused");

    world.mkdir(&ctx, "root", "a").await;
    let mut request = v1::ListChangesRequest {
        device_id: Some(device.id.clone()),
        ..v1::ListChangesRequest::default()
    };
    let first = world.changes(&ctx, request.clone()).await.unwrap();
    let shown = get(&world, &ctx, &device.id).await.unwrap();
    assert!(
        shown.seq.is_none() && shown.last_seen_at.is_some(),
        "it may not have got the answer"
    );
    request.cursor = Some(first.next_cursor);
    world.changes(&ctx, request.clone()).await.unwrap();
    let shown = get(&world, &ctx, &device.id).await.unwrap();
    assert_eq!((shown.seq, shown.behind), (Some(1), Some(0)));
    world.mkdir(&ctx, "root", "b").await;
    world.clock.advance(Duration::from_secs(90));
    assert_eq!(get(&world, &ctx, &device.id).await.unwrap().behind, Some(1));
    world.changes(&ctx, request).await.unwrap();
    let later = get(&world, &ctx, &device.id).await.unwrap();
    assert_ne!(later.last_seen_at, shown.last_seen_at);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_its_accounts_alone_and_is_refused_once_it_was_deleted() {
    let world = World::new().await;
    let ctx = world.ctx();
    let device = world.device(&ctx, "laptop", None).await.unwrap();
    let second = world.device(&ctx, "phone", None).await.unwrap();
    let page = list(&world, &ctx, 1, None).await.unwrap();
    assert_eq!(page.items[0].id, device.id);
    let page = list(&world, &ctx, 1, page.next_cursor).await.unwrap();
    assert_eq!(
        (page.items[0].id.as_str(), page.next_cursor),
        (second.id.as_str(), None)
    );
    let elsewhere = world.another_tenant();
    for stranger in [world.member(AccountId::new()), elsewhere.ctx()] {
        assert!(list(&world, &stranger, 0, None).await.unwrap().items.is_empty());
        let reading = v1::ListChangesRequest {
            device_id: Some(device.id.clone()),
            ..v1::ListChangesRequest::default()
        };
        for refused in [
            get(&world, &stranger, &device.id).await.map(|_| ()),
            delete(&world, &stranger, &device.id).await,
            world.changes(&stranger, reading).await.map(|_| ()),
        ] {
            assert_eq!(refused.unwrap_err().reason(), "device_not_found");
        }
    }
    let mut reading = v1::ListChangesRequest {
        device_id: Some(device.id.clone()),
        ..v1::ListChangesRequest::default()
    };
    reading.cursor = Some(world.changes(&ctx, reading.clone()).await.unwrap().next_cursor);
    delete(&world, &ctx, &device.id).await.unwrap();
    assert_eq!(
        world.changes(&ctx, reading).await.unwrap_err().reason(),
        "device_not_found"
    );
    assert_eq!(
        delete(&world, &ctx, &device.id).await.unwrap_err().reason(),
        "device_not_found"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_so_many_devices_and_no_more() {
    let world = World::with(Config {
        devices_per_account: 2,
        ..Config::default()
    })
    .await;
    let ctx = world.ctx();
    let attempts = (0..6).map(|_| world.device(&ctx, "d", None));
    let made = futures::future::join_all(attempts).await;
    assert_eq!(made.iter().filter(|device| device.is_ok()).count(), 2);
    let refused = made.into_iter().find_map(Result::err).unwrap();
    assert_eq!(refused.reason(), "too_many_devices");
    world
        .device(&world.member(AccountId::new()), "d", None)
        .await
        .unwrap();
    for (name, reason) in [("", "name_invalid"), ("a\u{7}", "name_invalid")] {
        assert_eq!(world.device(&ctx, name, None).await.unwrap_err().reason(), reason);
    }
}
