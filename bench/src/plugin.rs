//! A storage plan through the component, and what a plugin that is loaded and does nothing holds in memory.
//!
//! Both are measured by a program of `host/wasm`, in processes of its own: only that crate's own programs may see the
//! engine, and memory is told apart best where nothing else runs.

use crate::report::{Report, median};
use anyhow::{Context as _, Result, ensure};
use bitvault_conformance::daemon::program;
use serde_json::Value;
use std::process::Command;

const ROUNDS: usize = 3;

pub(crate) fn run(report: &mut Report) -> Result<()> {
    let program = program("examples/plan_bench")?;
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let output = Command::new(&program)
            .output()
            .with_context(|| format!("run {}", program.display()))?;
        ensure!(
            output.status.success(),
            "{}: {}",
            program.display(),
            String::from_utf8_lossy(&output.stderr)
        );
        rounds.push(serde_json::from_slice::<Value>(&output.stdout).context("read the figures")?);
    }
    let figure = |name: &str| -> Result<f64> {
        let mut values = rounds
            .iter()
            .map(|round| round[name].as_f64().with_context(|| format!("no figure {name}")))
            .collect::<Result<Vec<_>>>()?;
        Ok(median(&mut values))
    };
    report.row(
        "storage plan through the component, a fresh instance each, median",
        format!("{:.0} µs", figure("plan_median_us")?),
        format!(
            "p99 {:.0} µs; {:.0} µs of it to make the instance; {:.0} µs a plan of 500 on one instance",
            figure("plan_p99_us")?,
            figure("instance_median_us")?,
            figure("batched_plan_us")?
        ),
        "≤ 50 µs",
    );
    report.row(
        "resident memory of an idle plugin",
        format!("{:.2} MiB", figure("idle_plugin_kib")? / 1024.0),
        format!(
            "mean of {:.0} loaded from the compile cache; {:.2} MiB when each has been called",
            figure("idle_plugins")?,
            figure("used_plugin_kib")? / 1024.0
        ),
        "",
    );
    Ok(())
}
