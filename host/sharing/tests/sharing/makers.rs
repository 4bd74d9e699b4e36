//! Who may have public links is the tenant's to settle, for links that are there already as well.

use crate::support::{World, download, reason};
use bitvault_platform::Ctx;
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::internal::v1::link_access_service_server::LinkAccessService as _;
use bitvault_proto::v1;

const PASSWORD: &str = "a long walk";

#[tokio::test(flavor = "multi_thread")]
async fn links_are_closed_at_once_while_their_account_may_have_none_and_open_again_after() {
    let world = World::new().await;
    let folder = world.mkdir("root", "shared").await;
    let (id, open) = world.link(download(&folder)).await;
    let (_, drop) = world
        .link(v1::CreateLinkRequest {
            kind: v1::LinkKind::Drop.into(),
            ..download(&folder)
        })
        .await;
    let (_, locked) = world
        .link(v1::CreateLinkRequest {
            password: Some(PASSWORD.to_owned()),
            ..download(&folder)
        })
        .await;
    let key = world.unlock(&locked, PASSWORD, "1").await.unwrap().key;
    for makers in ["nobody", "admins"] {
        world.settle(makers).await;
        for answer in [
            world.open(&open, None).await,
            world.open(&drop, None).await,
            world.open(&locked, key.as_deref()).await,
            world.take(&open).await,
        ] {
            assert_eq!(reason(answer), "link_not_found", "{makers}");
        }
        assert_eq!(
            reason(world.unlock(&locked, PASSWORD, "1").await),
            "link_not_found"
        );
        // An archive that is being sent stops as well.
        let under_way = internal::OpenLinkRequest {
            token: open.clone(),
            key: None,
            under_way: true,
        };
        let request = Ctx::system("gateway").request(under_way);
        let went_on = world.sharing.open_link(request).await;
        assert_eq!(reason(went_on.map_err(Into::into)), "link_not_found");
        // None is made, and none is changed; but seen and ended they are.
        assert_eq!(
            reason(world.create(&world.ctx(), download(&folder)).await),
            "public_links_denied"
        );
        let change = v1::UpdateLinkRequest {
            id: id.clone(),
            label: Some("later".to_owned()),
            ..Default::default()
        };
        assert_eq!(
            reason(world.update(&world.ctx(), change).await),
            "public_links_denied"
        );
        let listed = world.list(&world.ctx(), v1::ListLinksRequest::default()).await;
        assert_eq!(listed.unwrap().items.len(), 3);
    }
    world.settle("members").await;
    world.open(&open, None).await.unwrap();
    world.open(&drop, None).await.unwrap();
    world.open(&locked, key.as_deref()).await.unwrap();
    world.settle("nobody").await;
    world.delete(&world.ctx(), &id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_the_role_in_the_tenant_that_counts() {
    let world = World::new().await;
    let admin = world.join_as("admin@example.org", "admin").await;
    let guest = world.join_as("guest@example.org", "guest").await;
    let made = world.create(&world.as_account(admin), download("root")).await;
    let token = made.unwrap().token.unwrap();
    assert_eq!(
        reason(world.create(&world.as_account(guest), download("root")).await),
        "public_links_denied"
    );
    world.settle("admins").await;
    world.open(&token, None).await.unwrap();
    assert_eq!(
        reason(world.create(&world.ctx(), download("root")).await),
        "public_links_denied"
    );
    let sql = format!(
        "UPDATE identity.memberships SET role = 'member' WHERE account_id = '{}'",
        admin.0
    );
    world.sql(&sql).await;
    assert_eq!(reason(world.open(&token, None).await), "link_not_found");
}
