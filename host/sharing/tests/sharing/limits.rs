//! Limits of downloads.

use crate::support::{World, download, reason};
use bitvault_platform::Ctx;
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::internal::v1::link_access_service_server::LinkAccessService as _;
use bitvault_proto::v1;

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_downloads_at_once_exactly_ten_are_given() {
    let world = World::new().await;
    let folder = world.mkdir("root", "shared").await;
    let (id, token) = world
        .link(v1::CreateLinkRequest {
            max_downloads: Some(10),
            ..download(&folder)
        })
        .await;
    let tries = futures::future::join_all((0..100).map(|_| world.take(&token))).await;
    let given = tries.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(given, 10);
    for refused in tries.into_iter().filter(Result::is_err) {
        assert_eq!(reason(refused), "link_not_found");
    }
    assert_eq!(reason(world.open(&token, None).await), "link_not_found");

    // What was counted goes on.
    let under_way = internal::OpenLinkRequest {
        token: token.clone(),
        key: None,
        under_way: true,
    };
    let request = Ctx::system("gateway").request(under_way);
    world.sharing.open_link(request).await.unwrap();

    // Raised, it goes on where it was.
    let change = v1::UpdateLinkRequest {
        id,
        max_downloads: Some(11),
        ..Default::default()
    };
    assert_eq!(world.update(&world.ctx(), change).await.unwrap().downloads, 10);
    world.take(&token).await.unwrap();
    assert_eq!(reason(world.take(&token).await), "link_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_without_a_limit_counts_and_one_that_only_shows_gives_nothing() {
    let world = World::new().await;
    let folder = world.mkdir("root", "shared").await;
    let (_, token) = world.link(download(&folder)).await;
    for _ in 0..3 {
        world.take(&token).await.unwrap();
    }
    let listed = world
        .list(&world.ctx(), v1::ListLinksRequest::default())
        .await
        .unwrap();
    assert_eq!(listed.items[0].downloads, 3);
    for kind in [v1::LinkKind::View, v1::LinkKind::Drop] {
        let (_, token) = world
            .link(v1::CreateLinkRequest {
                kind: kind.into(),
                ..download(&folder)
            })
            .await;
        assert_eq!(reason(world.take(&token).await), "link_not_found");
    }
}
