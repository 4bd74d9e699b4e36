//! Searching the nodes of one tenant, up to a million, through the REST API, by somebody who may see all of them.
//!
//! The nodes are written by SQL (`search.sql`); the index is then made by the daemon itself, from the journal's present number
//! and a walk through all folders, which is timed as well. Statements are counted by pg_stat_statements, over all that the
//! daemon does meanwhile, without BEGIN, COMMIT and settings.

use crate::postgres::{Server, answer};
use crate::report::Report;
use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use hdrhistogram::Histogram;
use std::time::{Duration, Instant};

const SCRIPT: &str = include_str!("search.sql");
/// Nodes of the tenant, and how many folders are in each folder of the two upper levels.
const SCALES: [(u64, u64); 3] = [(10_000, 3), (100_000, 10), (1_000_000, 30)];
/// Homes that the nodes are in.
const TREES: u64 = 10;
/// Rounds over all queries; the first one only warms caches.
const ROUNDS: usize = 12;
/// How long the index may take.
const INDEXED_WITHIN: Duration = Duration::from_secs(3600);

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

pub(crate) async fn run(report: &mut Report) -> Result<()> {
    for (nodes, spread) in SCALES {
        at_scale(report, nodes, spread).await?;
    }
    Ok(())
}

async fn at_scale(report: &mut Report, nodes: u64, spread: u64) -> Result<()> {
    let config = "[lite.postgres_settings]\nshared_preload_libraries = \"pg_stat_statements\"\n";
    let mut daemon = Daemon::with_config(config)?;
    daemon.start().await?;
    let caller = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await?;
    let server = Server::of(&daemon)?;
    let took = fill(&caller, &server, nodes, spread).await?;
    report.row(
        &format!("search index of {nodes} nodes made anew"),
        format!("{:.0} s", took.as_secs_f64()),
        format!(
            "{:.0} nodes a second; {}",
            nodes as f64 / took.as_secs_f64(),
            size(&server)?
        ),
        "",
    );
    server.query("CREATE EXTENSION pg_stat_statements")?;

    let mut all = Histogram::<u64>::new(3)?;
    let mut kinds = Vec::new();
    let mut asked = 0_u64;
    let mut before = 0;
    for round in 0..ROUNDS {
        if round == 1 {
            all.reset();
            kinds.clear();
            (asked, before) = (0, statements(&server)?);
        }
        for (at, (_, queries)) in QUERIES.iter().enumerate() {
            if kinds.len() == at {
                kinds.push(Histogram::<u64>::new(3)?);
            }
            for query in *queries {
                let query = query.replace("{n}", &(11 + round).to_string());
                let started = Instant::now();
                caller.get(&format!("/v1/search?{query}")).await?.ok()?;
                let micros = u64::try_from(started.elapsed().as_micros())?;
                all.record(micros)?;
                kinds[at].record(micros)?;
                asked += 1;
            }
        }
    }
    let each = (statements(&server)? - before) as f64 / asked as f64;
    let ms = |took: &Histogram<u64>, quantile: f64| took.value_at_quantile(quantile) as f64 / 1000.0;
    report.row(
        &format!("search among {nodes} nodes, p99"),
        format!("{:.1} ms", ms(&all, 0.99)),
        format!("p50 {:.1} ms; {each:.1} SQL statements a query", ms(&all, 0.5)),
        "≤ 50 ms",
    );
    for ((kind, _), took) in QUERIES.iter().zip(&kinds) {
        report.row(
            &format!("— {kind}"),
            format!("{:.1} ms", ms(took, 0.99)),
            format!("p50 {:.1} ms", ms(took, 0.5)),
            "",
        );
    }
    Ok(())
}

/// Writes the nodes and waits until the index holds them; answers how long that took.
async fn fill(caller: &Caller, server: &Server, nodes: u64, spread: u64) -> Result<Duration> {
    let home = caller.get("/v1/nodes/root").await?.ok()?;
    let home = home["id"].as_str().context("a home has an id")?;
    let home = home.strip_prefix("nod_").context("a home's id is a node's")?;
    let tenant = server.query(&format!("SELECT tenant_id FROM files.nodes WHERE id = '{home}'"))?;
    let folder = tempfile::tempdir().context("make a folder")?;
    let script = folder.path().join("search.sql");
    // Homes are in no index.
    let files = nodes - TREES * spread * (1 + spread);
    let text = SCRIPT
        .replace("{tenant}", &tenant)
        .replace("{home}", home)
        .replace("{nodes}", &nodes.to_string())
        .replace("{spread}", &spread.to_string())
        .replace("{files}", &files.to_string());
    std::fs::write(&script, text).context("write the script")?;
    let mut command = server.program("psql");
    command.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--file"]);
    answer(command.arg(&script).arg(&server.url))?;
    let started = Instant::now();
    let done = "SELECT EXISTS (SELECT FROM search.cursors) AND NOT EXISTS (SELECT FROM search.pending)";
    while server.query(done)? != "t" {
        ensure!(started.elapsed() < INDEXED_WITHIN, "the index is not ready");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let took = started.elapsed();
    let indexed: u64 = server.query("SELECT count(*) FROM search.entries")?.parse()?;
    ensure!(indexed == nodes, "{indexed} nodes are in the index");
    server.query("VACUUM ANALYZE")?;
    Ok(took)
}

fn size(server: &Server) -> Result<String> {
    server.query(
        "SELECT pg_size_pretty(sum(pg_total_relation_size(oid))) FROM pg_class
         WHERE relnamespace = 'search'::regnamespace AND relkind = 'r'",
    )
}

fn statements(server: &Server) -> Result<u64> {
    let calls = server.query(
        "SELECT sum(calls) FROM pg_stat_statements
         WHERE toplevel AND query !~* '^(BEGIN|COMMIT|ROLLBACK|SET)' AND query NOT LIKE '%pg_stat_statements%'
           AND userid::regrole::text IN ('bitvault_files', 'bitvault_search', 'bitvault_identity')
           AND query NOT LIKE '%journal_heads%' AND query NOT LIKE '%search.cursors%'",
    )?;
    Ok(calls.parse()?)
}
