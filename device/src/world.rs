//! Time and chance as the engine sees them: parameters, so that the simulator can decide about both.

use std::time::Duration;

use async_trait::async_trait;
use bitvault_planner::Date;
use time::OffsetDateTime;

/// Time and chance.
#[async_trait]
pub trait World: Send + Sync {
    /// What the clock says; it may jump.
    fn now(&self) -> OffsetDateTime;
    /// The day that people here have.
    fn today(&self) -> Date;
    /// Waits.
    async fn sleep(&self, duration: Duration);
    /// Any number.
    fn random(&self) -> u64;
}

/// The real one.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealWorld;

#[async_trait]
impl World for RealWorld {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the device's clock, handed on as a parameter"
    )]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn today(&self) -> Date {
        date(self.now())
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn random(&self) -> u64 {
        rand::random()
    }
}

/// The day of an instant, in UTC: the same on all devices, whatever their zone.
pub fn date(at: OffsetDateTime) -> Date {
    Date {
        year: at.year(),
        month: at.month().into(),
        day: at.day(),
    }
}

/// What this machine is called.
pub fn host_name() -> String {
    let name = rustix::system::uname();
    let name = name.nodename().to_string_lossy();
    match name.split('.').next().unwrap_or_default().trim() {
        "" => "device".to_owned(),
        name => name.to_owned(),
    }
}
