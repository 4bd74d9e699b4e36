//! How often and after which wait a failed request is sent again.

use std::time::Duration;

/// A server that asks for a longer wait than this is not waited for.
pub(crate) const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// Exponential backoff with jitter.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// Tries altogether, the first one included.
    pub attempts: u32,
    /// Wait before the second try; doubles from try to try.
    pub base: Duration,
    /// Longest wait.
    pub cap: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        // 0.2 + 0.4 + 0.8 + 1.6 + 3.2 s: outlasts a restart of the daemon.
        Self {
            attempts: 6,
            base: Duration::from_millis(200),
            cap: Duration::from_secs(5),
        }
    }
}

impl Retry {
    /// The wait after try number `attempt` (from 1), between half and the whole of the backoff; at least what the
    /// server asked for. None when no try is left or the server asks for too much.
    pub(crate) fn wait(&self, attempt: u32, asked: Option<Duration>) -> Option<Duration> {
        if attempt >= self.attempts || asked.is_some_and(|asked| asked > RETRY_AFTER_MAX) {
            return None;
        }
        let backoff = self.base.saturating_mul(1 << (attempt - 1).min(16)).min(self.cap);
        let jittered = backoff.mul_f64(0.5 + 0.5 * jitter());
        Some(jittered.max(asked.unwrap_or_default()))
    }
}

/// Uniform in 0..1. A random UUID is the one source of randomness that works on every target here.
fn jitter() -> f64 {
    f64::from(uuid::Uuid::new_v4().as_fields().0) / f64::from(u32::MAX)
}

/// `Retry-After` in seconds. The form with a date needs a clock that agrees with the server's, so it counts as absent.
pub(crate) fn retry_after(headers: &reqwest::header::HeaderMap) -> Option<Duration> {
    let value = headers.get(reqwest::header::RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_stay_jittered_and_end() {
        let retry = Retry {
            attempts: 4,
            base: Duration::from_millis(100),
            cap: Duration::from_millis(300),
        };
        for (attempt, most) in [(1, 100), (2, 200), (3, 300)] {
            let wait = retry.wait(attempt, None).expect("a try is left");
            assert!(
                wait >= Duration::from_millis(most / 2) && wait <= Duration::from_millis(most),
                "{wait:?}"
            );
        }
        assert_eq!(retry.wait(4, None), None);
    }

    #[test]
    fn the_server_may_ask_for_a_longer_wait_but_not_for_any() {
        let retry = Retry::default();
        assert_eq!(
            retry.wait(1, Some(Duration::from_secs(7))),
            Some(Duration::from_secs(7))
        );
        assert_eq!(retry.wait(1, Some(Duration::from_secs(3600))), None);
    }
}
