//! A tenant goes with all that is held of it; others keep theirs.

use crate::support::World;
use bitvault_platform::{Ctx, Error};
use bitvault_proto::internal::v1::EraseTenantRequest;
use bitvault_proto::internal::v1::sync_data_service_server::SyncDataService as _;

async fn rows(world: &World) -> i64 {
    let tenant = world.tenant.0;
    let mut rows = 0;
    for table in ["devices", "keys", "root_sets"] {
        let sql = format!("SELECT count(*) FROM sync.{table} WHERE tenant_id = '{tenant}'");
        rows += world.count(&sql).await;
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_goes_with_all_rows_and_another_keeps_its_own() {
    let world = World::new().await;
    let kept = world.another_tenant();
    for one in [&world, &kept] {
        let ctx = one.ctx();
        one.mkdir(&ctx, "root", "a").await;
        one.device(&ctx, "laptop", None).await.unwrap();
        one.snapshot(&ctx).await;
        assert_eq!(rows(one).await, 3);
    }
    let daemon = Ctx::system("identity").within(world.tenant);
    for (caller, done) in [(world.ctx(), false), (daemon.clone(), true), (daemon, true)] {
        let answer = world
            .sync
            .erase_tenant(caller.request(EraseTenantRequest {}))
            .await;
        match answer {
            Ok(answer) => assert!(done && answer.into_inner().done),
            Err(status) => assert_eq!((Error::from(status).reason(), done), ("internal_call", false)),
        }
    }
    assert_eq!((rows(&world).await, rows(&kept).await), (0, 3));
}
