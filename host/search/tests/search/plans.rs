//! How Postgres plans the queries of the module before it has statistics: such a plan is kept while tables grow. And how many of
//! them a search takes.

use crate::support::{World, asked};
use bitvault_platform::db::DbRole;
use bitvault_platform::ids::{AccountId, NodeId};
use bitvault_proto::v1;
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
    assert!(queries.len() > 12, "{}", queries.len());
    let mut wrong = Vec::new();
    for query in queries {
        let short = flat(&query.0);
        let plan = plans::plan(&database, &[DbRole::Search], &query).await.unwrap();
        if short.contains("search.pending") || EXCUSED.iter().any(|(start, _)| short.starts_with(start)) {
            continue;
        }
        if plans::whole(&plan).is_some() {
            wrong.push(format!("{short}\n{plan}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_does_any_within_a_search() {
    let world = World::new().await;
    let ctx = world.ctx();
    let folder = world.mkdir(&ctx, "root", "annual sales").await;
    for name in ["report of sales", "report of costs", "budget"] {
        world.mkdir(&ctx, &folder.id, name).await;
    }
    world.settle().await;
    // By name, by path and by words that are spelled alike, in a whole tree and below a folder.
    let (tenant, home) = (world.tenant.0, world.account.0);
    let folder = folder.id.parse::<NodeId>().unwrap().0;
    let search = format!(
        "SELECT search.find('{tenant}', '{{{home},{folder}}}', 'reprot sales', '{{reprot,sales}}', '{{}}', '{{0,0,0,0}}',
                            '{{\"  r\",\" re\",rep,epr}}',
                            ROW(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{{}}')::search.filters,
                            ROW(NULL, NULL, NULL)::search.rank, 20)"
    );
    let plans = plans::within(&world.database, DbRole::Search, world.tenant.0, &search)
        .await
        .unwrap();
    for part in [
        "FROM search.words",
        "FROM search.postings",
        "FROM search.trigrams",
        "RECURSIVE down",
        "named AS",
    ] {
        assert!(plans.iter().any(|plan| plan.contains(part)), "{part}: {plans:#?}");
    }
    let wrong: Vec<_> = plans.iter().filter(|plan| plans::whole(plan).is_some()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_takes_two_round_trips() {
    let world = World::on(TestDatabase::counted().await.unwrap());
    let turns = world.database.turns();
    let ctx = world.ctx();
    let folder = world.mkdir(&ctx, "root", "annual sales").await;
    world.mkdir(&ctx, &folder.id, "report").await;
    let reader = AccountId::new();
    world.grant(&folder, reader, "viewer").await;
    world.settle().await;
    let reader = world.as_account(reader);
    let within = v1::SearchRequest {
        r#in: Some(folder.id.clone()),
        ..asked("report")
    };
    // The first one prepares the statements.
    world.ask(&ctx, asked("first")).await.unwrap();
    // By name, by path, by words that are spelled alike, nothing at all, and below a folder.
    for (query, found) in [
        (asked("report"), 1),
        (asked("sales report"), 1),
        (asked("reprot"), 1),
        (asked("zebra"), 0),
        (within, 1),
    ] {
        let (answer, taken) = turns.of(world.ask(&ctx, query.clone())).await;
        assert_eq!(answer.unwrap().items.len(), found, "{query:?}");
        assert_eq!(taken.len(), 2, "{query:?} {taken:#?}");
        // Whom a role lets in pays once for what is remembered then.
        let (_, taken) = turns.of(world.ask(&reader, query.clone())).await;
        assert!(taken.len() <= 4, "{query:?} {taken:#?}");
        let (answer, taken) = turns.of(world.ask(&reader, query.clone())).await;
        assert_eq!(answer.unwrap().items.len(), found, "{query:?}");
        assert_eq!(taken.len(), 2, "{query:?} {taken:#?}");
    }
}
