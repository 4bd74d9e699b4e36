//! What this module asks of the module files: in the name of the daemon for the index, in the caller's for what is shown.

use bitvault_platform::ids::{NodeId, TenantId};
use bitvault_platform::rpc::Transport;
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::internal::v1::index_service_client::IndexServiceClient;
use futures::future::BoxFuture;
use http::{Request, Response};
use tonic::body::Body;
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;
use uuid::Uuid;

/// Largest answer: a thousand nodes with their names and all the tags and fields that each may carry, 57 KiB.
const MESSAGE_BYTES: usize = 64 << 20;

/// A failure of the transport as a type with a name: behind a bare box the compiler can't prove that calls are `Send`.
/// tonic finds a status within it by [`std::error::Error::source`].
#[derive(Debug, thiserror::Error)]
#[error("call the module files")]
struct Broken(#[source] tower::BoxError);

type Port = BoxCloneSyncService<Request<Body>, Response<Body>, Broken>;

/// The module files. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Files {
    client: IndexServiceClient<Port>,
}

/// In whose name the index reads a tenant.
fn indexer(tenant: TenantId) -> Ctx {
    Ctx::system("search").within(tenant)
}

/// Boxed, because the compiler can't prove otherwise that the callers' futures are `Send`.
async fn answer<T>(call: BoxFuture<'_, std::result::Result<tonic::Response<T>, tonic::Status>>) -> Result<T> {
    Ok(call.await.map_err(Error::from)?.into_inner())
}

impl Files {
    pub(crate) fn new(transport: Transport) -> Self {
        let port = BoxCloneSyncService::new(transport.map_err(Broken));
        Self {
            client: IndexServiceClient::new(port).max_decoding_message_size(MESSAGE_BYTES),
        }
    }

    /// Heads of the tenants after one, by tenant.
    pub(crate) async fn heads(
        &self,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<internal::JournalHead>> {
        let message = internal::ListJournalHeadsRequest {
            after: after.map(|tenant| tenant.to_string()),
            limit,
        };
        let mut client = self.client.clone();
        let request = Ctx::system("search").request(message);
        Ok(answer(Box::pin(client.list_journal_heads(request))).await?.heads)
    }

    /// Changes of a tenant behind a number, with the journal's head.
    pub(crate) async fn journal(
        &self,
        tenant: TenantId,
        after: i64,
        limit: u32,
    ) -> Result<internal::ReadJournalResponse> {
        let message = internal::ReadJournalRequest { after, limit };
        let mut client = self.client.clone();
        answer(Box::pin(client.read_journal(indexer(tenant).request(message)))).await
    }

    /// What nodes are now; those that are not live are left out.
    pub(crate) async fn describe(
        &self,
        tenant: TenantId,
        ids: &[Uuid],
    ) -> Result<Vec<internal::IndexedNode>> {
        let message = internal::DescribeNodesRequest {
            ids: ids.iter().map(|id| NodeId(*id).to_string()).collect(),
        };
        let mut client = self.client.clone();
        let request = indexer(tenant).request(message);
        Ok(answer(Box::pin(client.describe_nodes(request))).await?.nodes)
    }

    /// A page of a folder's children.
    pub(crate) async fn below(
        &self,
        tenant: TenantId,
        folder: Uuid,
        after: Option<String>,
        limit: u32,
    ) -> Result<internal::ListBelowResponse> {
        let message = internal::ListBelowRequest {
            folder_id: NodeId(folder).to_string(),
            after,
            limit,
        };
        let mut client = self.client.clone();
        answer(Box::pin(client.list_below(indexer(tenant).request(message)))).await
    }

    /// Which nodes the caller may see now, some of them whole, and the `paths` of all; and where it may find something, perhaps
    /// only within a folder.
    pub(crate) async fn visible(
        &self,
        ctx: &Ctx,
        ids: &[Uuid],
        whole: u32,
        paths: bool,
        within: Option<String>,
    ) -> Result<internal::FilterVisibleResponse> {
        let message = internal::FilterVisibleRequest {
            ids: ids.iter().map(|id| NodeId(*id).to_string()).collect(),
            whole,
            paths,
            places: true,
            r#in: within,
        };
        let mut client = self.client.clone();
        answer(Box::pin(client.filter_visible(ctx.request(message)))).await
    }
}
