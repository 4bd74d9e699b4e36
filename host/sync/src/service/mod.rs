//! The module's service: one verb a file. Calls to the module files are made while no transaction is open.

mod create_device;
mod delete_device;
mod erase_tenant;
mod get_device;
mod list_changes;
mod list_devices;
mod push_changes;
mod reading;
mod watch_changes;
mod wire;

use crate::Sync;
use bitvault_platform::Ctx;
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::internal::v1::sync_data_service_server::{SyncDataService, SyncDataServiceServer};
use bitvault_proto::v1;
use bitvault_proto::v1::sync_service_server::{SyncService, SyncServiceServer};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

/// Largest message: a thousand changes with their nodes.
const MESSAGE_BYTES: usize = 8 << 20;

impl Sync {
    /// The services, to be put behind [`bitvault_platform::rpc::guard`].
    pub fn routes(&self) -> Routes {
        let server = SyncServiceServer::new(self.clone()).max_encoding_message_size(MESSAGE_BYTES);
        Routes::new(server)
            .add_service(SyncDataServiceServer::new(self.clone()))
            .prepare()
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
impl SyncService for Sync {
    type WatchChangesStream = watch_changes::Pages;

    async fn create_device(&self, request: Request<v1::CreateDeviceRequest>) -> Answer<v1::Device> {
        serve!(self, request, create_device::create_device)
    }

    async fn list_devices(
        &self,
        request: Request<v1::ListDevicesRequest>,
    ) -> Answer<v1::ListDevicesResponse> {
        serve!(self, request, list_devices::list_devices)
    }

    async fn get_device(&self, request: Request<v1::GetDeviceRequest>) -> Answer<v1::Device> {
        serve!(self, request, get_device::get_device)
    }

    async fn delete_device(
        &self,
        request: Request<v1::DeleteDeviceRequest>,
    ) -> Answer<v1::DeleteDeviceResponse> {
        serve!(self, request, delete_device::delete_device)
    }

    async fn list_changes(
        &self,
        request: Request<v1::ListChangesRequest>,
    ) -> Answer<v1::ListChangesResponse> {
        serve!(self, request, list_changes::list_changes)
    }

    async fn push_changes(
        &self,
        request: Request<v1::PushChangesRequest>,
    ) -> Answer<v1::PushChangesResponse> {
        serve!(self, request, push_changes::push_changes)
    }

    async fn watch_changes(
        &self,
        request: Request<v1::ListChangesRequest>,
    ) -> Answer<Self::WatchChangesStream> {
        serve!(self, request, watch_changes::watch_changes)
    }
}

#[tonic::async_trait]
impl SyncDataService for Sync {
    async fn erase_tenant(
        &self,
        request: Request<internal::EraseTenantRequest>,
    ) -> Answer<internal::EraseTenantResponse> {
        serve!(self, request, erase_tenant::erase_tenant)
    }
}
