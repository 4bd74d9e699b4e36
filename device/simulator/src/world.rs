//! Time and chance of a machine, from the seed.

use std::time::Duration;

use async_trait::async_trait;
use bitvault_device::planner::Date;
use bitvault_device::watch::{Hint, Hints};
use bitvault_device::world::{World, date};
use time::OffsetDateTime;

use crate::machine::Machine;

/// Nanoseconds since 1970, as a time.
pub(crate) fn instant(nanoseconds: i64) -> OffsetDateTime {
    let instant = OffsetDateTime::from_unix_timestamp_nanos(i128::from(nanoseconds));
    instant.unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// What a machine's clock says, and numbers from the seed.
#[derive(Clone)]
pub(crate) struct SimWorld(pub Machine);

#[async_trait]
impl World for SimWorld {
    fn now(&self) -> OffsetDateTime {
        instant(self.0.now())
    }

    fn today(&self) -> Date {
        date(self.now())
    }

    async fn sleep(&self, duration: Duration) {
        let nanoseconds = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        self.0.hub.later(self.0.number, nanoseconds).await;
    }

    fn random(&self) -> u64 {
        self.0.hub.random()
    }
}

/// The watch of a machine's folder.
pub(crate) struct SimHints(pub Machine);

#[async_trait]
impl Hints for SimHints {
    async fn next(&mut self) -> Hint {
        let hint = std::future::poll_fn(|context| match self.0.lock().hint(context.waker()) {
            Some(hint) => std::task::Poll::Ready(hint),
            None => std::task::Poll::Pending,
        })
        .await;
        self.0
            .hub
            .tell(format_args!("d{} is told to look at {hint:?}", self.0.number));
        hint
    }
}
