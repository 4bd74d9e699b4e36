//! Slows down guessing: a token bucket for each account and each address that sign-ins fail for.
//!
//! Kept in this process's memory only. An attempt takes from both buckets before any work is done and gives back when it
//! succeeds, so that parallel attempts can't slip past the count.

use crate::ThrottleConfig;
use crate::domain::Digest;
use bitvault_platform::{Clock, Code, Error};
use moka::sync::Cache;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;

/// Most buckets of each kind that are kept; beyond that the ones not used for longest start anew.
const BUCKETS: u64 = 100_000;

/// The buckets.
#[derive(Debug)]
pub(crate) struct Throttle {
    accounts: Buckets,
    addresses: Buckets,
    clock: Clock,
}

/// An attempt that took its part; it counts as a failure unless [`Attempt::succeeded`] is called.
#[must_use]
#[derive(Debug)]
pub(crate) struct Attempt {
    taken: Vec<Arc<Mutex<Bucket>>>,
}

#[derive(Debug)]
struct Buckets {
    by_key: Cache<Digest, Arc<Mutex<Bucket>>>,
    burst: f64,
    interval: Duration,
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    burst: f64,
    filled_at: OffsetDateTime,
}

impl Throttle {
    pub(crate) fn new(config: &ThrottleConfig, clock: Clock) -> Self {
        Self {
            accounts: Buckets::new(config.account_burst, config.account_interval),
            addresses: Buckets::new(config.address_burst, config.address_interval),
            clock,
        }
    }

    /// Begins an attempt on an account from an address, or refuses it. An unknown address counts as one address.
    pub(crate) fn attempt(&self, account: Digest, address: &str) -> Result<Attempt, Error> {
        let now = self.clock.now();
        let mut attempt = Attempt { taken: Vec::new() };
        for (buckets, key) in [(&self.addresses, Digest::of(address)), (&self.accounts, account)] {
            match buckets.take(key, now) {
                Ok(bucket) => attempt.taken.push(bucket),
                Err(wait) => {
                    // Refused before anything was tried: that is no failure.
                    attempt.succeeded();
                    metrics::counter!("bitvault_sign_in_throttled_total").increment(1);
                    return Err(throttled(wait));
                }
            }
        }
        Ok(attempt)
    }
}

impl Attempt {
    /// Gives back what the attempt took.
    pub(crate) fn succeeded(self) {
        for bucket in self.taken {
            let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
            bucket.left = (bucket.left + 1.0).min(bucket.burst);
        }
    }
}

impl Buckets {
    fn new(burst: u32, interval: Duration) -> Self {
        let burst = f64::from(burst);
        Self {
            by_key: Cache::builder()
                .max_capacity(BUCKETS)
                // By then it is full again.
                .time_to_idle(interval.mul_f64(burst))
                .build(),
            burst,
            interval,
        }
    }

    /// Takes one, or tells how long to wait for it.
    fn take(&self, key: Digest, now: OffsetDateTime) -> Result<Arc<Mutex<Bucket>>, Duration> {
        let shared = self.by_key.get_with(key, || {
            Arc::new(Mutex::new(Bucket {
                left: self.burst,
                burst: self.burst,
                filled_at: now,
            }))
        });
        {
            let mut bucket = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let passed = (now - bucket.filled_at).as_seconds_f64().max(0.0);
            bucket.left = (bucket.left + passed / self.interval.as_secs_f64()).min(self.burst);
            bucket.filled_at = now;
            if bucket.left < 1.0 {
                return Err(self.interval.mul_f64(1.0 - bucket.left));
            }
            bucket.left -= 1.0;
        }
        Ok(shared)
    }
}

fn throttled(wait: Duration) -> Error {
    let seconds = wait.as_secs() + 1;
    Error::new(
        Code::Exhausted,
        "sign_in_throttled",
        format!("too many failed sign-ins; try again in {seconds} s"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn throttle() -> (Throttle, Clock) {
        let clock = Clock::fixed(datetime!(2026-01-01 00:00 UTC));
        let config = ThrottleConfig {
            account_burst: 2,
            account_interval: Duration::from_secs(10),
            address_burst: 3,
            address_interval: Duration::from_secs(1),
        };
        (Throttle::new(&config, clock.clone()), clock)
    }

    fn fail(throttle: &Throttle, account: &str, address: &str) -> Result<(), Error> {
        throttle.attempt(Digest::of(account), address).map(drop)
    }

    #[test]
    fn an_account_is_throttled_from_any_address_until_time_has_passed() {
        let (throttle, clock) = throttle();
        fail(&throttle, "a", "1").unwrap();
        fail(&throttle, "a", "2").unwrap();
        let refused = fail(&throttle, "a", "3").unwrap_err();
        assert_eq!(refused.reason(), "sign_in_throttled");
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
            throttle.attempt(Digest::of("a"), "1").unwrap().succeeded();
        }
    }
}
