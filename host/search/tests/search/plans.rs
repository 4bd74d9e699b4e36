//! How Postgres plans the queries of the module before it has statistics: such a plan is kept while tables grow.

use bitvault_platform::db::DbRole;
use bitvault_testing::TestDatabase;
use bitvault_testing::plans::{self, flat};

/// Queries that may read more than they answer, each with its reason, by how they begin.
const EXCUSED: [(&str, &str); 1] = [(
    "SELECT count(*) AS \"count!\" FROM search.entries",
    "a rebuild counts what it made",
)];

#[tokio::test(flavor = "multi_thread")]
async fn no_query_reads_a_whole_table_or_tenant() {
    let database = TestDatabase::new().await.unwrap();
    let queries = plans::queries("search").unwrap();
    assert!(queries.len() > 15);
    let mut wrong = Vec::new();
    for query in queries {
        let short = flat(&query.0);
        let plan = plans::plan(&database, &[DbRole::Search], &query).await.unwrap();
        let by_tenant = short.contains("search.cursors") || short.contains("search.pending");
        if by_tenant || EXCUSED.iter().any(|(start, _)| short.starts_with(start)) {
            continue;
        }
        if plans::whole(&plan).is_some() {
            wrong.push(format!("{short}\n{plan}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
