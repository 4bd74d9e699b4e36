//! The module's service: one verb a file. Calls to other modules are made while no transaction is open.

mod create_link;
mod delete_link;
mod erase_tenant;
mod get_link;
mod list_links;
mod open_link;
mod take_download;
mod unlock_link;
mod update_link;
mod wire;

use crate::config::Config;
use crate::peers::Peers;
use bitvault_platform::db::{Database, TenantTx};
use bitvault_platform::password::{Hasher, HasherConfig};
use bitvault_platform::rpc::Transport;
use bitvault_platform::throttle::Throttle;
use bitvault_platform::{Clock, Ctx, Result};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::internal::v1::link_access_service_server::LinkAccessService;
use bitvault_proto::internal::v1::sharing_data_service_server::SharingDataService;
use bitvault_proto::v1;
use bitvault_proto::v1::link_service_server::LinkService;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// What somebody must be on a node to share it.
const OWNER: &str = "owner";

/// The module. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sharing(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    config: Config,
    database: Database,
    peers: Peers,
    clock: Clock,
    hasher: Hasher,
    /// By address, then by link.
    throttle: Throttle<2>,
}

impl Sharing {
    /// `database` is the pool of the role [`Sharing`](bitvault_platform::db::DbRole::Sharing). Nothing connects yet. Takes
    /// as long as hashing one password.
    pub fn new(
        config: Config,
        database: Database,
        identity: Transport,
        files: Transport,
        clock: Clock,
    ) -> Result<Self> {
        config.check()?;
        let hashing = HasherConfig {
            argon2: config.argon2.clone(),
            concurrent: config.max_concurrent_hashes,
            waiting: config.max_waiting_hashes,
        };
        Ok(Self(Arc::new(Parts {
            hasher: Hasher::new(&hashing)?,
            throttle: Throttle::new(config.throttle.limits(), clock.clone()),
            peers: Peers::new(identity, files),
            config,
            database,
            clock,
        })))
    }

    async fn begin(&self, ctx: &Ctx) -> Result<TenantTx> {
        TenantTx::begin(&self.0.database, ctx).await
    }
}

/// Serves one call: the caller and the message in, the answer out.
macro_rules! serve {
    ($self:ident, $request:ident, $verb:path) => {{
        let ctx = Ctx::of(&$request)?;
        let answer = $verb($self, &ctx, $request.into_inner()).await?;
        Ok(Response::new(answer))
    }};
}

type Answer<T> = std::result::Result<Response<T>, Status>;

#[tonic::async_trait]
impl LinkService for Sharing {
    async fn create_link(&self, request: Request<v1::CreateLinkRequest>) -> Answer<v1::CreatedLink> {
        serve!(self, request, create_link::create_link)
    }

    async fn get_link(&self, request: Request<v1::GetLinkRequest>) -> Answer<v1::Link> {
        serve!(self, request, get_link::get_link)
    }

    async fn list_links(&self, request: Request<v1::ListLinksRequest>) -> Answer<v1::ListLinksResponse> {
        serve!(self, request, list_links::list_links)
    }

    async fn update_link(&self, request: Request<v1::UpdateLinkRequest>) -> Answer<v1::Link> {
        serve!(self, request, update_link::update_link)
    }

    async fn delete_link(&self, request: Request<v1::DeleteLinkRequest>) -> Answer<v1::DeleteLinkResponse> {
        serve!(self, request, delete_link::delete_link)
    }
}

#[tonic::async_trait]
impl LinkAccessService for Sharing {
    async fn open_link(&self, request: Request<internal::OpenLinkRequest>) -> Answer<internal::OpenedLink> {
        serve!(self, request, open_link::open_link)
    }

    async fn take_download(
        &self,
        request: Request<internal::OpenLinkRequest>,
    ) -> Answer<internal::OpenedLink> {
        serve!(self, request, take_download::take_download)
    }

    async fn unlock_link(&self, request: Request<internal::UnlockLinkRequest>) -> Answer<internal::LinkKey> {
        serve!(self, request, unlock_link::unlock_link)
    }
}

#[tonic::async_trait]
impl SharingDataService for Sharing {
    async fn erase_tenant(
        &self,
        request: Request<internal::EraseTenantRequest>,
    ) -> Answer<internal::EraseTenantResponse> {
        serve!(self, request, erase_tenant::erase_tenant)
    }
}
