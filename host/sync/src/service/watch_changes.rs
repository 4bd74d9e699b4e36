use super::list_changes::next;
use super::reading::Reading;
use crate::Sync;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tracing::Instrument as _;

/// Pages that wait for a client that is slow: it reads one while the next is being read.
const AHEAD: usize = 1;

/// What a call answers.
pub(super) type Pages = ReceiverStream<Result<v1::ListChangesResponse, Status>>;

/// Answers page after page, for a bounded time: who may read was decided when the call began.
pub(super) async fn watch_changes(sync: &Sync, ctx: &Ctx, request: v1::ListChangesRequest) -> Result<Pages> {
    let until = Instant::now() + sync.core.config.watch_lifetime;
    let mut reading = Reading::open(sync, ctx, &request).await?;
    let (pages, answered) = mpsc::channel(AHEAD);
    let (sync, ctx) = (sync.clone(), ctx.clone());
    let watching = async move {
        let closing = sync.core.closing.clone();
        while Instant::now() < until && !closing.is_cancelled() {
            let page = tokio::select! {
                page = next(&sync, &ctx, &mut reading, until) => page,
                () = pages.closed() => return,
            };
            let failed = page.is_err();
            // Who has gone away is told nothing more.
            if pages.send(page.map_err(Status::from)).await.is_err() || failed {
                return;
            }
        }
    };
    tokio::spawn(watching.in_current_span());
    Ok(ReceiverStream::new(answered))
}
