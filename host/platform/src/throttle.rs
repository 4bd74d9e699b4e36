//! Slows down guessing: a token bucket for each of the things that attempts fail for, such as an account and an address.
//!
//! Kept in this process's memory only: a deployment with several processes allows as many times more. An attempt takes
//! from every bucket before any work is done and gives back when it succeeds, so that parallel attempts can't slip past
//! the count.

use crate::Clock;
use crate::token::Digest;
use moka::sync::Cache;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;

/// Most buckets of each kind that are kept; beyond that the ones not used for longest start anew.
const BUCKETS: u64 = 100_000;

/// How often attempts may fail for one thing.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// Failures in a row before the next attempt has to wait.
    pub burst: u32,
    /// After that, one attempt each.
    pub interval: Duration,
}

/// Buckets of `N` kinds; each attempt takes from one of each kind.
#[derive(Debug)]
pub struct Throttle<const N: usize> {
    kinds: [Buckets; N],
    clock: Clock,
}

/// An attempt that took its part; it counts as a failure unless [`Attempt::succeeded`] is called.
#[must_use]
#[derive(Debug)]
pub struct Attempt {
    taken: Vec<Arc<Mutex<Bucket>>>,
}

#[derive(Debug)]
struct Buckets {
    by_key: Cache<Digest, Arc<Mutex<Bucket>>>,
    limit: Limit,
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    burst: f64,
    filled_at: OffsetDateTime,
}

impl<const N: usize> Throttle<N> {
    /// A limit for each kind.
    pub fn new(limits: [Limit; N], clock: Clock) -> Self {
        Self {
            kinds: limits.map(Buckets::new),
            clock,
        }
    }

    /// Begins an attempt, or tells how long to wait before the next. One key for each kind, in the order of the limits.
    pub fn attempt(&self, keys: [Digest; N]) -> Result<Attempt, Duration> {
        let now = self.clock.now();
        let mut attempt = Attempt { taken: Vec::new() };
        for (buckets, key) in self.kinds.iter().zip(keys) {
            match buckets.take(key, now) {
                Ok(bucket) => attempt.taken.push(bucket),
                Err(wait) => {
                    // Refused before anything was tried: that is no failure.
                    attempt.succeeded();
                    return Err(wait);
                }
            }
        }
        Ok(attempt)
    }
}

impl Attempt {
    /// Gives back what the attempt took.
    pub fn succeeded(self) {
        for bucket in self.taken {
            let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
            bucket.left = (bucket.left + 1.0).min(bucket.burst);
        }
    }
}

impl Buckets {
    fn new(limit: Limit) -> Self {
        Self {
            by_key: Cache::builder()
                .max_capacity(BUCKETS)
                // By then it is full again.
                .time_to_idle(limit.interval.mul_f64(f64::from(limit.burst)))
                .build(),
            limit,
        }
    }

    /// Takes one, or tells how long to wait for it.
    fn take(&self, key: Digest, now: OffsetDateTime) -> Result<Arc<Mutex<Bucket>>, Duration> {
        let burst = f64::from(self.limit.burst);
        let shared = self.by_key.get_with(key, || {
            Arc::new(Mutex::new(Bucket {
                left: burst,
                burst,
                filled_at: now,
            }))
        });
        {
            let mut bucket = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let passed = (now - bucket.filled_at).as_seconds_f64().max(0.0);
            bucket.left = (bucket.left + passed / self.limit.interval.as_secs_f64()).min(burst);
            bucket.filled_at = now;
            if bucket.left < 1.0 {
                return Err(self.limit.interval.mul_f64(1.0 - bucket.left));
            }
            bucket.left -= 1.0;
        }
        Ok(shared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    /// Addresses, then accounts.
    fn throttle() -> (Throttle<2>, Clock) {
        let clock = Clock::fixed(datetime!(2026-01-01 00:00 UTC));
        let limit = |burst, seconds| Limit {
            burst,
            interval: Duration::from_secs(seconds),
        };
        (Throttle::new([limit(3, 1), limit(2, 10)], clock.clone()), clock)
    }

    fn fail(throttle: &Throttle<2>, account: &str, address: &str) -> Result<(), Duration> {
        let attempt = throttle.attempt([Digest::of(address), Digest::of(account)]);
        attempt.map(drop)
    }

    #[test]
    fn an_account_is_throttled_from_any_address_until_time_has_passed() {
        let (throttle, clock) = throttle();
        fail(&throttle, "a", "1").unwrap();
        fail(&throttle, "a", "2").unwrap();
        assert_eq!(fail(&throttle, "a", "3"), Err(Duration::from_secs(10)));
        fail(&throttle, "b", "3").unwrap();
        clock.advance(Duration::from_secs(10));
        fail(&throttle, "a", "4").unwrap();
        assert!(fail(&throttle, "a", "4").is_err());
    }

    #[test]
    fn an_address_is_throttled_over_all_accounts() {
        let (throttle, clock) = throttle();
        for account in ["a", "b", "c"] {
            fail(&throttle, account, "1").unwrap();
        }
        assert!(fail(&throttle, "d", "1").is_err());
        clock.advance(Duration::from_secs(1));
        fail(&throttle, "d", "1").unwrap();
    }

    #[test]
    fn success_costs_nothing() {
        let (throttle, _) = throttle();
        for _ in 0..20 {
            let keys = [Digest::of("1"), Digest::of("a")];
            throttle.attempt(keys).unwrap().succeeded();
        }
    }
}
