use super::answer;
use crate::config::Config;
use crate::lite::Backing;
use crate::wiring;
use anyhow::{Context as _, Result, bail};
use bitvault_platform::{Clock, Ctx, Error};
use bitvault_proto::internal::v1::identity_service_client::IdentityServiceClient;
use bitvault_proto::internal::v1::{CreateAccountRequest, CreateTenantRequest};
use std::io::{BufRead as _, IsTerminal as _};

pub(crate) async fn create_tenant(config: Config, name: String) -> Result<()> {
    let backing = Backing::join_or_start(&config).await?;
    let modules = wiring::build(&config, &backing, &Clock::system()).await?;
    let mut identity = IdentityServiceClient::new(modules.to_identity);
    let request = Ctx::system("admin").request(CreateTenantRequest { name });
    let tenant = identity
        .create_tenant(request)
        .await
        .map_err(Error::from)?
        .into_inner();
    answer(&tenant.tenant_id);
    backing.stop().await
}

pub(crate) async fn create_user(
    config: Config,
    tenant: String,
    email: String,
    name: Option<String>,
    role: String,
) -> Result<()> {
    let password = read_password()?;
    let backing = Backing::join_or_start(&config).await?;
    let modules = wiring::build(&config, &backing, &Clock::system()).await?;
    let mut identity = IdentityServiceClient::new(modules.to_identity);
    let ctx = Ctx::system("admin");
    let tenant = identity
        .create_tenant(ctx.request(CreateTenantRequest { name: tenant }))
        .await
        .map_err(Error::from)?;
    let display_name = name.unwrap_or_else(|| email.clone());
    let tenant_id = tenant.into_inner().tenant_id;
    let request = CreateAccountRequest {
        tenant_id,
        email,
        password,
        display_name,
        role,
    };
    let account = identity
        .create_account(ctx.request(request))
        .await
        .map_err(Error::from)?
        .into_inner();
    answer(&account.account_id);
    backing.stop().await
}

/// The first line of standard input: a password in an argument could be read by every user of the machine.
#[allow(clippy::print_stderr, reason = "a prompt is for the person at the terminal")]
fn read_password() -> Result<String> {
    if std::io::stdin().is_terminal() {
        eprint!("Password (shown as you type): ");
    }
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("read the password from standard input")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("give the password on standard input");
    }
    Ok(password.to_owned())
}
