//! Visitors of a public link: what they reach, and what stays closed.

use crate::support::{World, committing, file, request, send, version};
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Error, LinkAccess};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::internal::v1::node_access_service_server::NodeAccessService as _;
use bitvault_proto::v1;
use bitvault_proto::v1::files_service_server::FilesService as _;

fn visitor(world: &World, node: &v1::Node, access: LinkAccess) -> Ctx {
    Ctx::link(
        world.tenant,
        world.account,
        node.id.parse::<NodeId>().unwrap(),
        access,
    )
}

async fn lookup(world: &World, ctx: &Ctx, path: &str) -> Result<v1::Node, Error> {
    let message = v1::LookupRequest {
        path: path.to_owned(),
        below: None,
    };
    Ok(world.files.lookup(request(ctx, message)).await?.into_inner())
}

async fn list(world: &World, ctx: &Ctx, id: &str) -> Result<Vec<String>, Error> {
    let message = v1::ListChildrenRequest {
        id: id.to_owned(),
        limit: 0,
        cursor: None,
        ..v1::ListChildrenRequest::default()
    };
    let page = world
        .files
        .list_children(request(ctx, message))
        .await?
        .into_inner();
    Ok(page.items.into_iter().map(|node| node.name).collect())
}

async fn content(world: &World, ctx: &Ctx, id: &str) -> Result<v1::Content, Error> {
    let message = v1::GetContentRequest {
        node_id: id.to_owned(),
        version_id: None,
        attachment: false,
    };
    Ok(world.files.get_content(request(ctx, message)).await?.into_inner())
}

fn reason<T>(answer: Result<T, Error>) -> String {
    answer.map_or_else(|error| error.reason().to_owned(), |_| "none".to_owned())
}

/// `/beside`, `/shared` with `a.txt` and `inner` in it.
async fn tree(world: &World) -> (v1::Node, v1::Node, v1::Node, v1::Node) {
    let shared = world.mkdir("root", "shared").await.unwrap();
    let beside = world.mkdir("root", "beside").await.unwrap();
    let inner = world.mkdir(&shared.id, "inner").await.unwrap();
    let text = world.put(&shared.id, "a.txt", b"hello").await.unwrap();
    (shared, beside, inner, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_sees_the_links_node_and_below_and_nothing_above_or_beside() {
    let world = World::new().await;
    let (shared, beside, inner, text) = tree(&world).await;
    let ctx = visitor(&world, &shared, LinkAccess::View);
    let top = lookup(&world, &ctx, "/").await.unwrap();
    assert_eq!((top.id.as_str(), top.parent_id), (shared.id.as_str(), None));
    assert_eq!(world.get(&ctx, &shared.id).await.unwrap().parent_id, None);
    assert_eq!(list(&world, &ctx, &shared.id).await.unwrap(), ["a.txt", "inner"]);
    assert_eq!(lookup(&world, &ctx, "/inner").await.unwrap().id, inner.id);
    for path in [
        "/..",
        "/../beside",
        "/inner/../../beside",
        "/shared",
        "/./a.txt",
        "//../",
        "/%2e%2e",
    ] {
        assert_eq!(
            reason(lookup(&world, &ctx, path).await),
            "node_not_found",
            "{path}"
        );
    }
    let home = shared.parent_id.clone().unwrap();
    for id in [&beside.id, &home, &NodeId(world.tenant.0).to_string()] {
        assert_eq!(reason(world.get(&ctx, id).await), "node_not_found");
        assert_eq!(reason(list(&world, &ctx, id).await), "node_not_found");
        assert_eq!(reason(content(&world, &ctx, id).await), "node_not_found");
    }
    assert_eq!(reason(world.get(&ctx, "root").await), "no_home");
    assert_eq!(reason(content(&world, &ctx, &text.id).await), "link_view_only");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_is_an_attachment_that_begins_within_a_minute() {
    let world = World::new().await;
    let (shared, _, _, text) = tree(&world).await;
    let ctx = visitor(&world, &shared, LinkAccess::Download);
    let content = content(&world, &ctx, &text.id).await.unwrap();
    let left = content.expires_at.unwrap().seconds - world.clock.now().unix_timestamp();
    assert!((1..=61).contains(&left), "{left}");
    let response = reqwest::get(content.request.unwrap().url).await.unwrap();
    let disposition = response.headers()["content-disposition"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(disposition.starts_with("attachment"), "{disposition}");
    assert_eq!(response.bytes().await.unwrap().as_ref(), b"hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_link_is_not_for_is_refused_at_the_door() {
    let world = World::new().await;
    let (shared, _, inner, text) = tree(&world).await;
    for access in [LinkAccess::View, LinkAccess::Download, LinkAccess::Drop] {
        let ctx = visitor(&world, &shared, access);
        let folder = v1::CreateFolderRequest {
            parent_id: shared.id.clone(),
            name: "x".to_owned(),
            idempotency_key: None,
        };
        let made = world.files.create_folder(request(&ctx, folder)).await;
        assert_eq!(reason(made.map_err(Error::from)), "denied");
        let moved = v1::UpdateNodeRequest {
            id: text.id.clone(),
            name: Some("b.txt".to_owned()),
            ..v1::UpdateNodeRequest::default()
        };
        let moved = world.files.update_node(request(&ctx, moved)).await;
        assert_eq!(reason(moved.map_err(Error::from)), "denied");
        let deleted = v1::DeleteNodeRequest {
            id: text.id.clone(),
            ..v1::DeleteNodeRequest::default()
        };
        let deleted = world.files.delete_node(request(&ctx, deleted)).await;
        assert_eq!(reason(deleted.map_err(Error::from)), "denied");
    }
    // Only a drop box takes files, for its folder only, and new ones only.
    let start = |access, item| {
        let ctx = visitor(&world, &shared, access);
        let world = &world;
        async move { reason(world.start(&ctx, vec![item]).await.remove(0)) }
    };
    let new = |parent: &v1::Node| file(&parent.id, "new.txt", b"x");
    assert_eq!(
        start(LinkAccess::Download, new(&shared)).await,
        "parent_not_found"
    );
    assert_eq!(start(LinkAccess::Drop, new(&inner)).await, "parent_not_found");
    assert_eq!(
        start(LinkAccess::Drop, version(&text.id, None, b"x")).await,
        "node_not_found"
    );
    assert_eq!(start(LinkAccess::Drop, new(&shared)).await, "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_box_takes_files_under_free_names_and_shows_nothing() {
    let world = World::new().await;
    let (shared, _, _, text) = tree(&world).await;
    let ctx = visitor(&world, &shared, LinkAccess::Drop);
    assert_eq!(reason(world.get(&ctx, &shared.id).await), "node_not_found");
    assert_eq!(reason(list(&world, &ctx, &shared.id).await), "node_not_found");
    assert_eq!(reason(lookup(&world, &ctx, "/a.txt").await), "node_not_found");
    assert_eq!(reason(content(&world, &ctx, &text.id).await), "node_not_found");

    // The same name, in one batch and in another case: each gets in.
    let names = ["A.TXT", "a.txt", "inner", "fresh.txt"];
    let items = names.map(|name| file(&shared.id, name, name.as_bytes()));
    let mut commits = Vec::new();
    for (upload, name) in world.start(&ctx, items.to_vec()).await.into_iter().zip(names) {
        let upload = upload.unwrap();
        send(upload.parts[0].request.as_ref().unwrap(), name.as_bytes()).await;
        commits.push(committing(&upload.id));
    }
    let first = world.commit(&ctx, commits.clone()).await;
    let again = world.commit(&ctx, commits).await;
    for (first, again) in first.into_iter().zip(again) {
        assert_eq!(
            first.unwrap().id,
            again.unwrap().id,
            "committing again makes no second file"
        );
    }
    let names = list(&world, &world.ctx(), &shared.id).await.unwrap();
    let expected = [
        "A (2).TXT",
        "a (3).txt",
        "a.txt",
        "fresh.txt",
        "inner",
        "inner (2)",
    ];
    assert_eq!(names, expected);
    assert_eq!(world.read(&text.id).await, b"hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_drops_of_one_name_at_once_all_get_in() {
    let world = World::new().await;
    let shared = world.mkdir("root", "shared").await.unwrap();
    let ctx = visitor(&world, &shared, LinkAccess::Drop);
    let drops = (0..60).map(|_| async {
        let upload = world
            .start(&ctx, vec![file(&shared.id, "a.txt", b"x")])
            .await
            .remove(0)
            .unwrap();
        send(upload.parts[0].request.as_ref().unwrap(), b"x").await;
        world.commit(&ctx, vec![committing(&upload.id)]).await.remove(0)
    });
    for dropped in futures::future::join_all(drops).await {
        dropped.unwrap();
    }
    let names = list(&world, &world.ctx(), &shared.id).await.unwrap();
    assert_eq!(names.len(), 60);
    assert!(
        names.contains(&"a.txt".to_owned()) && names.contains(&"a (50).txt".to_owned()),
        "{names:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_knows_no_upload_but_those_into_its_folder() {
    let world = World::new().await;
    let (shared, beside, _, _) = tree(&world).await;
    let ctx = visitor(&world, &shared, LinkAccess::Drop);
    let theirs = world.sent(&beside.id, "private.txt", b"x").await;
    let get = world
        .files
        .get_upload(request(&ctx, v1::GetUploadRequest { id: theirs.clone() }))
        .await;
    assert_eq!(reason(get.map_err(Error::from)), "upload_not_found");
    let committed = world.commit(&ctx, vec![committing(&theirs)]).await.remove(0);
    assert_eq!(reason(committed), "upload_not_found");
    let abort = world
        .files
        .abort_upload(request(&ctx, v1::AbortUploadRequest { id: theirs.clone() }))
        .await;
    assert_eq!(reason(abort.map_err(Error::from)), "upload_not_found");
    world.commit_one(&theirs).await.unwrap();
    // The account's idempotency keys tell a visitor nothing.
    let keyed = vec![file(&beside.id, "b.txt", b"x")];
    world
        .start_keyed(&world.ctx(), keyed, Some("mine"))
        .await
        .unwrap()
        .remove(0)
        .unwrap();
    let other = vec![file(&shared.id, "c.txt", b"x")];
    world
        .start_keyed(&ctx, other, Some("mine"))
        .await
        .unwrap()
        .remove(0)
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_dies_between_start_and_commit_when_its_folder_goes() {
    let world = World::new().await;
    let (shared, _, _, _) = tree(&world).await;
    let ctx = visitor(&world, &shared, LinkAccess::Drop);
    let upload = world
        .start(&ctx, vec![file(&shared.id, "late.txt", b"x")])
        .await
        .remove(0)
        .unwrap();
    send(upload.parts[0].request.as_ref().unwrap(), b"x").await;
    world.delete(&shared.id, false).await.unwrap();
    let committed = world.commit(&ctx, vec![committing(&upload.id)]).await.remove(0);
    assert_eq!(reason(committed), "parent_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn access_is_told_to_accounts_and_visitors_as_far_as_they_have_it() {
    let world = World::new().await;
    let (shared, beside, _, text) = tree(&world).await;
    let ask = |ctx: Ctx, id: &str| {
        let message = internal::GetAccessRequest {
            node_id: id.to_owned(),
        };
        let files = world.files.clone();
        async move {
            let answer = files.get_access(request(&ctx, message)).await;
            answer
                .map(|answer| answer.into_inner().role)
                .unwrap_or_else(|status| Error::from(status).reason().to_owned())
        }
    };
    assert_eq!(ask(world.ctx(), "root").await, "owner");
    assert_eq!(ask(world.ctx(), &text.id).await, "owner");
    assert_eq!(ask(world.stranger(), &text.id).await, "node_not_found");
    assert_eq!(
        ask(visitor(&world, &shared, LinkAccess::View), &shared.id).await,
        "viewer"
    );
    assert_eq!(
        ask(visitor(&world, &shared, LinkAccess::Drop), &shared.id).await,
        "editor"
    );
    assert_eq!(
        ask(visitor(&world, &shared, LinkAccess::Download), &beside.id).await,
        "node_not_found"
    );
    let nobody = Ctx::link(
        world.tenant,
        bitvault_platform::ids::AccountId::new(),
        shared.id.parse().unwrap(),
        LinkAccess::View,
    );
    assert_eq!(ask(nobody, &shared.id).await, "node_not_found");
}
