use super::answer;
use crate::config::Config;
use crate::lite::{Backing, with_backing};
use crate::wiring::{self, Modules};
use anyhow::{Context as _, Result, bail};
use bitvault_files::Files;
use bitvault_platform::Clock;
use serde::Serialize;

pub(crate) async fn gc(config: Config, json: bool) -> Result<()> {
    with_backing(&config, async |backing| {
        let report = files(&config, backing).await?.collect_once().await?;
        tell(&report, json)
    })
    .await
}

/// Fails when something does not match, so that a script notices.
pub(crate) async fn fsck(config: Config, json: bool) -> Result<()> {
    with_backing(&config, async |backing| {
        let report = files(&config, backing).await?.fsck().await?;
        tell(&report, json)?;
        if !report.is_clean() && !json {
            bail!("store and database don't match; nothing was changed");
        }
        Ok(())
    })
    .await
}

async fn files(config: &Config, backing: &Backing) -> Result<Files> {
    let Modules { files, .. } = wiring::build(config, backing, &Clock::system()).await?;
    files.context("the module files does not run here: run this command where `roles` names it")
}

pub(super) fn tell<T: Serialize>(report: &T, json: bool) -> Result<()> {
    let report = serde_json::to_value(report).context("write the report")?;
    if json {
        answer(&serde_json::to_string_pretty(&report).context("write the report")?);
        return Ok(());
    }
    for (name, value) in report.as_object().into_iter().flatten() {
        let name = name.replace('_', " ");
        match value.as_array() {
            None => answer(&format!("{name}: {value}")),
            Some(findings) => {
                answer(&format!("{name}: {}", findings.len()));
                findings
                    .iter()
                    .for_each(|finding| answer(&format!("  {}", finding.as_str().unwrap_or_default())));
            }
        }
    }
    Ok(())
}
