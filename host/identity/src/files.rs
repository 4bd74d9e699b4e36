//! What this module asks of files: whether somebody may share a node, and to keep what was promised.

use crate::store::Due;
use bitvault_platform::ids::{NodeId, TenantId};
use bitvault_platform::rpc::Transport;
use bitvault_platform::{Code, Ctx, Error};
use bitvault_proto::internal::v1::node_access_service_client::NodeAccessServiceClient;
use bitvault_proto::internal::v1::{GetAccessRequest, KeepPromiseRequest};
use bitvault_proto::v1::GetNodeRequest;
use bitvault_proto::v1::files_service_client::FilesServiceClient;
use tonic::Status;
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;

/// A transport whose error has a plain type: futures of a client over a boxed error are not `Send` in the compiler's eyes.
pub(crate) type Port =
    BoxCloneSyncService<http::Request<tonic::body::Body>, http::Response<tonic::body::Body>, Status>;

pub(crate) fn port(transport: &Transport) -> Port {
    BoxCloneSyncService::new(transport.clone().map_err(Status::from_error))
}

/// The module files. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Files(Port);

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Files")
    }
}

impl Files {
    pub(crate) fn new(transport: &Transport) -> Self {
        Self(port(transport))
    }

    /// A node that the caller may share, and its name; a home has none.
    pub(crate) async fn shareable(&self, ctx: &Ctx, node: &str) -> Result<(NodeId, String), Error> {
        let access = ctx.request(GetAccessRequest {
            node_id: node.to_owned(),
        });
        let mut client = NodeAccessServiceClient::new(self.0.clone());
        let access = Box::pin(async move { client.get_access(access).await })
            .await?
            .into_inner();
        if access.role != "owner" {
            return Err(Error::new(
                Code::Denied,
                "role_too_low",
                format!(
                    "only who owns a node may share it, and you are {} here",
                    access.role
                ),
            ));
        }
        let read = ctx.request(GetNodeRequest {
            id: access.node_id.clone(),
        });
        let mut client = FilesServiceClient::new(self.0.clone());
        let node = Box::pin(async move { client.get_node(read).await }).await?;
        Ok((access.node_id.parse()?, node.into_inner().name))
    }

    /// Has a promise kept, at most once; whether that gave anything.
    pub(crate) async fn keep(&self, tenant: TenantId, due: &Due) -> Result<bool, Error> {
        let request = Ctx::system("identity")
            .within(tenant)
            .request(KeepPromiseRequest {
                promise_id: due.id.to_string(),
                node_id: due.node.to_string(),
                account_id: due.account.to_string(),
                role: due.role.clone(),
                promised_by: due.promised_by.to_string(),
            });
        let mut client = NodeAccessServiceClient::new(self.0.clone());
        let answer = Box::pin(async move { client.keep_promise(request).await }).await?;
        Ok(answer.into_inner().given)
    }
}
