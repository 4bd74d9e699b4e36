//! Background work: one job that follows the journals, a timer, a nudge and an idempotent scan. Several processes may run
//! it; a step of a tenant that another one overtook is given up.

mod follow;
mod rebuild;

pub use rebuild::RebuildReport;

use crate::Search;
use bitvault_platform::Result;
use bitvault_platform::bus::{Bus, Event, Handler};
use bitvault_platform::hints::{Hint, Hints};
use bitvault_platform::jobs::{self, Nudge};
use futures::future::BoxFuture;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

impl Search {
    /// The module's background job, to be run until `stop`.
    pub fn jobs(&self, stop: &CancellationToken) -> Vec<BoxFuture<'static, ()>> {
        let (search, stop) = (self.clone(), stop.clone());
        let (period, nudge) = (self.core.config.period, self.core.indexer.clone());
        let follow = jobs::run("search.follow", period, nudge.clone(), stop, move || {
            let (search, nudge) = (search.clone(), nudge.clone());
            async move {
                if search.follow_once().await? {
                    nudge.nudge();
                }
                Ok(())
            }
        });
        vec![Box::pin(follow)]
    }

    /// Lets every event of the bus wake the job. What it says is not read: the journal is.
    pub async fn subscribe(&self, bus: &dyn Bus) -> Result<()> {
        let handler = Waking(self.core.indexer.clone());
        bus.subscribe("search", "", Arc::new(handler)).await
    }

    /// Lets a change that another process made wake the index.
    pub fn share(&self, hints: &Hints) {
        let indexer = self.core.indexer.clone();
        hints.listen(move |hint| match hint {
            Hint::Changed(_) | Hint::Missed => indexer.nudge(),
            Hint::Access(_) => {}
        });
    }
}

struct Waking(Nudge);

#[async_trait::async_trait]
impl Handler for Waking {
    async fn handle(&self, _: &Event) -> Result<()> {
        self.0.nudge();
        Ok(())
    }
}
