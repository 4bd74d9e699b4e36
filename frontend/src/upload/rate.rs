//! How fast the bytes go and how long the rest takes. Pure: the caller brings the clock.

use std::collections::VecDeque;

/// How far back the rate looks, in milliseconds: long enough to be steady, short enough to notice a change.
const WINDOW_MS: f64 = 6_000.0;
/// Before this much has been seen, in milliseconds, a rate would be a guess.
const WARM_UP_MS: f64 = 800.0;

/// A moving average over the last seconds.
#[derive(Debug, Default)]
pub(crate) struct RateMeter {
    samples: VecDeque<(f64, u64)>,
}

impl RateMeter {
    /// Notes that `total` bytes have been sent at `now_ms`. A smaller total than before (a retry) begins anew.
    pub(crate) fn record(&mut self, now_ms: f64, total: u64) {
        if self.samples.back().is_some_and(|(_, last)| total < *last) {
            self.samples.clear();
        }
        self.samples.push_back((now_ms, total));
        // One sample older than the window stays: the average then spans the whole window.
        while self.samples.len() > 2 && now_ms - self.samples[1].0 >= WINDOW_MS {
            self.samples.pop_front();
        }
    }

    /// Bytes per second, once enough has been seen.
    #[allow(clippy::cast_precision_loss, reason = "a rounded figure for reading")]
    pub(crate) fn per_second(&self) -> Option<f64> {
        let (first_ms, first) = *self.samples.front()?;
        let (last_ms, last) = *self.samples.back()?;
        let elapsed = last_ms - first_ms;
        (elapsed >= WARM_UP_MS).then(|| (last - first) as f64 * 1000.0 / elapsed)
    }

    /// Seconds until `left` bytes are sent at the present rate; nothing while they stand still.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rounded figure for reading, never negative"
    )]
    pub(crate) fn seconds_left(&self, left: u64) -> Option<u64> {
        let rate = self.per_second()?;
        (rate >= 1.0).then(|| (left as f64 / rate).ceil() as u64)
    }

    /// Forgets everything: nothing is being sent any more.
    pub(crate) fn reset(&mut self) {
        self.samples.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_transfer_shows_its_rate_and_the_time_left() {
        let mut meter = RateMeter::default();
        for second in 0..5_u32 {
            meter.record(f64::from(second) * 1000.0, u64::from(second) * 1_000_000);
        }
        assert_eq!(meter.per_second(), Some(1_000_000.0));
        assert_eq!(meter.seconds_left(2_500_000), Some(3));
    }

    #[test]
    fn nothing_is_claimed_before_enough_was_seen_or_while_it_stands_still() {
        let mut meter = RateMeter::default();
        meter.record(0.0, 0);
        meter.record(100.0, 5_000_000);
        assert_eq!(meter.per_second(), None);
        meter.reset();
        meter.record(0.0, 7);
        meter.record(9_000.0, 7);
        assert_eq!(meter.seconds_left(100), None);
    }

    #[test]
    fn old_samples_leave_the_window() {
        let mut meter = RateMeter::default();
        meter.record(0.0, 0);
        for second in 1..=20_u32 {
            meter.record(
                f64::from(second) * 1000.0,
                100_000_000 + u64::from(second) * 1_000,
            );
        }
        let rate = meter.per_second().expect("a rate");
        assert!((rate - 1_000.0).abs() < 1.0, "{rate}");
    }

    #[test]
    fn a_retry_that_begins_again_is_no_negative_rate() {
        let mut meter = RateMeter::default();
        meter.record(0.0, 500);
        meter.record(1_000.0, 100);
        meter.record(2_000.0, 1_100);
        assert_eq!(meter.per_second(), Some(1_000.0));
    }
}
