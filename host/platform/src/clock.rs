//! Time as a parameter: modules take a [`Clock`], tests move it.

use std::sync::{Arc, Mutex, PoisonError};
use time::OffsetDateTime;

/// Where the time comes from. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Fixed(Arc<Mutex<OffsetDateTime>>),
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until [`Clock::advance`] moves it.
    pub fn fixed(at: OffsetDateTime) -> Self {
        Self(Source::Fixed(Arc::new(Mutex::new(at))))
    }

    /// The time now, in UTC, to the microsecond: what Postgres stores.
    pub fn now(&self) -> OffsetDateTime {
        let now = match &self.0 {
            #[allow(
                clippy::disallowed_methods,
                reason = "this is where the ambient clock is read"
            )]
            Source::System => OffsetDateTime::now_utc(),
            Source::Fixed(at) => *at.lock().unwrap_or_else(PoisonError::into_inner),
        };
        let nanosecond = now.nanosecond();
        now.replace_nanosecond(nanosecond / 1000 * 1000).unwrap_or(now)
    }

    /// Moves a fixed clock forward; does nothing to the system's.
    pub fn advance(&self, by: std::time::Duration) {
        if let Source::Fixed(at) = &self.0 {
            *at.lock().unwrap_or_else(PoisonError::into_inner) += by;
        }
    }
}
