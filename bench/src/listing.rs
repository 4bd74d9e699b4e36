//! Listing 1,000 children.

use crate::report::Report;
use anyhow::{Context as _, Result};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use hdrhistogram::Histogram;
use serde_json::json;
use std::time::Instant;

const CHILDREN: usize = 1000;
const ROUNDS: usize = 300;

pub(crate) async fn run(report: &mut Report) -> Result<()> {
    let mut daemon = Daemon::lite()?;
    daemon.start().await?;
    let caller = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await?;
    for number in 0..CHILDREN {
        let body = json!({"parent_id": "root", "name": format!("child number {number:04}")});
        caller.post("/v1/folders", body).await?.ok()?;
    }
    let mut took = Histogram::<u64>::new(3)?;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let page = caller.get("/v1/nodes/root/children?limit=1000").await?.ok()?;
        took.record(u64::try_from(started.elapsed().as_micros())?)?;
        let items = page["items"].as_array().context("a listing has items")?;
        anyhow::ensure!(items.len() == CHILDREN, "{} children were listed", items.len());
    }
    let ms = |quantile: f64| took.value_at_quantile(quantile) as f64 / 1000.0;
    report.row(
        "listing 1,000 children, p99",
        format!("{:.1} ms", ms(0.99)),
        format!("p50 {:.1} ms, parsing of the answer included", ms(0.5)),
        "≤ 20 ms",
    );
    Ok(())
}
