//! Tags, fields, favourites and recent files.

use crate::support::{World, request};
use bitvault_platform::ids::{AccountId, SessionId};
use bitvault_platform::{Ctx, Error, Role};
use bitvault_proto::v1;
use bitvault_proto::v1::access_service_server::AccessService as _;
use bitvault_proto::v1::metadata_service_server::MetadataService as _;
use futures::future::join_all;
use std::collections::BTreeMap;
use std::time::Duration;

/// Another account of the tenant, with a role on a node.
async fn granted(world: &World, node: &str, role: &str) -> (AccountId, Ctx) {
    let account = AccountId::new();
    let message = v1::PutGrantRequest {
        node_id: node.to_owned(),
        subject_id: account.to_string(),
        role: role.to_owned(),
    };
    world
        .files
        .put_grant(request(&world.ctx(), message))
        .await
        .unwrap();
    let ctx = Ctx::account(world.tenant, account, SessionId::new(), Role::Guest);
    (account, ctx)
}

async fn metadata(world: &World, ctx: &Ctx, node: &str) -> Result<v1::Metadata, Error> {
    let message = v1::GetMetadataRequest {
        node_id: node.to_owned(),
    };
    Ok(world
        .files
        .get_metadata(request(ctx, message))
        .await?
        .into_inner())
}

async fn edit(world: &World, ctx: &Ctx, edit: v1::UpdateMetadataRequest) -> Result<v1::Metadata, Error> {
    Ok(world
        .files
        .update_metadata(request(ctx, edit))
        .await?
        .into_inner())
}

fn tags(node: &str, add: &[&str], remove: &[&str]) -> v1::UpdateMetadataRequest {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    v1::UpdateMetadataRequest {
        node_id: node.to_owned(),
        add_tags: texts(add),
        remove_tags: texts(remove),
        ..v1::UpdateMetadataRequest::default()
    }
}

async fn star(world: &World, ctx: &Ctx, node: &str) -> Result<(), Error> {
    let message = v1::FavouriteRequest {
        node_id: node.to_owned(),
    };
    world.files.add_favourite(request(ctx, message)).await?;
    Ok(())
}

/// The names of the caller's favourites, read in pages of two.
async fn starred(world: &World, ctx: &Ctx) -> Vec<String> {
    let (mut names, mut cursor) = (Vec::new(), None);
    loop {
        let message = v1::ListFavouritesRequest { limit: 2, cursor };
        let page = world.files.list_favourites(request(ctx, message)).await;
        let page = page.unwrap().into_inner();
        names.extend(page.items.into_iter().map(|item| item.node.unwrap().name));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return names;
        }
    }
}

async fn recent(world: &World, ctx: &Ctx, limit: u32, cursor: Option<String>) -> v1::ListRecentResponse {
    let message = v1::ListRecentRequest { limit, cursor };
    let page = world.files.list_recent(request(ctx, message)).await;
    page.unwrap().into_inner()
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().reason().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_and_fields_are_added_and_removed_by_name() {
    let world = World::new().await;
    let ctx = world.ctx();
    let file = world.put("root", "a.txt", b"a").await.unwrap();
    let nothing = metadata(&world, &ctx, &file.id).await.unwrap();
    assert_eq!(
        (nothing.revision, nothing.tags.len(), nothing.fields.len()),
        (1, 0, 0)
    );
    let mut first = tags(&file.id, &["Draft", "Übung"], &["never there"]);
    first.set_fields = BTreeMap::from([("Client".to_owned(), "Ada & Co".to_owned())]);
    let now = edit(&world, &ctx, first).await.unwrap();
    assert_eq!(
        (now.revision, &now.tags[..]),
        (2, &["draft".to_owned(), "übung".to_owned()][..])
    );
    assert_eq!(
        now.fields,
        BTreeMap::from([("client".to_owned(), "Ada & Co".to_owned())])
    );
    let mut second = tags(&file.id, &["a", "DRAFT"], &["ÜBUNG"]);
    second.remove_fields = vec!["CLIENT".to_owned()];
    second.revision = Some(2);
    edit(&world, &ctx, second.clone()).await.unwrap();
    let now = metadata(&world, &ctx, &file.id).await.unwrap();
    assert_eq!((now.revision, now.fields.len()), (3, 0));
    assert_eq!(now.tags, ["a", "draft"]);
    assert_eq!(world.get(&ctx, &file.id).await.unwrap().revision, 3);
    assert_eq!(reason(edit(&world, &ctx, second).await), "revision_conflict");
    let told = "SELECT count(*) FROM files.journal WHERE kind = 'updated' AND version_id IS NULL AND revision IN (2, 3)";
    assert_eq!(world.count(told).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_look_may_not_write_and_others_learn_nothing() {
    let world = World::new().await;
    let folder = world.mkdir("root", "plans").await.unwrap();
    let (_, viewer) = granted(&world, &folder.id, "viewer").await;
    let (_, editor) = granted(&world, &folder.id, "editor").await;
    let change = tags(&folder.id, &["x"], &[]);
    assert_eq!(
        reason(edit(&world, &viewer, change.clone()).await),
        "role_too_low"
    );
    edit(&world, &editor, change.clone()).await.unwrap();
    assert_eq!(metadata(&world, &viewer, &folder.id).await.unwrap().tags, ["x"]);
    for nobody in [world.as_account(AccountId::new()), world.stranger()] {
        assert_eq!(
            reason(metadata(&world, &nobody, &folder.id).await),
            "node_not_found"
        );
        assert_eq!(
            reason(edit(&world, &nobody, change.clone()).await),
            "node_not_found"
        );
        assert_eq!(reason(star(&world, &nobody, &folder.id).await), "node_not_found");
    }
    world.delete(&folder.id, false).await.unwrap();
    assert_eq!(
        reason(metadata(&world, &editor, &folder.id).await),
        "node_not_found"
    );
    assert_eq!(reason(edit(&world, &editor, change).await), "node_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_many_add_at_once_and_too_much_is_refused() {
    let world = World::new().await;
    let ctx = world.ctx();
    let file = world.put("root", "a.txt", b"a").await.unwrap();
    let names: Vec<String> = (0..16).map(|number| format!("t{number:02}")).collect();
    let added = names
        .iter()
        .map(|name| edit(&world, &ctx, tags(&file.id, &[name], &[])));
    for result in join_all(added).await {
        result.unwrap();
    }
    let now = metadata(&world, &ctx, &file.id).await.unwrap();
    assert_eq!((now.revision, &now.tags), (17, &names));
    let many: Vec<String> = (0..35).map(|number| format!("u{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(
        reason(edit(&world, &ctx, tags(&file.id, &many, &[])).await),
        "too_many_tags"
    );
    assert_eq!(
        metadata(&world, &ctx, &file.id).await.unwrap().revision,
        17,
        "nothing has changed"
    );
    edit(&world, &ctx, tags(&file.id, &many, &["t00"])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_repeats_with_its_key_is_made_once() {
    let world = World::new().await;
    let ctx = world.ctx();
    let file = world.put("root", "a.txt", b"a").await.unwrap();
    let mut keyed = tags(&file.id, &["x"], &[]);
    keyed.idempotency_key = Some("k".to_owned());
    keyed.revision = Some(1);
    let answers = join_all((0..8).map(|_| edit(&world, &ctx, keyed.clone()))).await;
    for answer in answers {
        assert_eq!(answer.unwrap().revision, 2);
    }
    keyed.add_tags = vec!["y".to_owned()];
    assert_eq!(reason(edit(&world, &ctx, keyed).await), "idempotency_key_reused");
}

#[tokio::test(flavor = "multi_thread")]
async fn favourites_are_ones_own_and_show_only_what_may_be_seen() {
    let world = World::new().await;
    let folder = world.mkdir("root", "shared").await.unwrap();
    let (account, guest) = granted(&world, &folder.id, "viewer").await;
    let mut nodes = Vec::new();
    for name in ["a", "b", "c"] {
        let node = world.mkdir(&folder.id, name).await.unwrap();
        for ctx in [&guest, &world.ctx()] {
            star(&world, ctx, &node.id).await.unwrap();
        }
        world.clock.advance(Duration::from_secs(1));
        nodes.push(node);
    }
    star(&world, &guest, &nodes[0].id).await.unwrap();
    star(&world, &world.ctx(), "root").await.unwrap();
    assert_eq!(
        starred(&world, &guest).await,
        ["c", "b", "a"],
        "again is nothing new"
    );
    assert_eq!(starred(&world, &world.ctx()).await, ["", "c", "b", "a"]);
    world.delete(&nodes[1].id, false).await.unwrap();
    assert_eq!(starred(&world, &guest).await, ["c", "a"]);
    let revoke = v1::DeleteGrantRequest {
        node_id: folder.id.clone(),
        subject_id: account.to_string(),
    };
    world
        .files
        .delete_grant(request(&world.ctx(), revoke))
        .await
        .unwrap();
    assert_eq!(starred(&world, &guest).await, Vec::<String>::new());
    let gone = v1::FavouriteRequest {
        node_id: nodes[2].id.clone(),
    };
    for _ in 0..2 {
        let removed = world
            .files
            .remove_favourite(request(&world.ctx(), gone.clone()))
            .await;
        removed.unwrap();
    }
    assert_eq!(starred(&world, &world.ctx()).await, ["", "a"]);
    world.delete(&nodes[1].id, true).await.unwrap();
    let left = "SELECT count(*) FROM files.favourites WHERE node_id NOT IN (SELECT id FROM files.nodes)";
    assert_eq!(world.count(left).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn recent_files_are_those_that_one_changed_last() {
    let world = World::new().await;
    let shared = world.mkdir("root", "shared").await.unwrap();
    let (_, editor) = granted(&world, &shared.id, "editor").await;
    let mut files = Vec::new();
    for name in ["a", "b", "c"] {
        files.push(world.put(&shared.id, name, name.as_bytes()).await.unwrap());
        world.clock.advance(Duration::from_secs(1));
    }
    let names = |page: &v1::ListRecentResponse| -> Vec<String> {
        page.items.iter().map(|node| node.name.clone()).collect()
    };
    let first = recent(&world, &world.ctx(), 2, None).await;
    assert_eq!(names(&first), ["c", "b"]);
    let second = recent(&world, &world.ctx(), 2, first.next_cursor).await;
    assert_eq!((names(&second), second.next_cursor), (vec!["a".to_owned()], None));
    edit(&world, &world.ctx(), tags(&files[0].id, &["x"], &[]))
        .await
        .unwrap();
    edit(&world, &editor, tags(&files[1].id, &["x"], &[]))
        .await
        .unwrap();
    world.delete(&files[2].id, false).await.unwrap();
    assert_eq!(names(&recent(&world, &world.ctx(), 0, None).await), ["a"]);
    assert_eq!(names(&recent(&world, &editor, 0, None).await), ["b"]);
}
