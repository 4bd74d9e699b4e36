use super::answer;
use crate::config::Config;
use crate::lite::Backing;
use crate::wiring;
use anyhow::{Context as _, Result, bail};
use bitvault_platform::rpc::Transport;
use bitvault_platform::{Clock, Ctx, Error};
use bitvault_proto::internal::v1::identity_service_client::IdentityServiceClient;
use bitvault_proto::internal::v1::{MarkTenantForDeletionRequest, ResumeTenantRequest, SuspendTenantRequest};
use std::io::{BufRead as _, IsTerminal as _};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub(crate) async fn suspend_tenant(config: Config, name: String) -> Result<()> {
    let (backing, mut identity) = identity(&config).await?;
    let request = Ctx::system("admin").request(SuspendTenantRequest { name });
    identity.suspend_tenant(request).await.map_err(Error::from)?;
    answer("suspended");
    backing.stop().await
}

pub(crate) async fn resume_tenant(config: Config, name: String) -> Result<()> {
    let (backing, mut identity) = identity(&config).await?;
    let request = Ctx::system("admin").request(ResumeTenantRequest { name });
    identity.resume_tenant(request).await.map_err(Error::from)?;
    answer("resumed");
    backing.stop().await
}

pub(crate) async fn delete_tenant(config: Config, name: String, yes: bool) -> Result<()> {
    if !yes {
        confirm(&name)?;
    }
    let (backing, mut identity) = identity(&config).await?;
    let request = Ctx::system("admin").request(MarkTenantForDeletionRequest { name });
    let marked = identity
        .mark_tenant_for_deletion(request)
        .await
        .map_err(Error::from)?
        .into_inner();
    let at = marked.delete_after.context("the answer names no time")?;
    let at = OffsetDateTime::from_unix_timestamp(at.seconds)?.format(&Rfc3339)?;
    answer(&format!("suspended; everything in it goes for good after {at}"));
    backing.stop().await
}

async fn identity(config: &Config) -> Result<(Backing, IdentityServiceClient<Transport>)> {
    let backing = Backing::join_or_start(config).await?;
    let modules = wiring::build(config, &backing, &Clock::system()).await?;
    Ok((backing, IdentityServiceClient::new(modules.to_identity)))
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
