//! Random operations of several users on the real service, compared with a simple model in memory.
//!
//! | variable | says |
//! |---|---|
//! | `BITVAULT_MODEL_SEED` | one run, of this seed, instead of many of random ones |
//! | `BITVAULT_MODEL_STEPS` | steps of a run |
//! | `BITVAULT_MODEL_REPLAY` | a file of steps, as a failure prints them: that run, checked after each step |

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod access;
mod check;
mod choose;
mod copies;
mod drive;
mod journal;
mod model;
mod operation;
mod quotas;
mod request;
mod run;
mod shrink;
#[allow(dead_code, reason = "the suite `files` uses all of it")]
#[path = "../support/mod.rs"]
mod support;
mod tenant;
mod trash;
mod tree;
mod versions;

use operation::Step;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use run::{Coverage, Failed, Passed};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use support::{World, config};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Together 10,000 steps.
const RUNS: usize = 20;
const STEPS: usize = 500;
/// Runs at a time, each in a tenant of its own.
const AT_A_TIME: usize = 6;
/// Steps after which everything is compared.
const PERIOD: usize = 100;

/// What the steps of all runs must have come to at least once, so that the test does not pass by asking for little.
const ENDS: [&str; 24] = [
    "ok",
    "node_not_found",
    "parent_not_found",
    "not_a_folder",
    "not_a_file",
    "role_too_low",
    "folder_not_yours",
    "root_fixed",
    "into_itself",
    "name_taken",
    "nothing_to_change",
    "revision_conflict",
    "version_conflict",
    "not_in_trash",
    "no_place_left",
    "no_home",
    "upload_not_found",
    "upload_gone",
    "grant_not_found",
    "admin_only",
    "group_member_not_found",
    "quota_exceeded",
    "version_current",
    "version_not_found",
];

#[allow(
    clippy::disallowed_methods,
    reason = "whoever replays a failure says so there"
)]
fn said(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

fn number<T: std::str::FromStr>(variable: &str) -> Option<T> {
    said(variable).map(|text| {
        text.parse()
            .ok()
            .unwrap_or_else(|| panic!("{variable}: not a number"))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_several_users_do_comes_out_as_the_model_says() {
    let world = Arc::new(World::new().await);
    let http = reqwest::Client::new();
    if let Some(file) = said("BITVAULT_MODEL_REPLAY") {
        let steps: Vec<Step> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        match run::run(&world, &http, &steps, 1).await {
            Ok(passed) => return end(&world, vec![passed]).await,
            Err(failed) => panic!("{}", report(&steps, &failed)),
        }
    }
    let count = number("BITVAULT_MODEL_STEPS").unwrap_or(STEPS);
    let seeds = match number("BITVAULT_MODEL_SEED") {
        Some(seed) => vec![seed],
        None => (0..RUNS).map(|_| rand::random()).collect(),
    };
    let all = seeds.len() == RUNS && count >= STEPS;
    let passed = run_all(&world, &http, seeds, count).await;
    let mut coverage = Coverage::new();
    for (end, times) in passed.iter().flat_map(|run| &run.coverage) {
        *coverage.entry(end.clone()).or_default() += times;
    }
    end(&world, passed).await;
    for ((request, end), times) in &coverage {
        println!("{times:6} {request}: {end}");
    }
    let ends: BTreeSet<&str> = coverage.keys().map(|(_, end)| end.as_str()).collect();
    let missed: Vec<_> = ENDS.iter().filter(|end| !ends.contains(**end)).collect();
    assert!(!all || missed.is_empty(), "never came to {missed:?}");
}

/// Runs each seed on a tenant of its own. The first that fails is made short and told.
#[allow(
    clippy::print_stderr,
    reason = "to make it short takes a while, and may be cut off"
)]
async fn run_all(world: &Arc<World>, http: &reqwest::Client, seeds: Vec<u64>, count: usize) -> Vec<Passed> {
    let slots = Arc::new(Semaphore::new(AT_A_TIME));
    let mut runs = JoinSet::new();
    for seed in seeds {
        let (world, http, slots) = (Arc::clone(world), http.clone(), Arc::clone(&slots));
        runs.spawn(async move {
            let _slot = slots.acquire_owned().await.unwrap();
            let steps = operation::steps(&mut StdRng::seed_from_u64(seed), count);
            let ended = run::run(&world, &http, &steps, PERIOD).await;
            ended.map_err(|failed| (seed, steps, failed))
        });
    }
    let mut passed = Vec::new();
    while let Some(ended) = runs.join_next().await {
        match ended.unwrap() {
            Ok(run) => passed.push(run),
            Err((seed, steps, failed)) => {
                runs.shutdown().await;
                eprintln!(
                    "BITVAULT_MODEL_SEED={seed} BITVAULT_MODEL_STEPS={count}: {}",
                    failed.wrong
                );
                let (steps, failed) = shrink::shrink(world, http, steps, failed).await;
                panic!("seed {seed}: {}", report(&steps, &failed));
            }
        }
    }
    passed
}

/// What time does by itself. The collector leaves what is there and nothing else; the purge empties the trash.
async fn end(world: &World, mut runs: Vec<Passed>) {
    let config = config();
    let hour = Duration::from_secs(3600);
    world.clock.advance(config.upload_lifetime + hour);
    collect(world, &runs).await;
    for run in &mut runs {
        run.model.expire_uploads();
    }
    world.clock.advance(config.trash.keep + hour);
    world.files.purge_once().await.unwrap();
    for Passed { tenant, model, .. } in &mut runs {
        model.purge();
        check::all(tenant, model)
            .await
            .unwrap_or_else(|wrong| panic!("after the purge: {wrong}"));
    }
    collect(world, &runs).await;
}

/// The store holds the content of all tenants, and nothing else after the collector has run.
async fn collect(world: &World, runs: &[Passed]) {
    for _ in 0..2 {
        world.files.collect_once().await.unwrap();
        world.clock.advance(config().collector.grace * 2);
    }
    let found = world.files.fsck().await.unwrap();
    assert!(found.is_clean(), "{found:?}");
    let blobs: BTreeSet<_> = runs
        .iter()
        .enumerate()
        .flat_map(|(run, passed)| passed.model.blobs().map(move |blob| (run, blob)))
        .collect();
    let blobs = blobs.len() as u64;
    assert_eq!((found.objects_in_store, found.objects_committed), (blobs, blobs));
}

fn report(steps: &[Step], failed: &Failed) -> String {
    format!(
        "after {} steps: {}\n\n{}\n\nreplay with BITVAULT_MODEL_REPLAY and a file of this:\n{}\n",
        failed.steps,
        failed.wrong,
        failed.trace.join("\n"),
        serde_json::to_string(steps).unwrap()
    )
}
