//! Benchmarks of the whole product: the release binaries against a peer or a floor, side by side in one run, because
//! machines are noisy and only ratios travel. `cargo xtask bench` builds, runs this and keeps what it prints in
//! `docs/benchmarks.md`.

mod chain;
mod large;
mod listing;
mod namespace;
mod plugin;
mod postgres;
mod process;
mod report;
mod scale;
mod search;
mod start;
mod statements;
mod sync;
mod tree;

use anyhow::{Result, bail};
use report::Report;

/// Each benchmark by the name that selects it on the command line; all run without one.
const NAMES: [&str; 11] = [
    "chain",
    "start",
    "statements",
    "listing",
    "namespace",
    "search",
    "plugin",
    "large",
    "tree",
    "sync",
    "waiting",
];

#[tokio::main]
async fn main() -> Result<()> {
    let chosen: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = chosen.iter().find(|name| !NAMES.contains(&name.as_str())) {
        bail!(
            "there is no benchmark `{unknown}`; there are {}",
            NAMES.join(", ")
        );
    }
    let wanted = |name: &str| chosen.is_empty() || chosen.iter().any(|one| one == name);
    let mut report = Report::default();
    // First: what is deleted after the others slows the making of files down for minutes.
    if wanted("chain") {
        chain::run(&mut report).await?;
    }
    if wanted("start") {
        start::run(&mut report).await?;
    }
    if wanted("statements") {
        statements::run(&mut report).await?;
    }
    if wanted("listing") {
        listing::run(&mut report).await?;
    }
    if wanted("namespace") || wanted("search") {
        for scale in scale::ALL {
            let filled = scale::Filled::new(scale).await?;
            if wanted("search") {
                search::run(&mut report, &filled, scale).await?;
            }
            if wanted("namespace") {
                namespace::run(&mut report, &filled, scale).await?;
            }
        }
    }
    if wanted("plugin") {
        plugin::run(&mut report)?;
    }
    if wanted("large") {
        large::run(&mut report).await?;
    }
    if wanted("tree") {
        tree::run(&mut report).await?;
    }
    if wanted("sync") {
        sync::run(&mut report).await?;
    }
    if wanted("waiting") {
        sync::waiting::run(&mut report).await?;
    }
    report.print();
    Ok(())
}
