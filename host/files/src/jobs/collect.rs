//! The collector: gives back what uploads that never ended and versions that are gone hold in the store.
//!
//! `staging → orphaned` when an upload's time is over; `orphaned → deleting` after the grace, when no blob is left;
//! then the store's object goes; then `deleted`. It may die anywhere: the next scan finds the state and goes on. A PUT
//! can't arrive after its object was removed: requests stop being handed out when the upload leaves `staging`, and the
//! grace is longer than the last of them lives.

use crate::Files;
use crate::config::CLOCK_SLACK;
use crate::domain::key;
use crate::failpoints;
use crate::store::collect::{self, Doomed};
use bitvault_platform::ids::ObjectId;
use bitvault_platform::{Error, Result};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use time::OffsetDateTime;
use uuid::Uuid;

/// What one scan did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CollectReport {
    /// Uploads whose time was over.
    pub expired: u64,
    /// Objects removed from the store.
    pub deleted: u64,
    /// Objects and multipart uploads that the store would not remove; the next scan tries again.
    pub failed: u64,
    /// Multipart uploads aborted that no upload knows.
    pub multiparts_aborted: u64,
    /// Rows about objects that are long gone.
    pub forgotten: u64,
}

impl Files {
    /// One scan of the collector, over everything that is due.
    pub async fn collect_once(&self) -> Result<CollectReport> {
        let core = &self.core;
        let now = core.clock.now();
        let batch = i64::from(core.config.collector.batch);
        let mut report = CollectReport::default();
        loop {
            let mut tx = core.worker.worker().await?;
            let expired = collect::expire(&mut tx, now, batch).await?;
            tx.commit().await?;
            report.expired += expired;
            if expired == 0 {
                break;
            }
        }
        loop {
            let mut tx = core.worker.worker().await?;
            let marked = collect::mark(&mut tx, now, now - core.config.collector.grace, batch).await?;
            tx.commit().await?;
            if marked == 0 {
                break;
            }
            failpoints::hit(failpoints::COLLECT_AFTER_MARK)?;
        }
        self.delete_marked(now, batch, &mut report).await?;
        if report.deleted > 0 {
            failpoints::hit(failpoints::COLLECT_AFTER_DONE)?;
        }
        self.abort_stale_multiparts(now, &mut report).await?;
        loop {
            let mut tx = core.worker.worker().await?;
            let forgotten = collect::forget(&mut tx, now - core.config.collector.retention, batch).await?;
            tx.commit().await?;
            report.forgotten += forgotten.objects;
            if forgotten.objects == 0 && forgotten.uploads == 0 {
                break;
            }
        }
        self.measure_waiting().await?;
        if report != CollectReport::default() {
            tracing::info!(?report, "collected");
        }
        Ok(report)
    }

    /// Removes every object in `deleting` from the store, each once in this scan.
    async fn delete_marked(&self, now: OffsetDateTime, batch: i64, report: &mut CollectReport) -> Result<()> {
        let core = &self.core;
        let mut after = ObjectId(Uuid::nil());
        loop {
            let mut tx = core.worker.worker().await?;
            let doomed = collect::deleting(&mut tx, after, batch).await?;
            tx.commit().await?;
            let Some(last) = doomed.last() else { return Ok(()) };
            after = last.id;
            let gone = self.delete_from_store(doomed, report).await?;
            failpoints::hit(failpoints::COLLECT_AFTER_DELETE)?;
            let mut tx = core.worker.worker().await?;
            collect::mark_deleted(&mut tx, &gone, now).await?;
            tx.commit().await?;
            report.deleted += gone.len() as u64;
        }
    }

    /// Answers the objects that are gone from the store.
    async fn delete_from_store(
        &self,
        doomed: Vec<Doomed>,
        report: &mut CollectReport,
    ) -> Result<Vec<Doomed>> {
        let store = &self.core.store;
        let mut failed = HashSet::new();
        for object in doomed.iter().filter(|object| object.is_multipart) {
            match self.abort_multiparts_of(object).await {
                Ok(strays) => report.multiparts_aborted += strays,
                Err(error) => {
                    self.pass_over(&object.key, &error).await?;
                    failed.insert(object.key.clone());
                }
            }
        }
        let keys = doomed.iter().map(|object| object.key.clone());
        let keys: Vec<String> = keys.filter(|key| !failed.contains(key)).collect();
        if !keys.is_empty() {
            for failure in store.delete(keys).await? {
                tracing::warn!(key = failure.key, error = failure.message, "remove an object");
                failed.insert(failure.key);
            }
        }
        report.failed += failed.len() as u64;
        Ok(doomed
            .into_iter()
            .filter(|object| !failed.contains(&object.key))
            .collect())
    }

    /// Aborts the multipart uploads of an object; answers how many of them no row knew.
    async fn abort_multiparts_of(&self, object: &Doomed) -> Result<u64> {
        let store = &self.core.store;
        if let Some(multipart) = &object.multipart {
            store
                .abort_multipart(Some(object.tenant), object.key.clone(), multipart.clone())
                .await?;
        }
        let mut strays = 0;
        // One that was begun by a process that died before it could record the id.
        for stray in store.list_multiparts(object.key.clone()).await? {
            if stray.key == object.key {
                store
                    .abort_multipart(Some(object.tenant), stray.key, stray.multipart)
                    .await?;
                strays += 1;
            }
        }
        Ok(strays)
    }

    /// After a multipart upload could not be aborted: whether to go on without it. A store that answers nothing else either
    /// is down, and ends the scan.
    async fn pass_over(&self, key: &str, error: &Error) -> Result<()> {
        self.core.store.sizes(None, vec![key.to_owned()]).await?;
        tracing::warn!(key, %error, "abort a multipart upload");
        Ok(())
    }

    /// Aborts multipart uploads in the store that are older than the grace and that no open upload uses: a second one
    /// that was begun for an upload whose first id was never recorded. Keys that no row knows are left to fsck.
    async fn abort_stale_multiparts(&self, now: OffsetDateTime, report: &mut CollectReport) -> Result<()> {
        let core = &self.core;
        let before = now - core.config.collector.grace - CLOCK_SLACK;
        let old: Vec<_> = core
            .store
            .list_multiparts(String::new())
            .await?
            .into_iter()
            .filter(|one| {
                one.begun_at
                    .is_some_and(|at| at.seconds < before.unix_timestamp())
            })
            .filter_map(|one| key::tenant(&one.key).map(|tenant| (tenant, one)))
            .collect();
        if old.is_empty() {
            return Ok(());
        }
        let (tenants, keys): (Vec<Uuid>, Vec<String>) =
            old.iter().map(|(tenant, one)| (*tenant, one.key.clone())).unzip();
        let mut tx = core.worker.worker().await?;
        let owners = collect::multipart_owners(&mut tx, &tenants, &keys).await?;
        tx.commit().await?;
        let owners: HashMap<String, _> = owners
            .into_iter()
            .map(|owner| (owner.key.clone(), owner))
            .collect();
        for (_, one) in old {
            let Some(owner) = owners.get(&one.key) else {
                continue;
            };
            let in_use = matches!(owner.state.as_str(), "staging" | "orphaned")
                && owner.multipart.as_ref().is_none_or(|used| *used == one.multipart);
            if !in_use && core.store.is_pending(&one).await? {
                let aborted = core.store.abort_multipart(None, one.key.clone(), one.multipart);
                match aborted.await {
                    Ok(()) => report.multiparts_aborted += 1,
                    Err(error) => {
                        self.pass_over(&one.key, &error).await?;
                        report.failed += 1;
                    }
                }
            }
        }
        Ok(())
    }

    async fn measure_waiting(&self) -> Result<()> {
        let mut tx = self.core.worker.worker().await?;
        let waiting = collect::waiting(&mut tx).await?;
        tx.commit().await?;
        for state in ["orphaned", "deleting"] {
            let count = waiting
                .iter()
                .find(|(name, _)| name == state)
                .map_or(0, |(_, count)| *count);
            #[allow(clippy::cast_precision_loss, reason = "a gauge holds floats")]
            metrics::gauge!("bitvault_files_objects_waiting", "state" => state).set(count as f64);
        }
        Ok(())
    }
}
