//! What this module asks of the module files.

use bitvault_platform::ids::TenantId;
use bitvault_platform::rpc::Transport;
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::internal::v1::feed_service_client::FeedServiceClient;
use bitvault_proto::internal::v1::folders_service_client::FoldersServiceClient;
use bitvault_proto::internal::v1::index_service_client::IndexServiceClient;
use bitvault_proto::v1;
use bitvault_proto::v1::files_service_client::FilesServiceClient;
use futures::future::BoxFuture;
use tonic::body::Body;
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;

/// Largest answer: a thousand changes with their nodes, and the roots.
const MESSAGE_BYTES: usize = 16 << 20;

/// A transport whose error has a plain type: futures of a client over a boxed error are not `Send` in the compiler's
/// eyes.
type Port = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, tonic::Status>;

/// The module files. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Files {
    feed: FeedServiceClient<Port>,
    files: FilesServiceClient<Port>,
    folders: FoldersServiceClient<Port>,
    index: IndexServiceClient<Port>,
}

/// Boxed, because the compiler can't prove otherwise that the callers' futures are `Send`.
async fn answer<T>(call: BoxFuture<'_, std::result::Result<tonic::Response<T>, tonic::Status>>) -> Result<T> {
    Ok(call.await.map_err(Error::from)?.into_inner())
}

impl Files {
    pub(crate) fn new(transport: Transport) -> Self {
        let port: Port = BoxCloneSyncService::new(transport.map_err(tonic::Status::from_error));
        Self {
            feed: FeedServiceClient::new(port.clone()).max_decoding_message_size(MESSAGE_BYTES),
            files: FilesServiceClient::new(port.clone()).max_decoding_message_size(MESSAGE_BYTES),
            folders: FoldersServiceClient::new(port.clone()).max_decoding_message_size(MESSAGE_BYTES),
            index: IndexServiceClient::new(port).max_decoding_message_size(MESSAGE_BYTES),
        }
    }

    /// A page of what changed for the caller.
    pub(crate) async fn feed(
        &self,
        ctx: &Ctx,
        state: Option<internal::FeedState>,
        limit: u32,
    ) -> Result<internal::ListFeedResponse> {
        let message = internal::ListFeedRequest { state, limit };
        let mut feed = self.feed.clone();
        answer(Box::pin(feed.list_feed(ctx.request(message)))).await
    }

    /// How far the journals of these tenants have come.
    pub(crate) async fn heads(&self, tenants: &[TenantId]) -> Result<Vec<internal::JournalHead>> {
        let message = internal::ListHeadsRequest {
            tenant_ids: tenants.iter().map(TenantId::to_string).collect(),
        };
        let mut feed = self.feed.clone();
        let request = Ctx::system("sync").request(message);
        Ok(answer(Box::pin(feed.list_heads(request))).await?.heads)
    }

    /// Makes folders: a result each.
    pub(crate) async fn create_folders(
        &self,
        ctx: &Ctx,
        message: internal::CreateFoldersRequest,
    ) -> Result<Vec<internal::CreateFolderResult>> {
        let mut folders = self.folders.clone();
        Ok(answer(Box::pin(folders.create_folders(ctx.request(message))))
            .await?
            .items)
    }

    /// Commits uploads: a result each.
    pub(crate) async fn commit(
        &self,
        ctx: &Ctx,
        message: v1::CommitUploadsRequest,
    ) -> Result<Vec<v1::CommitResult>> {
        let mut files = self.files.clone();
        Ok(answer(Box::pin(files.commit_uploads(ctx.request(message))))
            .await?
            .items)
    }

    /// Renames and moves: a result each.
    pub(crate) async fn update(
        &self,
        ctx: &Ctx,
        message: v1::UpdateNodesRequest,
    ) -> Result<Vec<v1::UpdateNodeResult>> {
        let mut files = self.files.clone();
        Ok(answer(Box::pin(files.update_nodes(ctx.request(message))))
            .await?
            .items)
    }

    /// Moves to the trash: a result each.
    pub(crate) async fn delete(
        &self,
        ctx: &Ctx,
        message: v1::DeleteNodesRequest,
    ) -> Result<Vec<v1::DeleteNodeResult>> {
        let mut files = self.files.clone();
        Ok(answer(Box::pin(files.delete_nodes(ctx.request(message))))
            .await?
            .items)
    }

    /// The node of that name in a folder.
    pub(crate) async fn child(&self, ctx: &Ctx, folder: &str, name: &str) -> Result<v1::Node> {
        let message = v1::LookupRequest {
            path: format!("/{name}"),
            below: Some(folder.to_owned()),
        };
        let mut files = self.files.clone();
        answer(Box::pin(files.lookup(ctx.request(message)))).await
    }

    /// Those of these nodes that the caller sees, as they are now.
    pub(crate) async fn visible(&self, ctx: &Ctx, ids: Vec<String>) -> Result<Vec<v1::Node>> {
        let message = internal::FilterVisibleRequest {
            whole: u32::try_from(ids.len()).unwrap_or(u32::MAX),
            ids,
            ..internal::FilterVisibleRequest::default()
        };
        let mut index = self.index.clone();
        let found = answer(Box::pin(index.filter_visible(ctx.request(message)))).await?;
        Ok(found.nodes.into_iter().filter_map(|node| node.node).collect())
    }

    /// Heads of the tenants after one, by tenant.
    pub(crate) async fn all_heads(
        &self,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<internal::JournalHead>> {
        let message = internal::ListJournalHeadsRequest {
            after: after.map(|tenant| tenant.to_string()),
            limit,
        };
        let mut index = self.index.clone();
        let request = Ctx::system("sync").request(message);
        Ok(answer(Box::pin(index.list_journal_heads(request))).await?.heads)
    }

    /// Removes old entries of a tenant's journal; answers how many.
    pub(crate) async fn compact(
        &self,
        tenant: TenantId,
        message: internal::CompactJournalRequest,
    ) -> Result<u64> {
        let mut feed = self.feed.clone();
        let request = Ctx::system("sync").within(tenant).request(message);
        Ok(answer(Box::pin(feed.compact_journal(request))).await?.removed)
    }
}
