//! Background work: the removal of tenants whose grace is over, and what was promised to who accepted an invitation. Each a
//! timer and an idempotent scan; it may die anywhere, and the next scan goes on. Several processes may run them.

use crate::Identity;
use crate::files::port;
use bitvault_platform::hints::Whose;
use bitvault_platform::ids::TenantId;
use bitvault_platform::jobs::{self, Nudge};
use bitvault_platform::rpc::Transport;
use bitvault_platform::{Ctx, Error};
use bitvault_proto::internal::v1::files_data_service_client::FilesDataServiceClient;
use bitvault_proto::internal::v1::search_data_service_client::SearchDataServiceClient;
use bitvault_proto::internal::v1::sharing_data_service_client::SharingDataServiceClient;
use bitvault_proto::internal::v1::sync_data_service_client::SyncDataServiceClient;
use bitvault_proto::internal::v1::{EraseTenantRequest, EraseTenantResponse};
use futures::future::BoxFuture;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// Members that are looked up at a time.
const MEMBERS: i64 = 500;
/// How often what an acceptance left due is tried again.
const PROMISES_EVERY: Duration = Duration::from_secs(30);

/// The other modules that hold rows of tenants.
#[derive(Debug, Clone)]
pub struct Holders {
    /// Where files is.
    pub files: Transport,
    /// Where sharing is.
    pub sharing: Transport,
    /// Where search is.
    pub search: Transport,
    /// Where sync is.
    pub sync: Transport,
}

impl Holders {
    /// Has every module remove what it can now of a tenant; whether nothing is left anywhere. Sharing before files: a
    /// link goes before what it leads to. Search after files: it indexes what files still tells of.
    async fn erase(&self, tenant: TenantId) -> Result<bool, Error> {
        let request = || {
            Ctx::system("identity")
                .within(tenant)
                .request(EraseTenantRequest {})
        };
        let mut sharing = SharingDataServiceClient::new(port(&self.sharing));
        let (first, mut files) = (request(), FilesDataServiceClient::new(port(&self.files)));
        let links = answer(Box::pin(async move { sharing.erase_tenant(first).await })).await?;
        let second = request();
        let nodes = answer(Box::pin(async move { files.erase_tenant(second).await })).await?;
        let (third, mut search) = (request(), SearchDataServiceClient::new(port(&self.search)));
        let index = answer(Box::pin(async move { search.erase_tenant(third).await })).await?;
        let (fourth, mut sync) = (request(), SyncDataServiceClient::new(port(&self.sync)));
        let devices = answer(Box::pin(async move { sync.erase_tenant(fourth).await })).await?;
        let (links_gone, nodes_gone, index_gone) = (links.removed, nodes.removed, index.removed);
        let devices_gone = devices.removed;
        tracing::info!(%tenant, links_gone, nodes_gone, index_gone, devices_gone, "removed rows of a tenant");
        Ok(links.done && nodes.done && index.done && devices.done)
    }
}

/// Boxed, because the compiler can't prove otherwise that the callers' futures are `Send`.
async fn answer(
    call: BoxFuture<'static, Result<tonic::Response<EraseTenantResponse>, Status>>,
) -> Result<EraseTenantResponse, Error> {
    Ok(call.await?.into_inner())
}

impl Identity {
    /// The module's background jobs, to be run until `stop`.
    pub fn jobs(&self, stop: &CancellationToken, holders: &Holders) -> Vec<BoxFuture<'static, ()>> {
        let (identity, holders) = (self.clone(), holders.clone());
        let erasure = jobs::run(
            "identity.erasure",
            self.0.config.deletion.period,
            Nudge::default(),
            stop.clone(),
            move || {
                let (identity, holders) = (identity.clone(), holders.clone());
                async move { identity.erase_due(&holders).await.map(|_| ()) }
            },
        );
        let identity = self.clone();
        let promises = jobs::run(
            "identity.promises",
            PROMISES_EVERY,
            Nudge::default(),
            stop.clone(),
            move || {
                let identity = identity.clone();
                async move { identity.keep_promises_once().await.map(|_| ()) }
            },
        );
        vec![Box::pin(erasure), Box::pin(promises)]
    }

    /// Removes what can be removed now of every tenant whose grace is over; answers how many are gone. Modules first: as
    /// long as they hold anything, the tenant's row keeps saying that there is work to do.
    pub async fn erase_due(&self, holders: &Holders) -> Result<u64, Error> {
        let mut gone = 0;
        for tenant in self.0.store.due(self.0.clock.now()).await? {
            match self.erase(tenant, holders).await {
                Ok(true) => gone += 1,
                Ok(false) => {}
                // One tenant that is stuck does not hold up the others.
                Err(error) => tracing::warn!(%tenant, %error, "a tenant could not be removed yet"),
            }
        }
        Ok(gone)
    }

    async fn erase(&self, tenant: TenantId, holders: &Holders) -> Result<bool, Error> {
        let store = &self.0.store;
        if !store.begin_erasing(tenant, self.0.clock.now()).await? || !holders.erase(tenant).await? {
            return Ok(false);
        }
        loop {
            let members = store.some_members(tenant, MEMBERS).await?;
            if members.is_empty() {
                break;
            }
            for account in members {
                store.erase_member(tenant, account).await?;
            }
        }
        let gone = store.erase_tenant(tenant).await?;
        self.0.cache.look_again(Whose::tenant(tenant));
        if gone {
            tracing::warn!(%tenant, "a tenant was deleted with everything in it");
        }
        Ok(gone)
    }
}
