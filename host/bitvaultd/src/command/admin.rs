use super::answer;
use crate::config::Config;
use crate::lite::{Backing, with_backing};
use crate::wiring;
use anyhow::{Context as _, Result, bail};
use bitvault_platform::rpc::Transport;
use bitvault_platform::{Clock, Ctx, Error};
use bitvault_proto::internal::v1::identity_service_client::IdentityServiceClient;
use bitvault_proto::internal::v1::{CreateAccountRequest, CreateTenantRequest};
use std::io::{BufRead as _, IsTerminal as _};

pub(crate) async fn create_tenant(config: Config, name: String) -> Result<()> {
    with_backing(&config, async |backing| {
        let tenant = identity(&config, backing)
            .await?
            .create_tenant(Ctx::system("admin").request(CreateTenantRequest { name }))
            .await
            .map_err(Error::from)?;
        answer(&tenant.into_inner().tenant_id);
        Ok(())
    })
    .await
}

pub(crate) async fn create_user(
    config: Config,
    tenant: String,
    email: String,
    name: Option<String>,
    role: String,
) -> Result<()> {
    let password = read_password()?;
    with_backing(&config, async |backing| {
        let mut identity = identity(&config, backing).await?;
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
            .map_err(Error::from)?;
        answer(&account.into_inner().account_id);
        Ok(())
    })
    .await
}

/// The module identity, wherever it runs.
pub(super) async fn identity(config: &Config, backing: &Backing) -> Result<IdentityServiceClient<Transport>> {
    let modules = wiring::build(config, backing, &Clock::system()).await?;
    Ok(IdentityServiceClient::new(modules.to_identity))
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
