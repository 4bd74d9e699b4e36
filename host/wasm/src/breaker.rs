//! A circuit breaker per plugin: crashes in a row of time switch it off for a while, so that a broken plugin costs little
//! and is heard of once. Full queues and errors that the guest answers do not count.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Crashes within [`WINDOW`] that open it.
const THRESHOLD: usize = 8;
/// A healthy time of this length forgets all crashes.
const WINDOW: Duration = Duration::from_secs(60);
/// How long it stays open before one call is let through.
const OPEN_FOR: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    crashes: VecDeque<Instant>,
    open_until: Option<Instant>,
}

impl Breaker {
    /// Whether a call may start now; if not, when to try again. After the open time one call is let through and the
    /// next ones wait for how it ends.
    pub(crate) fn admit(&self, now: Instant) -> Result<(), Duration> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.open_until {
            Some(until) if now < until => Err(until - now),
            Some(_) => {
                state.open_until = Some(now + OPEN_FOR);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// A call ended without a crash.
    pub(crate) fn healthy(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.open_until.take().is_some() {
            state.crashes.clear();
        }
    }

    /// A call crashed. Answers whether this opened the breaker.
    pub(crate) fn crashed(&self, now: Instant) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while state
            .crashes
            .front()
            .is_some_and(|&at| now.duration_since(at) > WINDOW)
        {
            state.crashes.pop_front();
        }
        if state.crashes.len() == THRESHOLD {
            state.crashes.pop_front();
        }
        state.crashes.push_back(now);
        let opens = state.crashes.len() >= THRESHOLD;
        if opens {
            state.open_until = Some(now + OPEN_FOR);
        }
        opens
    }

    /// Whether calls are refused now.
    pub(crate) fn is_open(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .open_until
            .is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_repeated_crashes_and_closes_after_one_good_call() {
        let breaker = Breaker::default();
        let start = Instant::now();
        for crash in 1..=THRESHOLD {
            assert!(breaker.admit(start).is_ok());
            assert_eq!(breaker.crashed(start), crash == THRESHOLD);
        }
        assert_eq!(breaker.admit(start), Err(OPEN_FOR));
        let later = start + OPEN_FOR;
        assert!(breaker.admit(later).is_ok(), "one call is let through");
        assert!(breaker.admit(later).is_err(), "but only one");
        breaker.healthy();
        assert!(breaker.admit(later).is_ok());
        assert!(!breaker.crashed(later), "the old crashes are forgotten");
    }

    #[test]
    fn crashes_that_are_far_apart_do_not_open_it() {
        let breaker = Breaker::default();
        let mut now = Instant::now();
        for _ in 0..3 * THRESHOLD {
            assert!(!breaker.crashed(now));
            now += WINDOW / 4;
        }
    }
}
