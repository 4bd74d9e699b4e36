use super::admin::identity;
use super::answer;
use crate::config::Config;
use crate::lite::with_backing;
use anyhow::{Context as _, Result, bail};
use bitvault_platform::{Ctx, Error};
use bitvault_proto::internal::v1::{MarkTenantForDeletionRequest, ResumeTenantRequest, SuspendTenantRequest};
use std::io::{BufRead as _, IsTerminal as _};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub(crate) async fn suspend_tenant(config: Config, name: String) -> Result<()> {
    with_backing(&config, async |backing| {
        let request = Ctx::system("admin").request(SuspendTenantRequest { name });
        let mut identity = identity(&config, backing).await?;
        identity.suspend_tenant(request).await.map_err(Error::from)?;
        answer("suspended");
        Ok(())
    })
    .await
}

pub(crate) async fn resume_tenant(config: Config, name: String) -> Result<()> {
    with_backing(&config, async |backing| {
        let request = Ctx::system("admin").request(ResumeTenantRequest { name });
        let mut identity = identity(&config, backing).await?;
        identity.resume_tenant(request).await.map_err(Error::from)?;
        answer("resumed");
        Ok(())
    })
    .await
}

pub(crate) async fn delete_tenant(config: Config, name: String, yes: bool) -> Result<()> {
    if !yes {
        confirm(&name)?;
    }
    with_backing(&config, async |backing| {
        let request = Ctx::system("admin").request(MarkTenantForDeletionRequest { name });
        let mut identity = identity(&config, backing).await?;
        let marked = identity
            .mark_tenant_for_deletion(request)
            .await
            .map_err(Error::from)?
            .into_inner();
        let at = marked.delete_after.context("the answer names no time")?;
        let at = OffsetDateTime::from_unix_timestamp(at.seconds)?.format(&Rfc3339)?;
        answer(&format!("suspended; everything in it goes for good after {at}"));
        Ok(())
    })
    .await
}

/// The name once more, typed by somebody at the terminal.
#[allow(clippy::print_stderr, reason = "a question is for the person at the terminal")]
fn confirm(name: &str) -> Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody can be asked: give --yes to delete the tenant {name} with everything in it");
    }
    eprint!("Everything in {name} will be removed for good. Type its name to go on: ");
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("read the answer")?;
    if line.trim() != name {
        bail!("nothing was changed");
    }
    Ok(())
}
