//! A tenant's links go with it; while it is suspended they open nothing.

use crate::support::{World, download};
use bitvault_platform::{Ctx, Error};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::internal::v1::sharing_data_service_server::SharingDataService as _;
use sqlx::{Connection as _, PgConnection};

async fn links(world: &World) -> i64 {
    let mut admin = PgConnection::connect(&world.database.admin_url()).await.unwrap();
    sqlx::query_scalar("SELECT count(*) FROM sharing.links")
        .fetch_one(&mut admin)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_links_are_removed_and_no_others() {
    let world = World::new().await;
    for _ in 0..3 {
        world.link(download("root")).await;
    }
    let erase = |ctx: Ctx| {
        let request = ctx.request(internal::EraseTenantRequest {});
        async { world.sharing.erase_tenant(request).await.map_err(Error::from) }
    };
    for (caller, reason) in [
        (world.ctx(), "internal_call"),
        (Ctx::system("test"), "token_missing"),
    ] {
        assert_eq!(erase(caller).await.unwrap_err().reason(), reason);
    }
    let elsewhere = Ctx::system("test").within(world.stranger().tenant().unwrap());
    let nothing = erase(elsewhere).await.unwrap().into_inner();
    assert_eq!((nothing.done, nothing.removed, links(&world).await), (true, 0, 3));
    let here = Ctx::system("test").within(world.tenant);
    let gone = erase(here).await.unwrap().into_inner();
    assert_eq!((gone.done, gone.removed, links(&world).await), (true, 3, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn links_of_a_suspended_tenant_open_nothing_until_it_is_resumed() {
    let world = World::new().await;
    let (_, token) = world.link(download("root")).await;
    let name = || "acme".to_owned();
    let system = Ctx::system("test");
    let suspend = system.request(internal::SuspendTenantRequest { name: name() });
    world.identity.clone().suspend_tenant(suspend).await.unwrap();
    assert_eq!(
        world.open(&token, None).await.unwrap_err().reason(),
        "link_not_found"
    );
    let resume = system.request(internal::ResumeTenantRequest { name: name() });
    world.identity.clone().resume_tenant(resume).await.unwrap();
    world.open(&token, None).await.unwrap();
}
