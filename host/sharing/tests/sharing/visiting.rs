//! Those who hold a link.

use crate::support::{World, after, download, reason};
use bitvault_platform::{Ctx, LinkAccess};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::internal::v1::link_access_service_server::LinkAccessService as _;
use bitvault_proto::v1;

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_its_link_and_says_whom_a_visitor_acts_for() {
    let world = World::new().await;
    let folder = world.mkdir("root", "shared").await;
    let link = v1::CreateLinkRequest {
        label: Some("For Ada".to_owned()),
        ..download(&folder)
    };
    let (_, token) = world.link(link).await;
    let opened = world.open(&token, None).await.unwrap();
    assert_eq!(opened.node_id, folder);
    assert_eq!(opened.account_id, world.account.to_string());
    assert_eq!(opened.label.as_deref(), Some("For Ada"));
    assert!(!opened.counted);
    for bad in [
        "",
        "bvl_",
        "bvl_\0",
        &token[..token.len() - 1],
        &format!("{token}x"),
        &token.replace("bvl", "bva"),
    ] {
        assert_eq!(reason(world.open(bad, None).await), "link_not_found", "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_daemon_lets_visitors_in() {
    let world = World::new().await;
    let (_, token) = world.link(download("root")).await;
    let link = Ctx::link(
        world.tenant,
        world.account,
        bitvault_platform::ids::NodeId::new(),
        LinkAccess::View,
    );
    for ctx in [world.ctx(), Ctx::anonymous(), link] {
        let request = ctx.request(internal::OpenLinkRequest {
            token: token.clone(),
            key: None,
            under_way: false,
        });
        let answer = world.sharing.open_link(request).await.map_err(Into::into);
        assert_eq!(reason(answer), "internal_call");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_at_once_when_it_is_ended_or_its_time_is_over() {
    let world = World::new().await;
    let folder = world.mkdir("root", "shared").await;
    let (id, ended) = world.link(download(&folder)).await;
    let (_, expiring) = world
        .link(v1::CreateLinkRequest {
            expires_at: after(&world, 60),
            ..download(&folder)
        })
        .await;
    world.open(&ended, None).await.unwrap();
    world.delete(&world.ctx(), &id).await.unwrap();
    assert_eq!(reason(world.open(&ended, None).await), "link_not_found");
    world.open(&expiring, None).await.unwrap();
    world.clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(reason(world.open(&expiring, None).await), "link_not_found");
    assert_eq!(reason(world.take(&expiring).await), "link_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_dead_while_its_node_or_a_folder_above_is_in_the_trash() {
    let world = World::new().await;
    let outer = world.mkdir("root", "outer").await;
    let inner = world.mkdir(&outer, "inner").await;
    let (_, token) = world.link(download(&inner)).await;
    let (_, drop_box) = world
        .link(v1::CreateLinkRequest {
            kind: v1::LinkKind::Drop.into(),
            ..download(&inner)
        })
        .await;
    world.open(&token, None).await.unwrap();
    world.open(&drop_box, None).await.unwrap();
    world.trash(&outer).await;
    assert_eq!(reason(world.open(&token, None).await), "link_not_found");
    assert_eq!(reason(world.open(&drop_box, None).await), "link_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_dead_when_its_account_leaves_the_tenant_or_owns_the_node_no_more() {
    let world = World::new().await;
    let folder = world.mkdir("root", "shared").await;
    let other = world.join("bo@example.org").await;
    let grant = |role: &str| {
        format!(
            "DELETE FROM files.grants WHERE subject_id = '{other}';
             INSERT INTO files.grants SELECT tenant_id, id, '{other}', 'account', '{role}', now(), created_by
             FROM files.nodes WHERE name = 'shared'",
            other = other.0
        )
    };
    world.sql(&grant("owner")).await;
    let made = world
        .create(&world.as_account(other), download(&folder))
        .await
        .unwrap();
    let token = made.token.unwrap();
    world.open(&token, None).await.unwrap();
    for role in ["editor", "viewer"] {
        world.sql(&grant(role)).await;
        assert_eq!(reason(world.open(&token, None).await), "link_not_found", "{role}");
    }
    world.sql(&grant("owner")).await;
    world.open(&token, None).await.unwrap();
    world
        .sql(&format!(
            "DELETE FROM identity.memberships WHERE account_id = '{}'",
            other.0
        ))
        .await;
    assert_eq!(reason(world.open(&token, None).await), "link_not_found");
}
