//! How Postgres plans the queries of the module before it has statistics: such a plan is kept while tables grow.

use bitvault_platform::db::DbRole;
use bitvault_testing::TestDatabase;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::path::Path;

/// Queries that may read more than they answer, each with its reason, by how they begin.
const EXCUSED: [(&str, &str); 9] = [
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
        "UPDATE files.thinning t SET due_at = $2 WHERE t.ctid",
        "it takes a bounded number of any rows of the tenant",
    ),
    (
        "SELECT h.epoch AS \"epoch!\"",
        "the tenant is the whole key of that table",
    ),
];

/// The checked queries of this crate with their parameters' types.
fn queries() -> Vec<(String, Vec<String>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.sqlx");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let parsed = files.map(|path| serde_json::from_slice::<Value>(&std::fs::read(path).unwrap()).unwrap());
    let ours = parsed.filter(|query| query["query"].as_str().unwrap().contains("files."));
    ours.map(|query| {
        let types = query["describe"]["parameters"]["Left"].as_array().unwrap();
        let types = types.iter().map(|one| sql_type(one.as_str().unwrap())).collect();
        (query["query"].as_str().unwrap().to_owned(), types)
    })
    .collect()
}

/// sqlx's name of a type as SQL writes it.
fn sql_type(name: &str) -> String {
    match name.strip_suffix("Array") {
        Some(element) => format!("{element}[]"),
        None => name.to_owned(),
    }
}

/// The plan that is kept (the roles keep generic ones), as the first of the module's roles that may run the query.
async fn plan(database: &TestDatabase, sql: &str, types: &[String]) -> String {
    for role in [DbRole::Files, DbRole::Worker] {
        let mut connection = PgConnection::connect(&database.role_url(role)).await.unwrap();
        let (list, nulls) = (types.join(", "), vec!["NULL"; types.len()].join(", "));
        let brackets = |text: &str| {
            if types.is_empty() {
                String::new()
            } else {
                format!("({text})")
            }
        };
        let prepare = format!(
            "SET app.tenant = '00000000-0000-7000-8000-000000000001';
             PREPARE p{} AS {sql}",
            brackets(&list)
        );
        sqlx::raw_sql(AssertSqlSafe(prepare))
            .execute(&mut connection)
            .await
            .unwrap();
        let explain = format!("EXPLAIN (COSTS OFF) EXECUTE p{}", brackets(&nulls));
        let lines = sqlx::raw_sql(AssertSqlSafe(explain))
            .fetch_all(&mut connection)
            .await;
        if let Ok(lines) = lines {
            let lines = lines.iter().map(|line| sqlx::Row::get::<String, _>(line, 0));
            return lines.collect::<Vec<_>>().join("\n");
        }
    }
    panic!("no role may run {sql}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_query_reads_a_whole_table_or_tenant() {
    let database = TestDatabase::new().await.unwrap();
    let queries = queries();
    assert!(queries.len() > 40);
    // Erasing a tenant reads all of it, in bounded steps: that is what it is for.
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let erasing = flat(include_str!("../../src/store/erase.rs"));
    for (sql, types) in queries {
        if erasing.contains(&flat(&sql)) {
            continue;
        }
        let plan = plan(&database, &sql, &types).await;
        let short = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        if EXCUSED.iter().any(|(start, _)| short.starts_with(start)) {
            continue;
        }
        for line in plan.lines().map(str::trim) {
            let whole =
                line.contains("Seq Scan") || line.contains("Hash Join") || line.contains("Merge Join");
            let tenant = line == "Index Cond: (tenant_id = $1)" || line == "Recheck Cond: (tenant_id = $1)";
            assert!(!whole && !tenant, "{line}\n{short}\n{plan}");
        }
    }
}
