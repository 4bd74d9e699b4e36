//! Background work: one look at the journals' heads for everybody who waits, and the removal of what no cursor needs any more.

mod compact;

use crate::Sync;
use bitvault_platform::bus::{Bus, Event, Handler};
use bitvault_platform::hints::{Hint, Hints};
use bitvault_platform::ids::TenantId;
use bitvault_platform::jobs::{self, Nudge};
use bitvault_platform::{Error, Result};
use futures::future::BoxFuture;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Tenants whose heads are asked for at a time.
const TENANTS: usize = 1000;

impl Sync {
    /// The module's background jobs, to be run until `stop`; then whoever waits is answered.
    pub fn jobs(&self, stop: &CancellationToken) -> Vec<BoxFuture<'static, ()>> {
        let compact = {
            let (sync, stop) = (self.clone(), stop.clone());
            let period = self.core.config.journal.period;
            jobs::run("sync.compact", period, Nudge::default(), stop, move || {
                let sync = sync.clone();
                async move { sync.compact_once().await.map(|_| ()) }
            })
        };
        let (sync, stop) = (self.clone(), stop.clone());
        let closing = self.core.closing.clone();
        let watch = jobs::run(
            "sync.watch",
            self.core.config.period,
            Nudge::default(),
            stop,
            move || {
                let sync = sync.clone();
                async move { sync.look_once().await }
            },
        );
        let watch = async move {
            watch.await;
            closing.cancel();
        };
        vec![Box::pin(watch), Box::pin(compact)]
    }

    /// How many wait for a change in this process.
    pub fn waiting(&self) -> usize {
        self.core.waiting.count()
    }

    /// Looks how far the journals have come in which somebody waits, and wakes those for whom there may be something.
    pub async fn look_once(&self) -> Result<()> {
        let waiting = &self.core.waiting;
        metrics::gauge!("bitvault_sync_waiting").set(waiting.count() as f64);
        for tenants in waiting.list().chunks(TENANTS) {
            for head in self.core.files.heads(tenants).await? {
                let tenant: TenantId = head.tenant_id.parse()?;
                waiting.see(tenant, head.epoch, head.seq);
            }
        }
        Ok::<(), Error>(())
    }

    /// Lets every event of the bus wake those who wait in its tenant.
    pub async fn subscribe(&self, bus: &dyn Bus) -> Result<()> {
        bus.subscribe("sync", "", Arc::new(Waking(self.clone()))).await
    }

    /// Lets a change that another process made wake those who wait in its tenant.
    pub fn share(&self, hints: &Hints) {
        let waiting = self.core.waiting.clone();
        hints.listen(move |hint| match hint {
            Hint::Changed(tenant) => waiting.wake(tenant),
            Hint::Missed => waiting.wake_all(),
            Hint::Access(_) => {}
        });
    }
}

struct Waking(Sync);

#[async_trait::async_trait]
impl Handler for Waking {
    async fn handle(&self, event: &Event) -> Result<()> {
        self.0.core.waiting.wake(event.tenant);
        Ok(())
    }
}
