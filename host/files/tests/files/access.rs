use crate::support::{World, committing, file, request, send};
use bitvault_platform::ids::{AccountId, SessionId};
use bitvault_platform::{Ctx, Error, Role};
use bitvault_proto::v1;
use bitvault_proto::v1::access_service_server::AccessService as _;
use bitvault_proto::v1::files_service_server::FilesService as _;

fn who(world: &World, role: Role) -> (AccountId, Ctx) {
    let account = AccountId::new();
    let ctx = Ctx::account(world.tenant, account, SessionId::new(), role);
    (account, ctx)
}

async fn grant(
    world: &World,
    ctx: &Ctx,
    node: &str,
    to: impl ToString,
    role: &str,
) -> Result<v1::Grant, Error> {
    let message = v1::PutGrantRequest {
        node_id: node.to_owned(),
        subject_id: to.to_string(),
        role: role.to_owned(),
    };
    Ok(world.files.put_grant(request(ctx, message)).await?.into_inner())
}

async fn revoke(world: &World, ctx: &Ctx, node: &str, from: impl ToString) -> Result<(), Error> {
    let message = v1::DeleteGrantRequest {
        node_id: node.to_owned(),
        subject_id: from.to_string(),
    };
    world.files.delete_grant(request(ctx, message)).await?;
    Ok(())
}

async fn inherit(
    world: &World,
    ctx: &Ctx,
    node: &str,
    inherits: bool,
) -> Result<v1::ListGrantsResponse, Error> {
    let message = v1::SetInheritanceRequest {
        node_id: node.to_owned(),
        inherits,
    };
    Ok(world
        .files
        .set_inheritance(request(ctx, message))
        .await?
        .into_inner())
}

/// The caller's role; empty when there is none.
async fn role_of(world: &World, ctx: &Ctx, node: &str) -> String {
    let message = v1::ListGrantsRequest {
        node_id: node.to_owned(),
    };
    let grants = world.files.list_grants(request(ctx, message)).await;
    grants.unwrap().into_inner().role.unwrap_or_default()
}

async fn names(world: &World, ctx: &Ctx, folder: &str) -> Result<Vec<String>, Error> {
    let message = v1::ListChildrenRequest {
        id: folder.to_owned(),
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

async fn mkdir(world: &World, ctx: &Ctx, parent: &str, name: &str) -> Result<v1::Node, Error> {
    let message = v1::CreateFolderRequest {
        parent_id: parent.to_owned(),
        name: name.to_owned(),
        idempotency_key: None,
    };
    Ok(world
        .files
        .create_folder(request(ctx, message))
        .await?
        .into_inner())
}

async fn shared(world: &World, ctx: &Ctx, limit: u32, cursor: Option<String>) -> v1::ListSharedResponse {
    let message = v1::ListSharedRequest { limit, cursor };
    world
        .files
        .list_shared(request(ctx, message))
        .await
        .unwrap()
        .into_inner()
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().reason().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_the_files_of_somebody_else_until_they_are_shared_and_no_longer() {
    let world = World::new().await;
    let folder = world.mkdir("root", "plans").await.unwrap();
    let inner = world.put(&folder.id, "a.txt", b"a").await.unwrap();
    for role in [Role::Guest, Role::Member, Role::Admin, Role::Owner] {
        let (account, ctx) = who(&world, role);
        assert_eq!(
            reason(world.get(&ctx, &inner.id).await),
            "node_not_found",
            "{role}"
        );
        assert_eq!(
            reason(names(&world, &ctx, &folder.id).await),
            "node_not_found",
            "{role}"
        );

        grant(&world, &world.ctx(), &folder.id, account, "viewer")
            .await
            .unwrap();
        world.get(&ctx, &inner.id).await.unwrap();
        assert_eq!(role_of(&world, &ctx, &inner.id).await, "viewer");
        assert_eq!(names(&world, &ctx, &folder.id).await.unwrap(), ["a.txt"]);
        assert_eq!(reason(mkdir(&world, &ctx, &folder.id, "b").await), "role_too_low");

        revoke(&world, &world.ctx(), &folder.id, account).await.unwrap();
        assert_eq!(
            reason(world.get(&ctx, &inner.id).await),
            "node_not_found",
            "{role}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_was_begun_does_not_outlive_the_role() {
    let world = World::new().await;
    let folder = world.mkdir("root", "in").await.unwrap();
    let (account, ctx) = who(&world, Role::Member);
    grant(&world, &world.ctx(), &folder.id, account, "editor")
        .await
        .unwrap();
    let upload = world
        .start(&ctx, vec![file(&folder.id, "late", b"x")])
        .await
        .remove(0)
        .unwrap();
    crate::support::send(upload.parts[0].request.as_ref().unwrap(), b"x").await;
    grant(&world, &world.ctx(), &folder.id, account, "viewer")
        .await
        .unwrap();
    let refused = world.commit(&ctx, vec![committing(&upload.id)]).await.remove(0);
    assert_eq!(reason(refused), "role_too_low");
    revoke(&world, &world.ctx(), &folder.id, account).await.unwrap();
    let refused = world.commit(&ctx, vec![committing(&upload.id)]).await.remove(0);
    assert_eq!(reason(refused), "parent_not_found");
    grant(&world, &world.ctx(), &folder.id, account, "editor")
        .await
        .unwrap();
    world
        .commit(&ctx, vec![committing(&upload.id)])
        .await
        .remove(0)
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_owner_shares_and_anybody_may_give_up_its_own_role() {
    let world = World::new().await;
    let folder = world.mkdir("root", "f").await.unwrap();
    let (editor, as_editor) = who(&world, Role::Member);
    let (other, as_other) = who(&world, Role::Admin);
    grant(&world, &world.ctx(), &folder.id, editor, "editor")
        .await
        .unwrap();
    assert_eq!(
        reason(grant(&world, &as_editor, &folder.id, other, "viewer").await),
        "role_too_low"
    );
    assert_eq!(
        reason(grant(&world, &as_other, &folder.id, other, "viewer").await),
        "node_not_found"
    );
    assert_eq!(
        reason(inherit(&world, &as_editor, &folder.id, false).await),
        "role_too_low"
    );
    assert_eq!(
        reason(revoke(&world, &as_editor, &folder.id, world.account).await),
        "role_too_low"
    );
    revoke(&world, &as_editor, &folder.id, editor).await.unwrap();
    assert_eq!(reason(world.get(&as_editor, &folder.id).await), "node_not_found");
    assert_eq!(
        reason(grant(&world, &world.stranger(), &folder.id, other, "viewer").await),
        "node_not_found"
    );
    for (subject, role, refused) in [
        ("nobody", "viewer", "subject_invalid"),
        ("", "viewer", "subject_invalid"),
        (editor.to_string().as_str(), "admin", "role_invalid"),
        (
            "grp_0190c7c1e2a87b3c9d00000000000000",
            "viewer",
            "group_not_found",
        ),
    ] {
        let result = grant(&world, &world.ctx(), &folder.id, subject, role).await;
        assert_eq!(reason(result), refused, "{subject} {role}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_inherits_nothing_is_hidden_from_those_above_but_not_from_owners() {
    let world = World::new().await;
    let top = world.mkdir("root", "top").await.unwrap();
    world.mkdir(&top.id, "open").await.unwrap();
    let closed = world.mkdir(&top.id, "closed").await.unwrap();
    let (viewer, as_viewer) = who(&world, Role::Member);
    let (second, as_second) = who(&world, Role::Member);
    grant(&world, &world.ctx(), &top.id, viewer, "editor")
        .await
        .unwrap();
    grant(&world, &world.ctx(), &top.id, second, "owner")
        .await
        .unwrap();
    let left = inherit(&world, &world.ctx(), &closed.id, false).await.unwrap();
    assert!(!left.inherits);
    assert_eq!(left.items.len(), 1, "{left:?}");
    assert_eq!(left.items[0].subject_id, second.to_string());
    assert_eq!(names(&world, &as_viewer, &top.id).await.unwrap(), ["open"]);
    assert_eq!(
        names(&world, &as_second, &top.id).await.unwrap(),
        ["closed", "open"]
    );
    assert_eq!(reason(world.get(&as_viewer, &closed.id).await), "node_not_found");
    assert_eq!(
        reason(mkdir(&world, &as_viewer, &closed.id, "x").await),
        "parent_not_found"
    );

    grant(&world, &world.ctx(), &closed.id, viewer, "viewer")
        .await
        .unwrap();
    assert_eq!(
        names(&world, &as_viewer, &top.id).await.unwrap(),
        ["closed", "open"]
    );
    assert_eq!(
        reason(mkdir(&world, &as_viewer, &closed.id, "x").await),
        "role_too_low"
    );
    inherit(&world, &world.ctx(), &closed.id, true).await.unwrap();
    mkdir(&world, &as_viewer, &closed.id, "x").await.unwrap();
    let refused = inherit(&world, &world.ctx(), "root", false).await;
    assert_eq!(reason(refused), "root_fixed");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_change_a_shared_file_can_not_take_it_out_of_a_folder_that_was_not_shared() {
    let world = World::new().await;
    let folder = world.mkdir("root", "mine").await.unwrap();
    let file = world.put(&folder.id, "a.txt", b"a").await.unwrap();
    let (editor, as_editor) = who(&world, Role::Member);
    grant(&world, &world.ctx(), &file.id, editor, "editor")
        .await
        .unwrap();
    let change = |name: Option<&str>, parent: Option<&str>| v1::UpdateNodeRequest {
        id: file.id.clone(),
        name: name.map(str::to_owned),
        parent_id: parent.map(str::to_owned),
        ..v1::UpdateNodeRequest::default()
    };
    let renamed = world
        .files
        .update_node(request(&as_editor, change(Some("b.txt"), None)))
        .await;
    assert_eq!(renamed.unwrap().into_inner().name, "b.txt");
    let stolen = world
        .files
        .update_node(request(&as_editor, change(None, Some("root"))))
        .await;
    assert_eq!(reason(stolen.map_err(Error::from)), "folder_not_yours");
    let deleted = v1::DeleteNodeRequest {
        id: file.id.clone(),
        ..v1::DeleteNodeRequest::default()
    };
    let deleted = world.files.delete_node(request(&as_editor, deleted)).await;
    assert_eq!(reason(deleted.map_err(Error::from)), "folder_not_yours");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shared_is_listed_the_newest_first_and_own_files_are_not() {
    let world = World::new().await;
    let (account, ctx) = who(&world, Role::Guest);
    let mut wanted = Vec::new();
    for number in 0..5 {
        let folder = world.mkdir("root", &format!("f{number}")).await.unwrap();
        world.clock.advance(std::time::Duration::from_secs(1));
        grant(&world, &world.ctx(), &folder.id, account, "viewer")
            .await
            .unwrap();
        // One of my own that others may see is none that was shared with me.
        grant(&world, &world.ctx(), &folder.id, world.account, "viewer")
            .await
            .unwrap();
        wanted.insert(0, folder.id);
    }
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = shared(&world, &ctx, 2, cursor).await;
        seen.extend(page.items.into_iter().map(|item| item.node.unwrap().id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, wanted);
    assert!(shared(&world, &world.ctx(), 0, None).await.items.is_empty());
    world.delete(&wanted[0], false).await.unwrap();
    assert_eq!(shared(&world, &ctx, 0, None).await.items.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_gives_its_members_what_it_was_given_and_takes_it_with_it() {
    let world = World::new().await;
    let (_, admin) = who(&world, Role::Admin);
    let (member, as_member) = who(&world, Role::Member);
    let folder = world.mkdir("root", "team").await.unwrap();
    let named = |name: &str| v1::CreateGroupRequest {
        name: name.to_owned(),
    };
    let refused = world.files.create_group(request(&as_member, named("Team"))).await;
    assert_eq!(reason(refused.map_err(Error::from)), "admin_only");
    let group = world
        .files
        .create_group(request(&admin, named("Team")))
        .await
        .unwrap()
        .into_inner();
    let twin = world.files.create_group(request(&admin, named("TEAM"))).await;
    assert_eq!(reason(twin.map_err(Error::from)), "group_name_taken");
    grant(&world, &world.ctx(), &folder.id, &group.id, "editor")
        .await
        .unwrap();
    assert_eq!(reason(world.get(&as_member, &folder.id).await), "node_not_found");

    let place = v1::GroupMemberRequest {
        group_id: group.id.clone(),
        account_id: member.to_string(),
    };
    let refused = world
        .files
        .put_group_member(request(&as_member, place.clone()))
        .await;
    assert_eq!(reason(refused.map_err(Error::from)), "admin_only");
    for _ in 0..2 {
        world
            .files
            .put_group_member(request(&admin, place.clone()))
            .await
            .unwrap();
    }
    assert_eq!(role_of(&world, &as_member, &folder.id).await, "editor");
    assert_eq!(shared(&world, &as_member, 0, None).await.items[0].role, "editor");
    mkdir(&world, &as_member, &folder.id, "x").await.unwrap();
    world
        .files
        .delete_group_member(request(&as_member, place.clone()))
        .await
        .unwrap();
    assert_eq!(reason(world.get(&as_member, &folder.id).await), "node_not_found");

    world
        .files
        .put_group_member(request(&admin, place))
        .await
        .unwrap();
    let id = group.id.clone();
    world
        .files
        .delete_group(request(&admin, v1::DeleteGroupRequest { id }))
        .await
        .unwrap();
    assert_eq!(reason(world.get(&as_member, &folder.id).await), "node_not_found");
    assert_eq!(world.count("SELECT count(*) FROM files.grants").await, 0);
    assert_eq!(world.count("SELECT count(*) FROM files.group_members").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn committing_again_tells_nothing_of_the_file_to_who_may_not_see_it_any_more() {
    let world = World::new().await;
    let folder = world.mkdir("root", "plans").await.unwrap();
    let (account, ctx) = who(&world, Role::Member);
    grant(&world, &world.ctx(), &folder.id, account, "editor")
        .await
        .unwrap();
    let started = world.start(&ctx, vec![file(&folder.id, "a.txt", b"a")]).await;
    let upload = started[0].as_ref().unwrap();
    send(upload.parts[0].request.as_ref().unwrap(), b"a").await;
    let again = || async { world.commit(&ctx, vec![committing(&upload.id)]).await.remove(0) };
    let node = again().await.unwrap();
    assert_eq!(again().await.unwrap(), node);
    revoke(&world, &world.ctx(), &folder.id, account).await.unwrap();
    assert_eq!(reason(again().await), "node_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_space_belongs_to_its_group_and_administrators_set_who_has_access() {
    let world = World::new().await;
    let (_, admin) = who(&world, Role::Admin);
    let (member, as_member) = who(&world, Role::Member);
    let group = world
        .files
        .create_group(request(
            &admin,
            v1::CreateGroupRequest {
                name: "Team".to_owned(),
            },
        ))
        .await
        .unwrap()
        .into_inner();
    let wanted = v1::CreateSpaceRequest {
        name: "Team files".to_owned(),
        group_id: group.id.clone(),
        idempotency_key: Some("once".to_owned()),
    };
    let refused = world
        .files
        .create_space(request(&as_member, wanted.clone()))
        .await;
    assert_eq!(reason(refused.map_err(Error::from)), "admin_only");
    let space = world
        .files
        .create_space(request(&admin, wanted.clone()))
        .await
        .unwrap()
        .into_inner();
    let again = world
        .files
        .create_space(request(&admin, wanted))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(again, space);
    let top = space.node.unwrap();
    assert_eq!((top.parent_id, space.role), (None, None));

    // Who runs the tenant may not look in, but may say who does.
    assert_eq!(reason(world.get(&admin, &top.id).await), "node_not_found");
    let list = |ctx: Ctx, all: bool| {
        let files = world.files.clone();
        async move {
            let message = v1::ListSpacesRequest {
                all,
                ..v1::ListSpacesRequest::default()
            };
            Ok::<_, Error>(
                files
                    .list_spaces(request(&ctx, message))
                    .await?
                    .into_inner()
                    .items,
            )
        }
    };
    assert_eq!(list(admin.clone(), true).await.unwrap().len(), 1);
    assert_eq!(list(admin.clone(), false).await.unwrap().len(), 0);
    assert_eq!(list(as_member.clone(), false).await.unwrap().len(), 0);
    assert_eq!(reason(list(as_member.clone(), true).await), "admin_only");
    grant(&world, &admin, &top.id, member, "viewer").await.unwrap();
    let seen = list(as_member.clone(), false).await.unwrap();
    assert_eq!(seen[0].role.as_deref(), Some("viewer"));

    let place = v1::GroupMemberRequest {
        group_id: group.id.clone(),
        account_id: member.to_string(),
    };
    world
        .files
        .put_group_member(request(&admin, place))
        .await
        .unwrap();
    let inside = mkdir(&world, &as_member, &top.id, "inside").await.unwrap();
    assert_eq!(role_of(&world, &as_member, &inside.id).await, "owner");
    let below = v1::LookupRequest {
        path: "/inside".to_owned(),
        below: Some(top.id.clone()),
    };
    let found = world
        .files
        .lookup(request(&as_member, below.clone()))
        .await
        .unwrap();
    assert_eq!(found.into_inner().id, inside.id);
    let hidden = world.files.lookup(request(&world.ctx(), below)).await;
    assert_eq!(reason(hidden.map_err(Error::from)), "node_not_found");

    // A file comes and goes: what the space takes is told to whoever sees it, as a whole.
    let item = file(&inside.id, "counted", b"12345");
    let upload = world.start(&as_member, vec![item]).await.remove(0).unwrap();
    send(upload.parts[0].request.as_ref().unwrap(), b"12345").await;
    let items = vec![committing(&upload.id)];
    let counted = world.commit(&as_member, items).await.remove(0).unwrap();
    let usage = |ctx: &Ctx, within: &str| {
        let r#in = Some(within.to_owned());
        let asked = request(ctx, v1::GetUsageRequest { r#in });
        let files = world.files.clone();
        async move { Ok::<_, Error>(files.get_usage(asked).await?.into_inner()) }
    };
    let told = usage(&as_member, &top.id).await.unwrap();
    assert_eq!((told.files, told.bytes), (1, 5));
    for (ctx, within) in [
        (&as_member, &inside.id),
        (&admin, &top.id),
        (&world.stranger(), &top.id),
    ] {
        assert_eq!(reason(usage(ctx, within).await), "space_not_found");
    }
    for permanent in [false, true] {
        let id = counted.id.clone();
        let message = v1::DeleteNodeRequest {
            id,
            permanent,
            revision: None,
            covers: None,
        };
        let delete = world.files.delete_node(request(&as_member, message));
        delete.await.unwrap();
    }
    let id = top.id.clone();
    let delete = v1::DeleteSpaceRequest { id };
    let refused = world.files.delete_space(request(&admin, delete.clone())).await;
    assert_eq!(reason(refused.map_err(Error::from)), "space_not_empty");
    let refused = world
        .files
        .delete_group(request(&admin, v1::DeleteGroupRequest { id: group.id }))
        .await;
    assert_eq!(reason(refused.map_err(Error::from)), "group_owns_space");
    for permanent in [false, true] {
        let message = v1::DeleteNodeRequest {
            id: inside.id.clone(),
            permanent,
            revision: None,
            covers: None,
        };
        world
            .files
            .delete_node(request(&as_member, message))
            .await
            .unwrap();
    }
    world.files.delete_space(request(&admin, delete)).await.unwrap();
    assert!(list(admin, true).await.unwrap().is_empty());
    assert_eq!(world.count("SELECT count(*) FROM files.usage").await, 0);
    let gaps = "SELECT max(seq) - count(*) FROM files.journal";
    assert_eq!(world.count(gaps).await, 0);
}
