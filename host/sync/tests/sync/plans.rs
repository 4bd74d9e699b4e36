//! How Postgres plans the queries of the module before it has statistics: such a plan is kept while tables grow.

use bitvault_platform::db::DbRole;
use bitvault_testing::TestDatabase;
use bitvault_testing::plans::{self, flat};

#[tokio::test(flavor = "multi_thread")]
async fn no_query_reads_a_whole_table_or_tenant() {
    let database = TestDatabase::new().await.unwrap();
    let queries = plans::queries("sync").unwrap();
    assert!(queries.len() > 10);
    // Erasing a tenant reads all of it, in bounded steps: that is what it is for.
    let erasing = flat(include_str!("../../src/store/erase.rs"));
    let mut wrong = Vec::new();
    for query in queries {
        let short = flat(&query.0);
        if erasing.contains(&short) {
            continue;
        }
        let plan = plans::plan(&database, &[DbRole::Sync], &query).await.unwrap();
        if plans::whole(&plan).is_some() {
            wrong.push(format!("{short}\n{plan}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
