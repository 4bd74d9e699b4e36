//! Searching the nodes of one tenant, up to a million, through the REST API, by somebody who may see all of them.

use crate::report::Report;
use crate::scale::{Counted, Filled, Scale, Took};
use anyhow::Result;

/// How often each query is asked.
const ROUNDS: usize = 11;

/// Queries by what they try. `{n}` is another number in each round.
const QUERIES: [(&str, &[&str]); 7] = [
    (
        "beginning of a word",
        &["q=rep", "q=inv", "q=mee", "q=quart", "q=b"],
    ),
    (
        "two words",
        &[
            "q=annual+report",
            "q=quarterly+sales",
            "q=budget+20{n}",
            "q=notes+dra",
            "q=team+letter",
        ],
    ),
    (
        "misspelled",
        &[
            "q=quaterly",
            "q=reprot+anual",
            "q=invioce",
            "q=markting",
            "q=xylofone",
        ],
    ),
    (
        "rare",
        &[
            "q=IMG_00{n}",
            "q=img+99{n}+{n}",
            "q=2013-0{n}-17",
            "q=zozazezu",
            "q=hiring+archive+v{n}",
        ],
    ),
    (
        "very common word",
        &["q=report", "q=jpg", "q=pdf", "q=img", "q=invoice"],
    ),
    (
        "filtered",
        &[
            "q=report&type=image",
            "q=invoice&modified_after=2025-01-01T00:00:00Z",
            "q=meeting&owner=me&type=document",
            "q=plan&min_size=100000000",
            "q=notes&in=root&type=text",
        ],
    ),
    (
        "words of the path",
        &["q=report+1-1", "q=budget+1{n}-2", "q=roadmap+20{n}-03"],
    ),
];

pub(crate) async fn run(report: &mut Report, filled: &Filled, scale: Scale) -> Result<()> {
    let nodes = scale.nodes;
    let seconds = filled.indexed.as_secs_f64();
    report.row(
        &format!("search index of {nodes} nodes made anew"),
        format!("{seconds:.0} s"),
        format!("{:.0} nodes a second; {}", nodes as f64 / seconds, size(filled)?),
        "",
    );
    for (_, queries) in QUERIES {
        // The first time only warms caches.
        ask(filled, queries, 0, &mut Took::new()?).await?;
    }
    let before = filled.round_trips(Counted::Search)?;
    let mut all = Took::new()?;
    let mut kinds = Vec::new();
    let mut asked = 0;
    for (kind, queries) in QUERIES {
        let mut took = Took::new()?;
        for round in 1..=ROUNDS {
            ask(filled, queries, round, &mut took).await?;
            asked += queries.len();
        }
        all.add(&took)?;
        kinds.push((kind, took));
    }
    let each = filled.round_trips(Counted::Search)?.since(before, asked);
    report.row(
        &format!("search among {nodes} nodes, p99"),
        format!("{:.1} ms", all.ms(0.99)),
        format!("p50 {:.1} ms; {each}", all.ms(0.5)),
        "≤ 50 ms",
    );
    for (kind, took) in kinds {
        report.row(
            &format!("— {kind}"),
            format!("{:.1} ms", took.ms(0.99)),
            format!("p50 {:.1} ms", took.ms(0.5)),
            "",
        );
    }
    Ok(())
}

async fn ask(filled: &Filled, queries: &[&str], round: usize, took: &mut Took) -> Result<()> {
    for query in queries {
        let query = query.replace("{n}", &(11 + round).to_string());
        let found = took
            .note(filled.caller.get(&format!("/v1/search?{query}")))
            .await?;
        found.ok()?;
    }
    Ok(())
}

fn size(filled: &Filled) -> Result<String> {
    filled.server.query(
        "SELECT pg_size_pretty(sum(pg_total_relation_size(oid))) FROM pg_class
         WHERE relnamespace = 'search'::regnamespace AND relkind = 'r'",
    )
}
