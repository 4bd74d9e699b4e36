//! The high-water mark: tells by itself when the database was put back to an older state (ADR 0125).
//!
//! While journals grow, the mark in the database rises every few seconds, and then a copy of it is written to the object store.
//! A copy above the mark says that this database is an older state than the one that raised it: then another epoch of every
//! journal begins, so that no reader goes on from what was lost.
//!
//! Killed at any point: a copy is never above a mark that was committed, so no false alarm is left; the next comparison makes
//! up for a mark without its copy, and the next copy for those below it that are still there.

use crate::Files;
use crate::domain::high_water;
use crate::failpoints;
use crate::store::high_water as marks;
use bitvault_platform::Result;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Time between two comparisons while nothing changes.
pub(super) const IDLE: Duration = Duration::from_secs(60);
/// Pause after a comparison that failed.
const RETRY: Duration = Duration::from_secs(5);
/// Copies on a page of their listing. There are hardly ever more than two.
const PAGE: u32 = 1000;

/// What a comparison found and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// The database was put back to an older state since the last one.
    pub put_back: bool,
    /// The mark rose.
    pub raised: bool,
}

impl Files {
    /// A scan of the job. After one that raised the mark the next comes no sooner than is configured, whatever grows.
    pub(super) async fn keep_high_water(&self, stop: &CancellationToken) -> Result<()> {
        let outcome = self.compare_high_water().await;
        let pause = match &outcome {
            Ok(Compared { raised: false, .. }) => return Ok(()),
            Ok(_) => self.core.config.high_water.period,
            Err(_) => RETRY,
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
        outcome.map(|_| ())
    }

    /// Compares the mark with its copies, and raises it when journals have grown.
    pub async fn compare_high_water(&self) -> Result<Compared> {
        let high_water = &self.core.high_water;
        let grown = high_water.take_growth();
        let outcome = self.compare(grown).await;
        match &outcome {
            Ok(_) => high_water.compared(),
            // The next scan makes up for it.
            Err(_) => high_water.grow(),
        }
        outcome
    }

    async fn compare(&self, grown: bool) -> Result<Compared> {
        let core = &self.core;
        let mut tx = core.worker.worker().await?;
        let prefix = high_water::prefix(marks::database(&mut tx).await?);
        tx.commit().await?;
        // Copies first, then the mark: one that rises meanwhile can't be taken for a state that is older.
        let copies = self.copies(&prefix).await?;
        let highest = copies.iter().map(|(mark, _)| *mark).max();
        let mut tx = core.worker.worker().await?;
        let mark = marks::lock(&mut tx).await?;
        let put_back = highest.is_some_and(|highest| highest > mark);
        if put_back {
            let journals = marks::begin_epochs(&mut tx).await?;
            tracing::warn!(
                journals,
                "the database was put back to an older state: devices read everything anew, and take nothing for deleted \
                 because of it"
            );
            metrics::counter!("bitvault_files_put_back_total").increment(1);
        }
        if !grown && highest == Some(mark) {
            return Ok(Compared {
                put_back,
                raised: false,
            });
        }
        let next = mark.max(highest.unwrap_or_default()) + 1;
        marks::raise(&mut tx, next).await?;
        tx.commit().await?;
        failpoints::hit(failpoints::HIGH_WATER_AFTER_COMMIT)?;
        core.store.put(high_water::key(&prefix, next), Vec::new()).await?;
        let below: Vec<String> = copies.into_iter().map(|(_, key)| key).collect();
        if !below.is_empty() {
            // What can't be removed now is below the next copy as well.
            core.store.delete(below).await?;
        }
        Ok(Compared {
            put_back,
            raised: true,
        })
    }

    /// The copies in the store, with their keys.
    async fn copies(&self, prefix: &str) -> Result<Vec<(i64, String)>> {
        let (mut copies, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.core.store.list(prefix.to_owned(), cursor, PAGE).await?;
            copies.extend(
                page.objects.into_iter().filter_map(|object| {
                    high_water::mark(prefix, &object.key).map(|mark| (mark, object.key))
                }),
            );
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(copies);
            }
        }
    }
}
