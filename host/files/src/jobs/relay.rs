//! The outbox relay: hands events over to the bus, at least once, in order within a node.
//!
//! An event is leased, published, and its row removed. A relay that dies after publishing leaves the row, whose lease
//! runs out: the event comes again with the same id.

use crate::Files;
use crate::failpoints;
use crate::store::outbox::{self, Leased};
use bitvault_platform::bus::Event;
use bitvault_platform::{Result, telemetry};
use futures::StreamExt as _;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tracing::Instrument as _;

/// Pause before a scan, in which the events of a burst gather: a scan costs the same for one as for many.
pub(super) const GATHER: Duration = Duration::from_millis(50);
/// Events that one relay publishes at the same time.
const CONCURRENT: usize = 8;
/// Pause after the first failure of an event; it doubles with each, up to the lease.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

impl Files {
    /// Hands over everything that is due; answers how many events.
    pub async fn relay_once(&self) -> Result<u64> {
        let mut total = 0;
        loop {
            let (leased, handed) = self.relay_batch().await?;
            total += handed;
            // Of each node one event goes at a time: handing one over may have made the next one due.
            if leased == 0 || handed == 0 {
                break;
            }
        }
        self.measure_oldest().await?;
        Ok(total)
    }

    /// Tells the age of the oldest event, once a second at most.
    async fn measure_oldest(&self) -> Result<()> {
        let now = self.core.clock.now();
        let second = now.unix_timestamp();
        if self.core.relay_measured.swap(second, Ordering::Relaxed) == second {
            return Ok(());
        }
        let mut tx = self.core.worker.worker().await?;
        let oldest = outbox::oldest(&mut tx).await?;
        tx.commit().await?;
        let age = oldest.map_or(0.0, |at| (now - at).as_seconds_f64());
        metrics::gauge!("bitvault_files_outbox_oldest_seconds").set(age);
        Ok(())
    }

    /// How many events were leased, and how many of them handed over.
    async fn relay_batch(&self) -> Result<(u64, u64)> {
        let core = &self.core;
        let now = core.clock.now();
        let mut tx = core.worker.worker().await?;
        let until = now + core.config.relay.lease;
        let mut leased = outbox::lease(&mut tx, now, until, i64::from(core.config.relay.batch)).await?;
        tx.commit().await?;
        if leased.is_empty() {
            return Ok((0, 0));
        }
        core.high_water.grow();
        leased.sort_by_key(|event| event.id);
        let publishing = leased.into_iter().map(|event| {
            let files = self.clone();
            async move {
                let outcome = files.publish(&event).await;
                (event, outcome)
            }
        });
        let outcomes: Vec<(Leased, Result<()>)> = futures::stream::iter(publishing)
            .buffer_unordered(CONCURRENT)
            .collect()
            .await;
        failpoints::hit(failpoints::RELAY_AFTER_PUBLISH)?;
        let mut handed = Vec::new();
        let (mut postponed, mut until) = (Vec::new(), Vec::new());
        for (event, outcome) in &outcomes {
            match outcome {
                Ok(()) => handed.push(event.id.0),
                Err(error) => {
                    tracing::warn!(%error, event = %event.id, attempts = event.attempts, "hand an event over");
                    postponed.push(event.id.0);
                    until.push(core.clock.now() + self.pause(event.attempts));
                }
            }
        }
        let mut tx = core.worker.worker().await?;
        if !handed.is_empty() {
            outbox::done(&mut tx, &handed).await?;
        }
        if !postponed.is_empty() {
            outbox::postpone(&mut tx, &postponed, &until).await?;
        }
        tx.commit().await?;
        metrics::counter!("bitvault_files_events_relayed_total").increment(handed.len() as u64);
        Ok((outcomes.len() as u64, handed.len() as u64))
    }

    fn pause(&self, attempts: i32) -> Duration {
        let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(16);
        (FIRST_PAUSE * (1 << doublings)).min(self.core.config.relay.lease)
    }

    async fn publish(&self, leased: &Leased) -> Result<()> {
        let span = tracing::debug_span!("relay event", component = "files", kind = leased.kind);
        if let Some(traceparent) = &leased.traceparent {
            telemetry::propagation::adopt_text(&span, traceparent);
        }
        let event = Event {
            id: leased.id,
            tenant: leased.tenant,
            kind: leased.kind.clone(),
            key: leased.key.to_string(),
            payload: leased.payload.clone(),
            traceparent: leased.traceparent.clone(),
        };
        self.core.bus.publish(event).instrument(span).await
    }
}
