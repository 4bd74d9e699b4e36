//! How Postgres plans the queries of the module before it has statistics: such a plan is kept while tables grow.

use bitvault_platform::db::DbRole;
use bitvault_testing::TestDatabase;
use bitvault_testing::plans::{self, flat};

/// Queries that may read more than they answer, each with its reason, by how they begin.
const EXCUSED: [(&str, &str); 15] = [
    (
        "WITH head AS ( UPDATE files.journal_heads",
        "the tenant is the whole key of that table",
    ),
    (
        "WITH head AS ( INSERT INTO files.journal_heads",
        "the tenant is the whole key of home_quotas",
    ),
    (
        "SELECT max_bytes FROM files.home_quotas",
        "the tenant is the whole key of that table",
    ),
    (
        "DELETE FROM files.home_quotas",
        "the tenant is the whole key of that table",
    ),
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
        "DELETE FROM files.journal WHERE tenant_id = $1 AND seq <",
        "the tenant is the whole key of journal_heads",
    ),
    (
        "SELECT h.epoch AS \"epoch!\"",
        "the tenant is the whole key of that table",
    ),
    (
        "UPDATE files.journal_heads SET epoch",
        "an older state concerns every journal; of one tenant, that is the whole key",
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
        let read = plan
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("Filter:"))
            .find(|line| line.contains("name_key =") || line.contains("name_key >="));
        assert_eq!(read, None, "{}\n{plan}", flat(&query.0));
        found += usize::from(plan.contains("nodes_name"));
    }
    assert!(found > 3, "{found} queries look for a name");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_folder_is_read_in_the_order_of_an_index() {
    let database = TestDatabase::new().await.unwrap();
    let mut orders = Vec::new();
    for query in plans::queries("files").unwrap() {
        let short = flat(&query.0);
        let Some((_, order)) = short.rsplit_once(" ORDER BY n.") else {
            continue;
        };
        if !short.contains("AND n.parent_id = $2 AND n.trashed_at IS NULL") {
            continue;
        }
        let plan = plans::plan(&database, &[DbRole::Files], &query).await.unwrap();
        let column = order.split([',', ' ']).next().unwrap_or_default();
        let index = match column {
            "name_key" => "nodes_name",
            other => &format!("nodes_{}", other.trim_end_matches("_at")),
        };
        assert!(plan.contains(index) && !plan.contains("Sort"), "{order}\n{plan}");
        orders.push(order.to_owned());
    }
    orders.sort_unstable();
    assert_eq!(
        orders,
        [
            "created_at DESC, n.id DESC",
            "created_at, n.id",
            "name_key",
            "name_key DESC",
            "size DESC, n.id DESC",
            "size, n.id",
            "updated_at DESC, n.id DESC",
            "updated_at, n.id",
        ]
    );
}
