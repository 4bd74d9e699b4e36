//! How fast bytes may move.

use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Keeps transfers to a rate, on average: who moves bytes waits until those before have had their time.
#[derive(Debug)]
pub struct Pace {
    bytes_per_s: NonZeroU64,
    free_at: Mutex<Option<Instant>>,
}

impl Pace {
    /// So many bytes a second.
    #[must_use]
    pub fn new(bytes_per_s: NonZeroU64) -> Self {
        Self {
            bytes_per_s,
            free_at: Mutex::new(None),
        }
    }

    /// Waits for the turn of so many bytes.
    pub(crate) async fn pass(&self, bytes: u64) {
        let at = {
            let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let at = free_at.map_or(now, |free_at| free_at.max(now));
            *free_at = Some(at + self.takes(bytes));
            at
        };
        tokio::time::sleep_until(at).await;
    }

    fn takes(&self, bytes: u64) -> Duration {
        Duration::from_secs_f64(bytes as f64 / self.bytes_per_s.get() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_wait_for_those_before_them_and_not_for_themselves() {
        let pace = Pace::new(NonZeroU64::new(10_000).expect("rate"));
        let began = Instant::now();
        pace.pass(1_000_000).await;
        assert!(began.elapsed() < Duration::from_secs(5), "the first goes at once");
        let next = pace.free_at.lock().expect("lock").expect("set");
        assert!(
            next >= began + Duration::from_secs(100),
            "the next comes when it has had its time"
        );
    }
}
