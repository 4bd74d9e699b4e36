//! A device's clock.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bitvault_device::engine::Limits;
use bitvault_device::planner::Date;
use bitvault_device::world::{RealWorld, World};
use time::OffsetDateTime;

/// Waits by moving its own clock on; but what is waited for beside the work really takes its time, so that the work goes on.
#[derive(Default)]
pub(super) struct Clock {
    pub(super) slept_ms: AtomicU64,
    /// It is wrong by so much.
    pub(super) skew_s: AtomicI64,
    /// Waits really pass.
    pub(super) is_real: AtomicBool,
}

#[async_trait]
impl World for Clock {
    fn now(&self) -> OffsetDateTime {
        World::now(&RealWorld)
            + Duration::from_millis(self.slept_ms.load(Ordering::Relaxed))
            + time::Duration::seconds(self.skew_s.load(Ordering::Relaxed))
    }

    fn today(&self) -> Date {
        Date {
            year: 2026,
            month: 3,
            day: 9,
        }
    }

    async fn sleep(&self, duration: Duration) {
        let beside = [Limits::default().look, Limits::default().turn];
        if self.is_real.load(Ordering::Relaxed) || beside.contains(&duration) {
            return tokio::time::sleep(duration).await;
        }
        let ms = u64::try_from(duration.as_millis()).unwrap() + 1;
        self.slept_ms.fetch_add(ms, Ordering::Relaxed);
    }

    fn random(&self) -> u64 {
        World::random(&RealWorld)
    }
}
