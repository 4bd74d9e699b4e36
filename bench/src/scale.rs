//! A tenant of many nodes, and what calls cost there: time, and round trips between daemon and database.
//!
//! The nodes are written by SQL (`scale.sql`); the index is then made by the daemon itself, from the journal's present number
//! and a walk through all folders, which is timed as well. Round trips are counted by pg_stat_statements, over all that the
//! daemon does meanwhile: each statement is one, BEGIN, COMMIT and ROLLBACK as well, for the daemon sends one at a time and waits.
//! Only settings go with the BEGIN before them. `host/files/tests/files/round_trips.rs` looks at the wire itself.

use crate::postgres::{Server, answer};
use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use hdrhistogram::Histogram;
use std::time::{Duration, Instant};

const SCRIPT: &str = include_str!("scale.sql");
/// Homes that the nodes are in.
const TREES: u64 = 10;
/// How long the index may take.
const INDEXED_WITHIN: Duration = Duration::from_secs(3600);

/// How large.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) nodes: u64,
    /// How many folders are in each folder of the two upper levels.
    pub(crate) spread: u64,
}

/// All scales, from small to large.
pub(crate) const ALL: [Scale; 3] = [
    Scale {
        nodes: 10_000,
        spread: 3,
    },
    Scale {
        nodes: 100_000,
        spread: 10,
    },
    Scale {
        nodes: 1_000_000,
        spread: 30,
    },
];

/// A daemon whose tenant has that many nodes.
pub(crate) struct Filled {
    pub(crate) daemon: Daemon,
    /// Half of the nodes are in its home, the others were shared with it.
    pub(crate) caller: Caller,
    pub(crate) server: Server,
    pub(crate) tenant: String,
    pub(crate) home: String,
    /// How long the search index took.
    pub(crate) indexed: Duration,
}

impl Filled {
    /// Starts the daemon and fills it.
    pub(crate) async fn new(scale: Scale) -> Result<Self> {
        let config = "[lite.postgres_settings]\nshared_preload_libraries = \"pg_stat_statements\"\n";
        let mut daemon = Daemon::with_config(config)?;
        daemon.start().await?;
        let caller = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await?;
        let server = Server::of(&daemon)?;
        let home = caller.get("/v1/nodes/root").await?.ok()?;
        let home = home["id"].as_str().context("a home has an id")?;
        let home = home.strip_prefix("nod_").context("a home's id is a node's")?;
        let tenant = server.query(&format!("SELECT tenant_id FROM files.nodes WHERE id = '{home}'"))?;
        let mut filled = Self {
            home: home.to_owned(),
            daemon,
            caller,
            server,
            tenant,
            indexed: Duration::ZERO,
        };
        // Homes are in no index.
        let files = scale.nodes - TREES * scale.spread * (1 + scale.spread);
        filled.play(
            &SCRIPT
                .replace("{nodes}", &scale.nodes.to_string())
                .replace("{spread}", &scale.spread.to_string())
                .replace("{files}", &files.to_string()),
        )?;
        filled.indexed = filled.wait_for_index(scale.nodes).await?;
        filled.server.query("VACUUM ANALYZE")?;
        filled.server.query("CREATE EXTENSION pg_stat_statements")?;
        Ok(filled)
    }

    /// Plays a script of SQL, in which `{tenant}` and `{home}` stand for the ids.
    pub(crate) fn play(&self, script: &str) -> Result<()> {
        let folder = tempfile::tempdir().context("make a folder")?;
        let path = folder.path().join("script.sql");
        let script = script
            .replace("{tenant}", &self.tenant)
            .replace("{home}", &self.home);
        std::fs::write(&path, script).context("write the script")?;
        let mut command = self.server.program("psql");
        command.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--file"]);
        answer(command.arg(&path).arg(&self.server.url)).map(|_| ())
    }

    async fn wait_for_index(&self, nodes: u64) -> Result<Duration> {
        let started = Instant::now();
        let done = "SELECT EXISTS (SELECT FROM search.cursors) AND NOT EXISTS (SELECT FROM search.pending)";
        while self.server.query(done)? != "t" {
            ensure!(started.elapsed() < INDEXED_WITHIN, "the index is not ready");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let took = started.elapsed();
        let indexed: u64 = self
            .server
            .query("SELECT count(*) FROM search.entries")?
            .parse()?;
        ensure!(indexed == nodes, "{indexed} nodes are in the index");
        Ok(took)
    }

    /// Round trips of calls so far, but for what follows the journal meanwhile.
    pub(crate) fn round_trips(&self, counted: Counted) -> Result<RoundTrips> {
        let roles = match counted {
            Counted::Files => "'bitvault_files', 'bitvault_identity', 'bitvault_sharing', 'bitvault_sync'",
            Counted::Search => "'bitvault_files', 'bitvault_identity', 'bitvault_sharing', 'bitvault_search'",
        };
        // Search describes what changed in a transaction of two statements: one that nobody else uses, and one that everybody does. It
        // reads the journal in a transaction of one, and its own cursors in one of two. So each takes its transaction along.
        let counts = self.server.query(&format!(
            "SELECT coalesce(sum(n) FILTER (WHERE role <> 'bitvault_identity'), 0) || ' '
                    || coalesce(sum(n) FILTER (WHERE role = 'bitvault_identity'), 0)
             FROM (SELECT userid::regrole::text AS role,
                          calls * CASE WHEN query LIKE '%created_by?: AccountId%' THEN -3
                                       WHEN query LIKE '%FROM files.journal_heads%' THEN -2
                                       WHEN query LIKE '%search.cursors%' THEN -1
                                       ELSE 1 END AS n
                   FROM pg_stat_statements WHERE toplevel AND query !~* '^SET') counted
             WHERE role IN ({roles})",
        ))?;
        let (calls, sessions) = counts.split_once(' ').context("two numbers")?;
        Ok(RoundTrips {
            calls: calls.parse()?,
            sessions: sessions.parse()?,
        })
    }
}

/// Round trips.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoundTrips {
    calls: i64,
    /// To find out whose session it is, of which each is remembered for some seconds.
    sessions: i64,
}

impl RoundTrips {
    /// How many each of so many calls took since.
    pub(crate) fn since(self, before: Self, calls: usize) -> String {
        let each = |after: i64, before: i64| (after - before) as f64 / calls as f64;
        let besides = match each(self.sessions, before.sessions) {
            ..0.05 => String::new(),
            sessions => format!(", and {sessions:.1} for the session"),
        };
        format!("{:.1} round trips{besides}", each(self.calls, before.calls))
    }
}

/// Whose round trips.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Counted {
    /// Of all modules but search, which follows what changes.
    Files,
    /// Of all.
    Search,
}

/// Durations of calls.
pub(crate) struct Took(Histogram<u64>);

impl Took {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(Histogram::new(3)?))
    }

    /// What the call answers, once its duration is noted.
    pub(crate) async fn note<T>(&mut self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let started = Instant::now();
        let answer = call.await?;
        self.0.record(u64::try_from(started.elapsed().as_micros())?)?;
        Ok(answer)
    }

    pub(crate) fn add(&mut self, other: &Self) -> Result<()> {
        Ok(self.0.add(&other.0)?)
    }

    pub(crate) fn ms(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1000.0
    }
}
