//! How Postgres plans the queries of the module before it has statistics: such a plan is kept while tables grow.

use crate::support::{World, version};
use bitvault_platform::db::DbRole;
use bitvault_platform::ids::NodeId;
use bitvault_testing::TestDatabase;
use bitvault_testing::plans::{self, flat};

/// Queries that may read more than they answer, each with its reason, by how they begin.
const EXCUSED: [(&str, &str); 9] = [
    (
        "SELECT v.id AS \"id!: VersionId\" FROM files.objects o",
        "fsck asks for what is missing only",
    ),
    (
        "SELECT n.id AS \"tree!: NodeId\"",
        "fsck counts everything anew; it finds the trees by the root",
    ),
    (
        "SELECT q.node_id AS \"node!: NodeId\", q.used_bytes AS \"used!\"",
        "fsck counts everything anew; it looks at each quota of the tenant",
    ),
    (
        "SELECT n.id AS \"node!: NodeId\", n.size AS \"listed!\"",
        "fsck compares the size of each node of the tenant",
    ),
    (
        "UPDATE files.thinning t SET due_at = $2 WHERE t.ctid",
        "it takes a bounded number of any rows of the tenant",
    ),
    (
        "UPDATE files.journal_heads SET epoch",
        "an older state concerns every journal",
    ),
    ("SELECT id FROM files.high_water", "that table has one row"),
    ("SELECT mark FROM files.high_water", "that table has one row"),
    ("UPDATE files.high_water", "that table has one row"),
];

#[tokio::test(flavor = "multi_thread")]
async fn no_query_reads_a_whole_table_or_tenant() {
    let database = TestDatabase::new().await.unwrap();
    let queries = plans::queries("files").unwrap();
    assert!(queries.len() > 40);
    // Erasing a tenant reads all of it, in bounded steps: that is what it is for.
    let erasing = flat(include_str!("../../src/store/erase.rs"));
    for query in queries {
        let short = flat(&query.0);
        if erasing.contains(&short) {
            continue;
        }
        let plan = plans::plan(&database, &[DbRole::Files, DbRole::Worker], &query)
            .await
            .unwrap();
        if EXCUSED.iter().any(|(start, _)| short.starts_with(start)) {
            continue;
        }
        assert_eq!(plans::whole(&plan), None, "{short}\n{plan}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_purge_reads_nothing_of_other_tenants() {
    let database = TestDatabase::new().await.unwrap();
    let mut looked_at = 0;
    for query in plans::queries("files").unwrap() {
        if flat(&query.0).contains("FROM files.nodes WHERE trashed_at IS NOT NULL AND tenant_id") {
            let plan = plans::plan(&database, &[DbRole::Worker], &query).await.unwrap();
            assert!(
                plan.contains("nodes_trashed_of_tenant") && !plan.contains("Sort"),
                "{plan}"
            );
            looked_at += 1;
        }
    }
    assert_eq!(
        looked_at, 2,
        "who has anything in the trash, and what is due of it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_in_a_folder_is_found_without_reading_the_folder() {
    let database = TestDatabase::new().await.unwrap();
    let mut found = 0;
    for query in plans::queries("files").unwrap() {
        let plan = plans::plan(&database, &[DbRole::Files, DbRole::Worker], &query)
            .await
            .unwrap();
        assert_eq!(name_among_all(&plan), None, "{}\n{plan}", flat(&query.0));
        found += usize::from(plan.contains("nodes_name"));
    }
    assert!(found > 3, "{found} queries look for a name");
}

/// The plans of what is done within the functions that the module calls, each by how it is called.
async fn within_functions(world: &World) -> Vec<(String, Vec<String>)> {
    let folder = world.mkdir("root", "folder").await.unwrap();
    world.put(&folder.id, "file", b"content").await.unwrap();
    let (tenant, home) = (world.tenant.0, world.account.0);
    let mut calls = vec![
        format!(
            "files.sight('{tenant}', '{{{home}}}', '{{{home}}}', true, '{{{home}}}', '{{{home}}}', '{{folder}}')"
        ),
        format!("files.look_up('{tenant}', '{{{home}}}', '{home}', '{{folder,file}}')"),
        format!("files.visible('{tenant}', '{home}', '{{{home}}}', '{{{home}}}', 10)"),
    ];
    // What is locked and written is written of one folder, which is moved and copied.
    let (id, at) = (folder.id.parse::<NodeId>().unwrap().0, "2026-01-01T00:00:00Z");
    let kept = r"'key', decode(repeat('00', 32), 'hex'), '\x00'";
    let one = format!("ARRAY['{id}'::uuid]");
    calls.extend([
        format!(
            "files.lock_and_see('{tenant}', '{tenant}', {one}, ARRAY['{home}'::uuid], '{{}}', '{home}', 'key', {one}, {one},
                                ARRAY[NULL::uuid], '{{other}}')"
        ),
        format!(
            "files.move('{tenant}', '{home}', '{at}', {one}, ARRAY['{home}'::uuid], '{{other}}', '{{other}}', '{{2}}', true,
                        {one}, {kept}, {one}, '{{moved}}', ARRAY[NULL::uuid], '{{2}}', ARRAY['{home}'::uuid],
                        ARRAY['{home}'::uuid], '{{t}}', ARRAY[files.new_id()], '{{node.moved}}', ARRAY['{{}}'::jsonb],
                        ARRAY[NULL::text])"
        ),
        format!(
            "files.copy('{tenant}', '{home}', '{at}', '{id}', true, files.new_id(), files.new_id(), '{home}', 'copy', 'copy',
                        10, {one}, true, NULL, NULL, NULL, NULL)"
        ),
    ]);
    // Two uploads, which become a file that is a conflicted copy and a version of that one.
    let file = world.put(&folder.id, "other", b"content").await.unwrap();
    let items = vec![
        crate::support::file(&folder.id, "sent", b"content"),
        version(&file.id, None, b"content"),
    ];
    for item in world.start(&world.ctx(), items).await {
        item.unwrap();
    }
    let file = file.id.parse::<NodeId>().unwrap().0;
    let all = |column: &str| {
        format!("(SELECT array_agg({column} ORDER BY id) FROM files.uploads WHERE committed_node IS NULL)")
    };
    let (uploads, objects) = (all("id"), all("object_id"));
    let (new, account) = ("files.new_id()", format!("'{home}'::uuid"));
    calls.extend([
        format!("files.find_uploads('{tenant}', {uploads})"),
        format!(
            "files.lock_uploads('{tenant}', ARRAY[{account}], '{{{file}, {id}}}', true, {uploads}, {objects}, {one}, '{{sent}}')"
        ),
        format!(
            "files.commit_uploads('{tenant}', '{at}', {uploads}, {objects}, ARRAY[{new}, {new}], ARRAY[{new}, {new}],
                        ARRAY[{new}, '{file}'], ARRAY['{id}'::uuid, NULL], ARRAY['sent', NULL], ARRAY['sent', NULL], '{{1, 2}}',
                        '{{7, 7}}', ARRAY[sha256('content'), sha256('content')], '{{true, true}}', '{{a/b, a/b}}',
                        ARRAY['d', NULL], ARRAY[{account}, {account}], ARRAY[{new}, NULL], ARRAY['{file}'::uuid, NULL],
                        ARRAY[NULL::uuid, NULL], '{{created, updated}}', ARRAY[{new}, {new}],
                        '{{version.created, version.created}}', ARRAY['{{}}'::jsonb, '{{}}'], ARRAY[NULL::text, NULL])"
        ),
    ]);
    let listed = format!("'{tenant}', '{home}', false, '{home}', 10");
    for way in ["", "_down"] {
        calls.push(format!("files.children_by_name{way}({listed}, 'd')"));
        calls.push(format!("files.children_by_size{way}({listed}, 0, '{home}')"));
        for order in ["updated", "created"] {
            calls.push(format!(
                "files.children_by_{order}{way}({listed}, now(), '{home}')"
            ));
        }
    }
    let mut plans = Vec::new();
    for call in calls {
        let sql = format!("SELECT * FROM {call}");
        let within = plans::within(&world.database, DbRole::Files, tenant, &sql)
            .await
            .unwrap();
        // That of the call itself comes last.
        assert!(within.len() > 1, "{call} does nothing: {within:#?}");
        plans.push((call, within));
    }
    plans
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_within_a_function_reads_more_than_it_is_about() {
    for (call, plans) in within_functions(&World::new().await).await {
        for plan in plans {
            assert_eq!(plans::whole(&plan), None, "{call}\n{plan}");
            assert_eq!(name_among_all(&plan), None, "{call}\n{plan}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_folder_is_read_in_the_order_of_an_index() {
    let mut orders = 0;
    for (call, plans) in within_functions(&World::new().await).await {
        let Some(order) = call.strip_prefix("files.children_by_") else {
            continue;
        };
        let column = order.split(['_', '(']).next().unwrap_or_default();
        let plan = plans.concat();
        assert!(
            plan.contains(&format!("nodes_{column}")) && !plan.contains("Sort"),
            "{order}\n{plan}"
        );
        orders += 1;
    }
    assert_eq!(orders, 8);
}

/// The line of a plan that looks for a name among all of a folder.
fn name_among_all(plan: &str) -> Option<&str> {
    plan.lines()
        .map(str::trim)
        .filter(|line| line.starts_with("Filter:"))
        .find(|line| line.contains("name_key =") || line.contains("name_key >="))
}
