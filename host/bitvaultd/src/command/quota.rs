use super::answer;
use super::rebuild_search::find_tenant;
use crate::config::Config;
use crate::lite::with_backing;
use crate::wiring::{self, Modules};
use anyhow::{Context as _, Result, anyhow};
use bitvault_platform::Clock;
use bytesize::ByteSize;

pub(crate) async fn set_quota(config: Config, name: String, size: &str) -> Result<()> {
    let limit = match size {
        "none" => None,
        size => Some(size.parse::<ByteSize>().map_err(|cause| {
            anyhow!("{size} is no size ({cause}): use one like 500GB or 2TiB, a number of bytes, or none")
        })?),
    };
    with_backing(&config, async |backing| {
        let Modules {
            files, to_identity, ..
        } = wiring::build(&config, backing, &Clock::system()).await?;
        let files =
            files.context("the module files does not run here: run this command where `roles` names it")?;
        let tenant = find_tenant(to_identity, name).await?;
        let limit = limit.map(|limit| limit.as_u64());
        let holds = files.set_tenant_quota(tenant, limit).await?;
        answer(match (limit, holds) {
            (None, _) => "no limit",
            (Some(_), true) => "set",
            (Some(_), false) => "set; it holds within minutes, once what is there has been counted",
        });
        Ok(())
    })
    .await
}
