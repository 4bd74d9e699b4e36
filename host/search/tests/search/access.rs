//! Who finds what: only what they may see at that moment, whatever the index says.

use crate::support::{World, asked, names};
use bitvault_platform::db::DbRole;
use bitvault_platform::ids::{AccountId, SessionId, TenantId};
use bitvault_platform::{Code, Ctx, Role};
use bitvault_proto::v1;
use bitvault_proto::v1::access_service_server::AccessService as _;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

#[tokio::test(flavor = "multi_thread")]
async fn nobody_finds_what_is_not_theirs() {
    let world = World::new().await;
    let ctx = world.ctx();
    world.mkdir(&ctx, "root", "secret plan").await;
    world.settle().await;
    assert_eq!(world.names(&ctx, "secret").await, ["secret plan"]);
    let colleague = world.as_account(AccountId::new());
    let guest = Ctx::account(world.tenant, AccountId::new(), SessionId::new(), Role::Guest);
    let stranger = Ctx::account(TenantId::new(), world.account, SessionId::new(), Role::Owner);
    for other in [&colleague, &guest, &stranger] {
        for query in ["secret", "secrte"] {
            let answer = world.ask(other, asked(query)).await.unwrap();
            assert!(answer.items.is_empty(), "{query} {answer:?}");
            let facets = answer.facets.unwrap();
            assert_eq!((facets.counted, facets.owners.len()), (0, 0));
            assert!(answer.next_cursor.is_none());
        }
    }
    let system = Ctx::system("x").within(world.tenant);
    assert_eq!(
        world.ask(&system, asked("secret")).await.unwrap_err().code(),
        Code::Unauthenticated
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shared_is_found_below_and_no_longer_once_it_is_taken_back() {
    let world = World::new().await;
    let ctx = world.ctx();
    let (reader, guest) = (AccountId::new(), AccountId::new());
    let outer = world.mkdir(&ctx, "root", "outer plan").await;
    let shared = world.mkdir(&ctx, &outer.id, "shared plan").await;
    let inner = world.mkdir(&ctx, &shared.id, "inner plan").await;
    world.mkdir(&ctx, "root", "private plan").await;
    world.settle().await;
    for account in [reader, guest] {
        world.grant(&shared, account, "viewer").await;
    }
    let reader = world.as_account(reader);
    let guest = Ctx::account(world.tenant, guest, SessionId::new(), Role::Guest);
    for ctx in [&reader, &guest] {
        let answer = world.ask(ctx, asked("plan")).await.unwrap();
        assert_eq!(
            names(&answer),
            ["shared plan", "inner plan"]
                .map(str::to_owned)
                .into_iter()
                .rev()
                .collect::<Vec<_>>()
        );
        // The folder above stays unknown.
        assert_eq!(answer.items[0].path, "shared plan/inner plan");
        let below = v1::SearchRequest {
            r#in: Some(shared.id.clone()),
            ..asked("plan")
        };
        assert_eq!(names(&world.ask(ctx, below).await.unwrap()), ["inner plan"]);
        let above = v1::SearchRequest {
            r#in: Some(outer.id.clone()),
            ..asked("plan")
        };
        assert_eq!(
            world.ask(ctx, above).await.unwrap_err().reason(),
            "node_not_found"
        );
    }
    // Nor is anything found by its name, or by what it carries, whatever lies between.
    world.mark(&ctx, &outer, &["hush"], &[("topic", "merger")]).await;
    world.settle().await;
    for (query, found) in [
        ("outer inner", 0),
        ("outer shared", 0),
        ("inner merger", 0),
        ("hush", 0),
        ("shared inner", 1),
    ] {
        let answer = world.ask(&reader, asked(query)).await.unwrap();
        assert_eq!(answer.items.len(), found, "{query}");
        assert_eq!(answer.facets.unwrap().counted as usize, found, "{query}");
    }
    assert_eq!(world.names(&ctx, "outer inner").await, ["inner plan"]);
    // Cut off from above: not for them any more, though nothing was indexed since.
    let inner_id = inner.id.parse::<bitvault_platform::ids::NodeId>().unwrap().0;
    world
        .admin(&format!(
            "UPDATE files.nodes SET inherits = false WHERE id = '{inner_id}'"
        ))
        .await;
    assert_eq!(world.names(&reader, "plan").await, ["shared plan"]);
    world.admin("DELETE FROM files.grants").await;
    assert!(world.names(&reader, "plan").await.is_empty());
    assert_eq!(world.names(&ctx, "plan").await.len(), 4);
}

/// All of a tree was shared but for a folder that is closed, and below that one something again.
#[tokio::test(flavor = "multi_thread")]
async fn folders_that_one_may_not_see_lead_to_nothing_below_them() {
    let world = World::new().await;
    let ctx = world.ctx();
    let reader = AccountId::new();
    let closed = world.mkdir(&ctx, "root", "closed zebra").await;
    let open = world.mkdir(&ctx, &closed.id, "open box").await;
    let home = v1::Node {
        id: bitvault_platform::ids::NodeId(world.account.0).to_string(),
        ..closed.clone()
    };
    world.grant(&home, reader, "viewer").await;
    world.grant(&open, reader, "viewer").await;
    let closing = v1::SetInheritanceRequest {
        node_id: closed.id.clone(),
        inherits: false,
    };
    world.files.set_inheritance(ctx.request(closing)).await.unwrap();
    world.settle().await;
    let reader = world.as_account(reader);
    assert_eq!(world.names(&ctx, "zebra box").await, ["open box"]);
    assert_eq!(world.names(&reader, "box").await, ["open box"]);
    for query in ["zebra box", "zebra", "closed"] {
        let answer = world.ask(&reader, asked(query)).await.unwrap();
        assert!(answer.items.is_empty(), "{query} {answer:?}");
        assert_eq!(answer.facets.unwrap().counted, 0, "{query}");
        assert_eq!(answer.next_cursor, None, "{query}");
    }
}

/// Roles that come from a group, through grants and spaces, and their end: at once, though nothing is indexed meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_group_may_see_is_found_while_one_belongs_to_it() {
    let world = World::new().await;
    let ctx = world.ctx();
    let administrator = Ctx::account(world.tenant, world.account, SessionId::new(), Role::Admin);
    let (first, second) = (AccountId::new(), AccountId::new());
    let name = "crew".to_owned();
    let group = world
        .files
        .create_group(administrator.request(v1::CreateGroupRequest { name }));
    let group = group.await.unwrap().into_inner().id;
    let member = |account: AccountId| {
        administrator.request(v1::GroupMemberRequest {
            group_id: group.clone(),
            account_id: account.to_string(),
        })
    };
    for account in [first, second] {
        world.files.put_group_member(member(account)).await.unwrap();
    }
    let space = v1::CreateSpaceRequest {
        name: "Bridge".to_owned(),
        group_id: group.clone(),
        idempotency_key: None,
    };
    let space = world
        .files
        .create_space(administrator.request(space))
        .await
        .unwrap();
    let space = space.into_inner().node.unwrap();
    let (as_first, as_second) = (world.as_account(first), world.as_account(second));
    world.mkdir(&as_first, &space.id, "chart of the space").await;
    let shared = world.mkdir(&ctx, "root", "chart shared").await;
    let closed = world.mkdir(&ctx, &shared.id, "chart closed").await;
    world.mkdir(&ctx, "root", "chart private").await;
    let give = v1::PutGrantRequest {
        node_id: shared.id.clone(),
        subject_id: group.clone(),
        role: "viewer".to_owned(),
    };
    world.files.put_grant(ctx.request(give)).await.unwrap();
    world.settle().await;
    let found = |ctx: Ctx| {
        let world = &world;
        async move {
            let answer = world.ask(&ctx, asked("chart")).await.unwrap();
            let mut names = names(&answer);
            names.sort_unstable();
            // Nor is counted what is not shown.
            assert_eq!(answer.facets.unwrap().counted as usize, names.len());
            names
        }
    };
    let all = ["chart closed", "chart of the space", "chart shared"];
    assert_eq!(found(as_first.clone()).await, all);
    assert_eq!(found(as_second.clone()).await, all);
    let outsider = world.as_account(AccountId::new());
    assert!(found(outsider).await.is_empty());

    let cut = v1::SetInheritanceRequest {
        node_id: closed.id.clone(),
        inherits: false,
    };
    world.files.set_inheritance(ctx.request(cut)).await.unwrap();
    assert_eq!(found(as_first.clone()).await, all[1..]);
    assert_eq!(
        found(ctx.clone()).await.len(),
        3,
        "whose home it is sees it still"
    );
    let left = world.files.delete_group_member(member(second)).await;
    left.unwrap();
    assert!(found(as_second).await.is_empty());
    assert_eq!(found(as_first.clone()).await, all[1..]);
    let take = v1::DeleteGrantRequest {
        node_id: shared.id.clone(),
        subject_id: group.clone(),
    };
    world.files.delete_grant(ctx.request(take)).await.unwrap();
    assert_eq!(found(as_first).await, ["chart of the space"]);
}

/// More nodes below what was shared than are looked through one by one: then candidates are followed upwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_shared_folder_is_searched_as_well() {
    let world = World::new().await;
    let ctx = world.ctx();
    let reader = AccountId::new();
    let shared = world.mkdir(&ctx, "root", "shared").await;
    world.mkdir(&ctx, "root", "needle private").await;
    let inner = world.mkdir(&ctx, &shared.id, "inner").await;
    world.mkdir(&ctx, &inner.id, "needle shared").await;
    world.grant(&shared, reader, "viewer").await;
    world.settle().await;
    let parent = inner.id.parse::<bitvault_platform::ids::NodeId>().unwrap().0;
    world
        .admin(&format!(
            "INSERT INTO search.entries (tenant_id, node_id, tree_id, parent_id, is_folder, name_key, words, family,
                                         updated_at, revision)
             SELECT tenant_id, gen_random_uuid(), tree_id, '{parent}', false, 'filler', ' filler ', 'other', now(), 1
             FROM search.entries, generate_series(1, 2500) WHERE node_id = '{parent}'"
        ))
        .await;
    let reader = world.as_account(reader);
    assert_eq!(world.names(&reader, "needle").await, ["needle shared"]);
    assert_eq!(world.names(&reader, "needel").await, ["needle shared"]);
    let below = v1::SearchRequest {
        r#in: Some(shared.id),
        ..asked("needle")
    };
    assert_eq!(names(&world.ask(&ctx, below).await.unwrap()), ["needle shared"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_sql_as_the_modules_role_shows_one_tenant_at_a_time() {
    let world = World::new().await;
    world.mkdir(&world.ctx(), "root", "secret").await;
    world.settle().await;
    let mut raw = PgConnection::connect(&world.database.role_url(DbRole::Search))
        .await
        .unwrap();
    for setting in ["''", "'00000000-0000-7000-8000-000000000001'"] {
        for table in ["entries", "words", "postings", "trigrams"] {
            sqlx::raw_sql(AssertSqlSafe(format!("SET app.tenant = {setting}")))
                .execute(&mut raw)
                .await
                .unwrap();
            let sql = AssertSqlSafe(format!("SELECT count(*) FROM search.{table}"));
            let seen: i64 = sqlx::query_scalar(sql).fetch_one(&mut raw).await.unwrap();
            assert_eq!(seen, 0, "{table} with {setting}");
        }
    }
    for sql in [
        "SELECT FROM files.nodes",
        "INSERT INTO search.words (tenant_id, tree_id, word, nodes) VALUES (gen_random_uuid(), gen_random_uuid(), 'x', 1)",
        "UPDATE search.cursors SET tenant_id = gen_random_uuid()",
    ] {
        let refused = sqlx::raw_sql(sql).execute(&mut raw).await.unwrap_err();
        let code = refused
            .as_database_error()
            .and_then(|error| error.code())
            .unwrap_or_default();
        assert_eq!(code, "42501", "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_somebody_was_found_to_see_something_is_looked_up_anew_when_that_changes() {
    let world = World::new().await;
    let ctx = world.ctx();
    let first = world.mkdir(&ctx, "root", "first plan").await;
    let second = world.mkdir(&ctx, "root", "second plan").await;
    let elsewhere = world.mkdir(&ctx, "root", "elsewhere").await;
    let reader = AccountId::new();
    world.grant(&first, reader, "viewer").await;
    world.settle().await;
    let reader = world.as_account(reader);
    assert_eq!(world.names(&reader, "plan").await, ["first plan"]);
    // Given: found by the next search.
    world.grant(&second, reader.account_id().unwrap(), "viewer").await;
    let mut found = world.names(&reader, "plan").await;
    found.sort();
    assert_eq!(found, ["first plan", "second plan"]);
    // A folder that is searched goes elsewhere, and out of sight.
    let below = v1::SearchRequest {
        r#in: Some(second.id.clone()),
        ..asked("plan")
    };
    world.mkdir(&ctx, &second.id, "plan below").await;
    world.settle().await;
    assert_eq!(
        names(&world.ask(&reader, below.clone()).await.unwrap()),
        ["plan below"]
    );
    world.mv(&ctx, &second, None, Some(&elsewhere.id)).await;
    world.settle().await;
    assert_eq!(
        names(&world.ask(&reader, below.clone()).await.unwrap()),
        ["plan below"]
    );
    world.admin("DELETE FROM files.grants").await;
    assert_eq!(
        world.ask(&reader, below).await.unwrap_err().reason(),
        "node_not_found"
    );
    assert!(world.names(&reader, "plan").await.is_empty());
}
