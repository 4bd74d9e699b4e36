//! How fast something goes now: over the last seconds, so that a pause or a burst shows, and a moment does not.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// So far back it is looked.
const WINDOW: Duration = Duration::from_secs(10);

/// Counts of the last seconds.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<(Instant, u64)>);

impl Recent {
    /// The count is this now.
    pub(super) fn add(&mut self, now: Instant, count: u64) {
        self.0.push_back((now, count));
        // One that is older stays, so that there is always a span to divide by.
        while self
            .0
            .get(1)
            .is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW)
        {
            self.0.pop_front();
        }
    }

    /// By how much it rises in a second; 0 when that is not known.
    pub(super) fn per_second(&self) -> u64 {
        let (Some((began, first)), Some((ended, last))) = (self.0.front(), self.0.back()) else {
            return 0;
        };
        let seconds = ended.duration_since(*began).as_secs_f64();
        if seconds < 0.1 {
            return 0;
        }
        (last.saturating_sub(*first) as f64 / seconds) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let began = Instant::now();
        let mut recent = Recent::default();
        assert_eq!(recent.per_second(), 0);
        for second in 0..30 {
            recent.add(began + Duration::from_secs(second), second * 100);
        }
        assert_eq!(recent.per_second(), 100);
        for second in 30..45 {
            recent.add(began + Duration::from_secs(second), 2900);
        }
        assert_eq!(recent.per_second(), 0, "it stands still");
    }
}
