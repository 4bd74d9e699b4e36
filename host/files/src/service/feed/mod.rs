//! What the module sync asks: the journal as its caller may see it, how far journals have come, and their compaction.
//!
//! Nothing is kept here between two calls: the caller brings the state that the page before ended with.

mod compact_journal;
mod footing;
mod list_feed;
mod list_heads;
mod wire;

use super::{Answer, Files, serve};
use bitvault_platform::Ctx;
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::internal::v1::feed_service_server::FeedService;
use tonic::{Request, Response};

#[tonic::async_trait]
impl FeedService for Files {
    async fn list_feed(
        &self,
        request: Request<internal::ListFeedRequest>,
    ) -> Answer<internal::ListFeedResponse> {
        serve!(self, request, list_feed::list_feed)
    }

    async fn list_heads(
        &self,
        request: Request<internal::ListHeadsRequest>,
    ) -> Answer<internal::ListHeadsResponse> {
        serve!(self, request, list_heads::list_heads)
    }

    async fn compact_journal(
        &self,
        request: Request<internal::CompactJournalRequest>,
    ) -> Answer<internal::CompactJournalResponse> {
        serve!(self, request, compact_journal::compact_journal)
    }
}
