//! The module's service: one verb a file. Each authorises, applies the rules of `domain`, and reads or writes through
//! `store`; calls to the storage module are made while no transaction is open.

mod abort_upload;
mod access;
mod cancel_copy;
mod check_uploads;
mod clear_retention;
mod commit_batch;
mod commit_uploads;
mod conflicts;
pub(crate) mod copy_node;
mod create_folder;
mod create_folders;
mod crossing;
mod delete_node;
mod delete_nodes;
mod delete_version;
mod empty_trash;
mod erase_tenant;
mod feed;
pub(crate) mod free_names;
mod get_access;
mod get_content;
mod get_copy;
mod get_node;
mod get_retention;
mod get_upload;
mod get_usage;
mod idempotent;
mod index;
mod keep_promise;
mod label_version;
mod late;
mod list_children;
mod list_trash;
mod list_versions;
mod lookup;
mod make_folders;
mod metadata;
mod move_batch;
mod move_nodes;
mod present;
mod presign_parts;
mod quotas;
mod remove_batch;
pub(crate) mod remove_nodes;
mod restore_node;
mod restore_version;
pub(crate) mod room;
mod set_retention;
mod shrink;
mod start_uploads;
mod trash_page;
mod update_node;
mod update_nodes;
mod verify_content;
mod wire;

use crate::combine::Combiner;
use crate::config::Config;
use crate::high_water::HighWater;
use crate::store;
use crate::store_client::Store;
use crate::tenants::Tenants;
use bitvault_api::limits::BATCH_ITEMS;
use bitvault_platform::bus::Bus;
use bitvault_platform::db::{Database, TenantRead, TenantTx};
use bitvault_platform::ids::TenantId;
use bitvault_platform::jobs::Nudge;
use bitvault_platform::rpc::Transport;
use bitvault_platform::{Clock, Ctx, Error, Result};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::internal::v1::files_data_service_server::FilesDataService;
use bitvault_proto::internal::v1::folders_service_server::FoldersService;
use bitvault_proto::internal::v1::node_access_service_server::NodeAccessService;
use bitvault_proto::v1;
use bitvault_proto::v1::files_service_server::FilesService;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use tonic::{Request, Response, Status};

/// Items of one tenant that may wait for the batch in flight.
const QUEUE_ITEMS: usize = 8 * BATCH_ITEMS;

/// What every verb and job works with.
pub(crate) struct Core {
    pub(crate) config: Config,
    /// One tenant at a time.
    pub(crate) tenants: Database,
    /// Across tenants.
    pub(crate) worker: Database,
    pub(crate) store: Store,
    /// What the module identity knows of tenants.
    pub(crate) identity: Tenants,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) clock: Clock,
    /// Wakes the outbox relay of this process.
    pub(crate) relay: Nudge,
    /// Wakes the job of this process that removes versions.
    pub(crate) thin: Nudge,
    /// Wakes the job of this process that makes large copies.
    pub(crate) copies: Nudge,
    /// Unix second in which the outbox was last measured.
    pub(crate) relay_measured: AtomicI64,
    pub(crate) high_water: HighWater,
}

impl Core {
    pub(crate) async fn begin(&self, ctx: &Ctx) -> Result<TenantTx> {
        TenantTx::begin(&self.tenants, ctx).await
    }

    /// For reads of one statement each.
    pub(crate) fn read(&self, ctx: &Ctx) -> Result<TenantRead> {
        TenantRead::new(&self.tenants, ctx)
    }

    /// A transaction in a tenant that has its root.
    pub(crate) async fn begin_rooted(&self, ctx: &Ctx) -> Result<TenantTx> {
        let mut tx = self.begin(ctx).await?;
        store::nodes::ensure_root(&mut tx, self.clock.now()).await?;
        Ok(tx)
    }
}

/// The module. Cheap to clone.
#[derive(Clone)]
pub struct Files {
    pub(crate) core: Arc<Core>,
    starts: Combiner<TenantId, start_uploads::Item, Result<store::uploads::UploadRow>>,
    checks: Combiner<TenantId, check_uploads::Wanted, Result<check_uploads::Found>>,
    commits: Combiner<TenantId, check_uploads::Checked, Result<v1::Node>>,
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Files")
    }
}

impl Files {
    /// `tenants` is the pool of the role [`Files`](bitvault_platform::db::DbRole::Files), `worker` that of
    /// [`Worker`](bitvault_platform::db::DbRole::Worker); `storage` and `identity` lead to the modules of those names.
    pub fn new(
        config: Config,
        tenants: Database,
        worker: Database,
        storage: Transport,
        identity: Transport,
        bus: Arc<dyn Bus>,
        clock: Clock,
    ) -> Result<Self> {
        config.require_valid()?;
        let core = Arc::new(Core {
            store: Store::new(storage, &config),
            identity: Tenants::new(identity),
            config,
            tenants,
            worker,
            bus,
            clock,
            relay: Nudge::default(),
            thin: Nudge::default(),
            copies: Nudge::default(),
            relay_measured: AtomicI64::new(0),
            high_water: HighWater::default(),
        });
        let starting = Arc::clone(&core);
        let starts = Combiner::new(BATCH_ITEMS, QUEUE_ITEMS, move |tenant, items| {
            let core = Arc::clone(&starting);
            Box::pin(async move { start_uploads::record(&core, tenant, items).await })
        });
        let checking = Arc::clone(&core);
        let checks = Combiner::new(BATCH_ITEMS, QUEUE_ITEMS, move |tenant, items| {
            let core = Arc::clone(&checking);
            Box::pin(async move { check_uploads::look_up(&core, tenant, items).await })
        });
        let committing = Arc::clone(&core);
        let commits = Combiner::new(BATCH_ITEMS, QUEUE_ITEMS, move |tenant, items| {
            let core = Arc::clone(&committing);
            Box::pin(async move { commit_batch::commit(&core, tenant, items).await })
        });
        Ok(Self {
            core,
            starts,
            checks,
            commits,
        })
    }

    /// Makes the root folder of the caller's tenant, if it isn't there. First use makes it as well.
    pub async fn create_root(&self, ctx: &Ctx) -> Result<()> {
        self.core.begin_rooted(ctx).await?.commit().await
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

use serve;

type Answer<T> = std::result::Result<Response<T>, Status>;

#[tonic::async_trait]
impl FilesService for Files {
    async fn get_node(&self, request: Request<v1::GetNodeRequest>) -> Answer<v1::Node> {
        serve!(self, request, get_node::get_node)
    }

    async fn lookup(&self, request: Request<v1::LookupRequest>) -> Answer<v1::Node> {
        serve!(self, request, lookup::lookup)
    }

    async fn list_children(
        &self,
        request: Request<v1::ListChildrenRequest>,
    ) -> Answer<v1::ListChildrenResponse> {
        serve!(self, request, list_children::list_children)
    }

    async fn create_folder(&self, request: Request<v1::CreateFolderRequest>) -> Answer<v1::Node> {
        serve!(self, request, create_folder::create_folder)
    }

    async fn update_node(&self, request: Request<v1::UpdateNodeRequest>) -> Answer<v1::Node> {
        serve!(self, request, update_node::update_node)
    }

    async fn delete_node(&self, request: Request<v1::DeleteNodeRequest>) -> Answer<v1::DeleteNodeResponse> {
        serve!(self, request, delete_node::delete_node)
    }

    async fn start_uploads(
        &self,
        request: Request<v1::StartUploadsRequest>,
    ) -> Answer<v1::StartUploadsResponse> {
        serve!(self, request, start_uploads::start_uploads)
    }

    async fn get_upload(&self, request: Request<v1::GetUploadRequest>) -> Answer<v1::Upload> {
        serve!(self, request, get_upload::get_upload)
    }

    async fn presign_parts(
        &self,
        request: Request<v1::PresignPartsRequest>,
    ) -> Answer<v1::PresignPartsResponse> {
        serve!(self, request, presign_parts::presign_parts)
    }

    async fn commit_uploads(
        &self,
        request: Request<v1::CommitUploadsRequest>,
    ) -> Answer<v1::CommitUploadsResponse> {
        serve!(self, request, commit_uploads::commit_uploads)
    }

    async fn abort_upload(
        &self,
        request: Request<v1::AbortUploadRequest>,
    ) -> Answer<v1::AbortUploadResponse> {
        serve!(self, request, abort_upload::abort_upload)
    }

    async fn get_content(&self, request: Request<v1::GetContentRequest>) -> Answer<v1::Content> {
        serve!(self, request, get_content::get_content)
    }

    async fn get_contents(
        &self,
        request: Request<v1::GetContentsRequest>,
    ) -> Answer<v1::GetContentsResponse> {
        serve!(self, request, get_content::get_contents)
    }

    async fn list_trash(&self, request: Request<v1::ListTrashRequest>) -> Answer<v1::ListTrashResponse> {
        serve!(self, request, list_trash::list_trash)
    }

    async fn restore_node(&self, request: Request<v1::RestoreNodeRequest>) -> Answer<v1::Node> {
        serve!(self, request, restore_node::restore_node)
    }

    async fn empty_trash(&self, request: Request<v1::EmptyTrashRequest>) -> Answer<v1::EmptyTrashResponse> {
        serve!(self, request, empty_trash::empty_trash)
    }

    async fn update_nodes(
        &self,
        request: Request<v1::UpdateNodesRequest>,
    ) -> Answer<v1::UpdateNodesResponse> {
        serve!(self, request, update_nodes::update_nodes)
    }

    async fn delete_nodes(
        &self,
        request: Request<v1::DeleteNodesRequest>,
    ) -> Answer<v1::DeleteNodesResponse> {
        serve!(self, request, delete_nodes::delete_nodes)
    }

    async fn list_versions(
        &self,
        request: Request<v1::ListVersionsRequest>,
    ) -> Answer<v1::ListVersionsResponse> {
        serve!(self, request, list_versions::list_versions)
    }

    async fn restore_version(&self, request: Request<v1::RestoreVersionRequest>) -> Answer<v1::Node> {
        serve!(self, request, restore_version::restore_version)
    }

    async fn label_version(&self, request: Request<v1::LabelVersionRequest>) -> Answer<v1::FileVersion> {
        serve!(self, request, label_version::label_version)
    }

    async fn delete_version(
        &self,
        request: Request<v1::DeleteVersionRequest>,
    ) -> Answer<v1::DeleteVersionResponse> {
        serve!(self, request, delete_version::delete_version)
    }

    async fn get_retention(&self, request: Request<v1::GetRetentionRequest>) -> Answer<v1::Retention> {
        serve!(self, request, get_retention::get_retention)
    }

    async fn set_retention(&self, request: Request<v1::SetRetentionRequest>) -> Answer<v1::Retention> {
        serve!(self, request, set_retention::set_retention)
    }

    async fn clear_retention(
        &self,
        request: Request<v1::ClearRetentionRequest>,
    ) -> Answer<v1::ClearRetentionResponse> {
        serve!(self, request, clear_retention::clear_retention)
    }

    async fn get_usage(&self, request: Request<v1::GetUsageRequest>) -> Answer<v1::Usage> {
        serve!(self, request, get_usage::get_usage)
    }

    async fn copy_node(&self, request: Request<v1::CopyNodeRequest>) -> Answer<v1::CopyNodeResponse> {
        serve!(self, request, copy_node::copy_node)
    }

    async fn get_copy(&self, request: Request<v1::GetCopyRequest>) -> Answer<v1::CopyJob> {
        serve!(self, request, get_copy::get_copy)
    }

    async fn cancel_copy(&self, request: Request<v1::CancelCopyRequest>) -> Answer<v1::CopyJob> {
        serve!(self, request, cancel_copy::cancel_copy)
    }
}

#[tonic::async_trait]
impl NodeAccessService for Files {
    async fn get_access(&self, request: Request<internal::GetAccessRequest>) -> Answer<internal::NodeAccess> {
        serve!(self, request, get_access::get_access)
    }

    async fn keep_promise(
        &self,
        request: Request<internal::KeepPromiseRequest>,
    ) -> Answer<internal::KeepPromiseResponse> {
        serve!(self, request, keep_promise::keep_promise)
    }
}

#[tonic::async_trait]
impl FoldersService for Files {
    async fn create_folders(
        &self,
        request: Request<internal::CreateFoldersRequest>,
    ) -> Answer<internal::CreateFoldersResponse> {
        serve!(self, request, create_folders::create_folders)
    }
}

#[tonic::async_trait]
impl FilesDataService for Files {
    async fn erase_tenant(
        &self,
        request: Request<internal::EraseTenantRequest>,
    ) -> Answer<internal::EraseTenantResponse> {
        let ctx = Ctx::of(&request)?;
        Ok(Response::new(erase_tenant::erase_tenant(self, &ctx).await?))
    }
}

/// Refuses a batch that is too long.
fn bounded_batch(count: usize) -> Result<()> {
    if count > BATCH_ITEMS {
        return Err(Error::invalid_field(
            "batch_too_large",
            "items",
            format!("send at most {BATCH_ITEMS} items at a time"),
        ));
    }
    Ok(())
}
