//! CPU time of a call: the thread's clock is read before and after every poll of the guest, and inside of one by the
//! epoch callback. Waiting for the outside costs nothing.

use crate::engine::Engine;
use rustix::time::{ClockId, clock_gettime};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

/// Shared between the future that runs the guest and the store's epoch callback; both run on the thread that polls.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Nanoseconds used in polls that have ended.
    used: AtomicU64,
    /// The thread's clock when the running poll began.
    began: AtomicU64,
}

impl Meter {
    /// CPU time so far, asked from inside of a poll.
    pub(crate) fn running(&self) -> Duration {
        let now = thread_nanos().saturating_sub(self.began.load(Ordering::Relaxed));
        Duration::from_nanos(self.used.load(Ordering::Relaxed) + now)
    }

    /// CPU time of the polls that have ended.
    pub(crate) fn used(&self) -> Duration {
        Duration::from_nanos(self.used.load(Ordering::Relaxed))
    }
}

/// Runs `future` and counts its CPU time in `meter`. Each poll keeps the epoch moving.
pub(crate) async fn metered<F: Future>(engine: &Engine, meter: &Arc<Meter>, future: F) -> F::Output {
    let future = std::pin::pin!(future);
    Metered {
        engine,
        meter,
        future,
    }
    .await
}

struct Metered<'a, F> {
    engine: &'a Engine,
    meter: &'a Meter,
    future: Pin<&'a mut F>,
}

impl<F: Future> Future for Metered<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.engine.wake_epoch();
        let began = thread_nanos();
        self.meter.began.store(began, Ordering::Relaxed);
        let outcome = self.future.as_mut().poll(context);
        self.meter
            .used
            .fetch_add(thread_nanos().saturating_sub(began), Ordering::Relaxed);
        outcome
    }
}

fn thread_nanos() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}
