use super::check::tell;
use crate::config::Config;
use crate::lite::with_backing;
use crate::wiring::{self, Modules};
use anyhow::{Context as _, Result};
use bitvault_platform::Clock;
use bitvault_platform::ids::TenantId;
use bitvault_platform::rpc::Transport;
use bitvault_platform::{Ctx, Error};
use bitvault_proto::internal::v1::FindTenantRequest;
use bitvault_proto::internal::v1::identity_service_client::IdentityServiceClient;

/// Beside a running daemon or on a stopped one.
pub(crate) async fn rebuild_search(config: Config, tenant: Option<String>, json: bool) -> Result<()> {
    with_backing(&config, async |backing| {
        let Modules {
            search, to_identity, ..
        } = wiring::build(&config, backing, &Clock::system()).await?;
        let search =
            search.context("the module search does not run here: run this command where `roles` names it")?;
        let tenant = match tenant {
            Some(name) => Some(find_tenant(to_identity, name).await?),
            None => None,
        };
        tell(&search.rebuild(tenant).await?, json)
    })
    .await
}

/// The tenant of a name.
pub(super) async fn find_tenant(identity: Transport, name: String) -> Result<TenantId> {
    let request = Ctx::system("admin").request(FindTenantRequest { name });
    let found = IdentityServiceClient::new(identity).find_tenant(request).await;
    Ok(found
        .map_err(Error::from)?
        .into_inner()
        .tenant_id
        .parse::<TenantId>()?)
}
