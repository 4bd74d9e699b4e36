//! Background work: a timer, a nudge and an idempotent scan without input. What a scan does not finish, the next does.

use crate::Result;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// Asks a job to scan now rather than when its timer rings. Cheap to clone; many nudges make one scan.
#[derive(Debug, Clone, Default)]
pub struct Nudge(Arc<Notify>);

impl Nudge {
    /// Asks for a scan.
    pub fn nudge(&self) {
        self.0.notify_one();
    }
}

/// Runs `scan` every `period`, and when nudged, until `stop`. A scan that fails is logged and tried again at the next
/// round; a scan in flight when `stop` comes is finished.
pub async fn run<F, Fut>(
    name: &'static str,
    period: Duration,
    nudge: Nudge,
    stop: CancellationToken,
    mut scan: F,
) where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<()>>,
{
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(period) => {}
            () = nudge.0.notified() => {}
        }
        let span = tracing::debug_span!("job", otel.name = name, component = name);
        if let Err(error) = scan().instrument(span).await {
            tracing::warn!(%error, job = name, "job failed; it will run again");
        }
    }
}
