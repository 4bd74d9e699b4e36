//! What must hold when nothing moves any more.

use crate::client::Acknowledged;
use anyhow::{Context as _, Result, bail};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::Daemon;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Longest time until everything given up has expired, outlived its grace and been collected.
const REST_WITHIN: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Waits until store and database match both ways, then reads back every acknowledged file.
pub(crate) async fn demand(daemon: &Daemon, caller: &Caller, acknowledged: &[Acknowledged]) -> Result<()> {
    let deadline = Instant::now() + REST_WITHIN;
    loop {
        let text = daemon.command(&["fsck", "--json"])?;
        let report: Value = serde_json::from_str(&text).context("fsck answers JSON")?;
        // What is lost is never excused by waiting.
        for kind in [
            "missing_objects",
            "dangling_versions",
            "wrong_sizes",
            "content_mismatches",
        ] {
            assert_eq!(report[kind], json!([]), "{kind}: {text}");
        }
        let leftovers = ["unknown_objects", "stale_multiparts"]
            .iter()
            .any(|kind| report[*kind] != json!([]));
        if !leftovers && report["objects_in_store"] == report["objects_committed"] {
            break;
        }
        if Instant::now() > deadline {
            bail!("something is left after the collector ran: {text}");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    for file in acknowledged {
        let content = caller
            .content(&file.node_id)
            .await
            .with_context(|| format!("read {}", file.node_id))?;
        assert!(content == file.content, "{} has other bytes", file.node_id);
    }
    Ok(())
}
