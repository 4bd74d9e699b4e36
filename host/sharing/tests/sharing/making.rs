//! Those who make links.

use crate::support::{World, after, download, reason};
use bitvault_platform::Ctx;
use bitvault_proto::v1;
use bitvault_proto::v1::link_service_server::LinkService as _;

#[tokio::test(flavor = "multi_thread")]
async fn only_who_owns_a_node_makes_links_on_it() {
    let world = World::new().await;
    let folder = world.mkdir("root", "shared").await;
    let other = world.join("bo@example.org").await;
    assert_eq!(
        reason(world.create(&world.as_account(other), download(&folder)).await),
        "node_not_found"
    );
    assert_eq!(
        reason(world.create(&world.stranger(), download(&folder)).await),
        "node_not_found"
    );
    assert_eq!(
        reason(world.create(&Ctx::anonymous(), download(&folder)).await),
        "token_missing"
    );
    // An editor works there and does not share.
    world
        .sql(&format!(
            "INSERT INTO files.grants SELECT tenant_id, id, '{}', 'account', 'editor', now(), created_by
             FROM files.nodes WHERE name = 'shared'",
            other.0
        ))
        .await;
    assert_eq!(
        reason(world.create(&world.as_account(other), download(&folder)).await),
        "role_too_low"
    );
    assert_eq!(
        reason(world.create(&world.ctx(), download(&folder)).await),
        "none"
    );
    assert_eq!(reason(world.create(&world.ctx(), download("root")).await), "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_link_can_not_ask_for_is_told_by_its_reason() {
    let world = World::new().await;
    let folder = world.mkdir("root", "shared").await;
    type Change = fn(&World, &mut v1::CreateLinkRequest);
    let cases: [(&str, Change); 8] = [
        ("link_kind_invalid", |_, link| link.kind = 0),
        ("expires_at_invalid", |world, link| {
            link.expires_at = after(world, 0)
        }),
        ("max_downloads_invalid", |_, link| link.max_downloads = Some(0)),
        ("max_downloads_invalid", |_, link| {
            link.kind = v1::LinkKind::View.into();
            link.max_downloads = Some(1);
        }),
        ("password_short", |_, link| {
            link.password = Some("short".to_owned())
        }),
        ("password_common", |_, link| {
            link.password = Some("password1".to_owned())
        }),
        ("label_invalid", |_, link| link.label = Some("a\u{7}".to_owned())),
        ("idempotency_key_invalid", |_, link| {
            link.idempotency_key = Some("\u{e9}".to_owned())
        }),
    ];
    for (expected, change) in cases {
        let mut link = download(&folder);
        change(&world, &mut link);
        assert_eq!(reason(world.create(&world.ctx(), link).await), expected);
    }
    assert_eq!(
        reason(world.create(&world.ctx(), download("nod_1")).await),
        "node_not_found"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_listed_by_who_made_them_and_by_node_and_the_token_never_again() {
    let world = World::new().await;
    let folder = world.mkdir("root", "shared").await;
    let mut made = Vec::new();
    for node in [&folder, &folder, &"root".to_owned()] {
        made.push(world.link(download(node)).await.0);
    }
    made.reverse();
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let list = v1::ListLinksRequest {
            limit: 2,
            cursor,
            ..v1::ListLinksRequest::default()
        };
        let page = world.list(&world.ctx(), list).await.unwrap();
        found.extend(page.items.into_iter().map(|link| link.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, made);
    let on_node = v1::ListLinksRequest {
        node_id: Some(folder.clone()),
        ..v1::ListLinksRequest::default()
    };
    assert_eq!(
        world
            .list(&world.ctx(), on_node.clone())
            .await
            .unwrap()
            .items
            .len(),
        2
    );
    let other = world.as_account(world.join("bo@example.org").await);
    assert_eq!(reason(world.list(&other, on_node).await), "node_not_found");
    assert!(
        world
            .list(&other, v1::ListLinksRequest::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    let bad = v1::ListLinksRequest {
        cursor: Some("x".to_owned()),
        ..v1::ListLinksRequest::default()
    };
    assert_eq!(reason(world.list(&world.ctx(), bad).await), "cursor_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_read_changed_and_ended_by_its_maker_and_the_nodes_owners_only() {
    let world = World::new().await;
    let folder = world.mkdir("root", "shared").await;
    let (id, _) = world.link(download(&folder)).await;
    let other = world.join("bo@example.org").await;
    let get = |ctx: Ctx| {
        let id = id.clone();
        let sharing = world.sharing.clone();
        async move {
            sharing
                .get_link(ctx.request(v1::GetLinkRequest { id }))
                .await
                .map_err(Into::into)
        }
    };
    let change = v1::UpdateLinkRequest {
        id: id.clone(),
        label: Some("new".to_owned()),
        ..Default::default()
    };
    for ctx in [world.as_account(other), world.stranger()] {
        assert_eq!(reason(get(ctx.clone()).await), "link_not_found");
        assert_eq!(reason(world.update(&ctx, change.clone()).await), "link_not_found");
        assert_eq!(reason(world.delete(&ctx, &id).await), "link_not_found");
    }
    world
        .sql(&format!(
            "INSERT INTO files.grants SELECT tenant_id, id, '{}', 'account', 'owner', now(), created_by
             FROM files.nodes WHERE name = 'shared'",
            other.0
        ))
        .await;
    let changed = world.update(&world.as_account(other), change).await.unwrap();
    assert_eq!(changed.label.as_deref(), Some("new"));
    let nothing = v1::UpdateLinkRequest {
        id: id.clone(),
        ..Default::default()
    };
    assert_eq!(
        reason(world.update(&world.ctx(), nothing).await),
        "nothing_to_change"
    );
    world.delete(&world.as_account(other), &id).await.unwrap();
    assert_eq!(reason(get(world.ctx()).await), "link_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_makes_one_link_and_its_last_token_counts() {
    let world = World::new().await;
    let folder = world.mkdir("root", "shared").await;
    let link = v1::CreateLinkRequest {
        idempotency_key: Some("once".to_owned()),
        ..download(&folder)
    };
    let (id, first) = world.link(link.clone()).await;
    let (again, second) = world.link(link.clone()).await;
    assert_eq!(again, id);
    assert_eq!(reason(world.open(&first, None).await), "link_not_found");
    world.open(&second, None).await.unwrap();

    let another = v1::CreateLinkRequest {
        label: Some("x".to_owned()),
        ..link.clone()
    };
    assert_eq!(
        reason(world.create(&world.ctx(), another).await),
        "idempotency_key_reused"
    );
    // Long after, a token that may be in use is left alone.
    world.clock.advance(std::time::Duration::from_secs(16 * 60));
    let late = world.create(&world.ctx(), link.clone()).await.unwrap();
    assert_eq!((late.link.unwrap().id, late.token), (id, None));
    world.open(&second, None).await.unwrap();

    let at_once = v1::CreateLinkRequest {
        idempotency_key: Some("at once".to_owned()),
        ..link
    };
    let together = (0..8).map(|_| async { world.create(&world.ctx(), at_once.clone()).await });
    let ids: std::collections::HashSet<String> = futures::future::join_all(together)
        .await
        .into_iter()
        .map(|made| made.unwrap().link.unwrap().id)
        .collect();
    assert_eq!(ids.len(), 1);
}
