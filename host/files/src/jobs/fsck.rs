//! The two-way check of store against database. It reports and never changes anything.
//!
//! Both sides are walked in the order of keys and merged, page by page, so that memory stays bounded. Uploads, commits and
//! the collector may run meanwhile: what looks wrong is looked at once more before it is reported.

use crate::Files;
use crate::config::CLOCK_SLACK;
use crate::domain::{high_water, key};
use crate::store::fsck::{self, ObjectRow};
use crate::store::high_water as marks;
use crate::store::{collect, quotas, unsigned, usage};
use bitvault_platform::{Ctx, Result};
use bitvault_proto::internal::v1::StoredObject;
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::VecDeque;
use uuid::Uuid;

/// Rows and objects that are read at a time.
const PAGE: u32 = 1000;
/// Findings of one kind that are listed; more are counted in `truncated`.
const FINDINGS: usize = 1000;

/// What the check found. All lists empty: the store and the database agree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FsckReport {
    /// Objects in the store.
    pub objects_in_store: u64,
    /// Committed objects in the database.
    pub objects_committed: u64,
    /// Committed objects that the store does not have.
    pub missing_objects: Vec<String>,
    /// Versions (`ver_…`) whose content is missing, has another size, or may be removed.
    pub dangling_versions: Vec<String>,
    /// Objects whose size differs: `key: … bytes stored, … expected`.
    pub wrong_sizes: Vec<String>,
    /// Objects in the store that no row knows, or that were deleted.
    pub unknown_objects: Vec<String>,
    /// Multipart uploads in the store that no open upload uses: `key (id)`.
    pub stale_multiparts: Vec<String>,
    /// Versions whose content was read back and does not have its hash.
    pub content_mismatches: Vec<String>,
    /// Trees whose counted space is not what counting anew finds: `nod_…: … bytes counted, … found`.
    pub usage_mismatches: Vec<String>,
    /// Quotas whose counter is not what counting anew finds: `nod_…: … bytes counted, … found`.
    pub quota_mismatches: Vec<String>,
    /// Nodes that are listed under another size than their content has: `nod_…: … bytes listed, … found`.
    pub size_mismatches: Vec<String>,
    /// Findings beyond the first 1000 of a kind.
    pub truncated: u64,
}

impl FsckReport {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        let lists = [
            &self.missing_objects,
            &self.dangling_versions,
            &self.wrong_sizes,
            &self.unknown_objects,
            &self.stale_multiparts,
            &self.content_mismatches,
            &self.usage_mismatches,
            &self.quota_mismatches,
            &self.size_mismatches,
        ];
        lists.into_iter().all(Vec::is_empty)
    }
}

fn note(list: &mut Vec<String>, truncated: &mut u64, finding: String) {
    if list.len() < FINDINGS {
        list.push(finding);
    } else {
        *truncated += 1;
    }
}

/// Objects of the store, in the order of their keys.
struct StoreSide<'a> {
    files: &'a Files,
    page: VecDeque<StoredObject>,
    cursor: Option<String>,
    ended: bool,
    /// What the keys begin with of what is the daemon's own.
    own: String,
}

impl StoreSide<'_> {
    async fn peek(&mut self) -> Result<Option<&StoredObject>> {
        while self.page.is_empty() && !self.ended {
            let page = self
                .files
                .core
                .store
                .list(String::new(), self.cursor.take(), PAGE)
                .await?;
            self.ended = page.next_cursor.is_none();
            self.cursor = page.next_cursor;
            self.page = page.objects.into();
            self.page.retain(|object| !object.key.starts_with(&self.own));
        }
        Ok(self.page.front())
    }
}

/// Rows of the database, in the order of their keys.
struct DatabaseSide<'a> {
    files: &'a Files,
    page: VecDeque<ObjectRow>,
    after: (Uuid, String),
    ended: bool,
}

impl DatabaseSide<'_> {
    async fn peek(&mut self) -> Result<Option<&ObjectRow>> {
        if self.page.is_empty() && !self.ended {
            let mut tx = self.files.core.worker.worker().await?;
            let page = fsck::objects(&mut tx, self.after.0, &self.after.1, i64::from(PAGE)).await?;
            tx.commit().await?;
            match page.last() {
                Some(last) => self.after = (last.tenant.0, last.key.clone()),
                None => self.ended = true,
            }
            self.page = page.into();
        }
        Ok(self.page.front())
    }
}

impl Files {
    /// Compares the store with the database, both ways.
    pub async fn fsck(&self) -> Result<FsckReport> {
        let mut report = FsckReport::default();
        let mut tx = self.core.worker.worker().await?;
        let own = high_water::prefix(marks::database(&mut tx).await?);
        tx.commit().await?;
        let mut stored = StoreSide {
            files: self,
            page: VecDeque::new(),
            cursor: None,
            ended: false,
            own,
        };
        let mut known = DatabaseSide {
            files: self,
            page: VecDeque::new(),
            after: (Uuid::nil(), String::new()),
            ended: false,
        };
        loop {
            let order = match (stored.peek().await?, known.peek().await?) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(object), Some(row)) => object.key.cmp(&row.key),
            };
            let object = if order.is_le() {
                stored.page.pop_front()
            } else {
                None
            };
            let row = if order.is_ge() {
                known.page.pop_front()
            } else {
                None
            };
            report.objects_in_store += u64::from(object.is_some());
            report.objects_committed += u64::from(row.as_ref().is_some_and(|row| row.state == "committed"));
            if suspicious(object.as_ref(), row.as_ref())? {
                let key = object.map(|object| object.key).or(row.map(|row| row.key));
                self.look_again(&key.unwrap_or_default(), &mut report).await?;
            }
        }
        self.check_versions(&mut report).await?;
        self.check_multiparts(&mut report).await?;
        self.check_usage(&mut report).await?;
        Ok(report)
    }

    /// Reads both sides of one key afresh, and reports what is still wrong.
    async fn look_again(&self, key: &str, report: &mut FsckReport) -> Result<()> {
        let Some(tenant) = key::tenant(key) else {
            note(&mut report.unknown_objects, &mut report.truncated, key.to_owned());
            return Ok(());
        };
        let size = self
            .core
            .store
            .sizes(None, vec![key.to_owned()])
            .await?
            .pop()
            .flatten();
        let mut tx = self.core.worker.worker().await?;
        let row = fsck::object(&mut tx, tenant, key).await?;
        let versions = match &row {
            Some(row) => fsck::versions(&mut tx, row.tenant, key).await?,
            None => Vec::new(),
        };
        tx.commit().await?;
        let truncated = &mut report.truncated;
        match (size, row) {
            (Some(_), None) => note(&mut report.unknown_objects, truncated, key.to_owned()),
            (Some(_), Some(row)) if row.state == "deleted" => {
                note(&mut report.unknown_objects, truncated, key.to_owned());
            }
            (None, Some(row)) if row.state == "committed" => {
                note(&mut report.missing_objects, truncated, key.to_owned());
                for version in versions {
                    note(&mut report.dangling_versions, truncated, version.to_string());
                }
            }
            (Some(size), Some(row)) if row.state == "committed" && size != unsigned(row.size)? => {
                let finding = format!("{key}: {size} bytes stored, {} expected", row.size);
                note(&mut report.wrong_sizes, truncated, finding);
                for version in versions {
                    note(&mut report.dangling_versions, truncated, version.to_string());
                }
            }
            _ => {}
        }
        Ok(())
    }

    async fn check_versions(&self, report: &mut FsckReport) -> Result<()> {
        let mut tx = self.core.worker.worker().await?;
        let endangered = fsck::endangered(&mut tx, i64::from(PAGE)).await?;
        let mismatched = fsck::mismatched(&mut tx, i64::from(PAGE)).await?;
        tx.commit().await?;
        for (_, version, _) in endangered {
            note(
                &mut report.dangling_versions,
                &mut report.truncated,
                version.to_string(),
            );
        }
        for (_, version) in mismatched {
            note(
                &mut report.content_mismatches,
                &mut report.truncated,
                version.to_string(),
            );
        }
        Ok(())
    }

    /// Counters and rows change in one transaction, so that one statement sees both as they were at one moment.
    async fn check_usage(&self, report: &mut FsckReport) -> Result<()> {
        let mut after = Uuid::nil();
        loop {
            let mut tx = self.core.worker.worker().await?;
            let tenants = usage::tenants(&mut tx, after, i64::from(PAGE)).await?;
            tx.commit().await?;
            let Some(last) = tenants.last() else { return Ok(()) };
            after = last.0;
            for tenant in tenants {
                let mut tx = self.core.begin(&Ctx::system("files").within(tenant)).await?;
                let drifts = usage::drifts(&mut tx).await?;
                let limits = quotas::drifts(&mut tx).await?;
                let sizes = fsck::wrong_sizes(&mut tx, i64::from(PAGE)).await?;
                tx.commit().await?;
                for wrong in sizes {
                    let finding = format!(
                        "{}: {} bytes listed, {} found",
                        wrong.node, wrong.listed, wrong.found
                    );
                    note(&mut report.size_mismatches, &mut report.truncated, finding);
                }
                for drift in limits {
                    let finding = format!(
                        "{}: {} bytes counted, {} found",
                        drift.node, drift.used, drift.found
                    );
                    note(&mut report.quota_mismatches, &mut report.truncated, finding);
                }
                for drift in drifts {
                    let finding = format!(
                        "{}: {} bytes counted, {} found",
                        drift.tree, drift.counted, drift.found
                    );
                    note(&mut report.usage_mismatches, &mut report.truncated, finding);
                }
            }
        }
    }

    async fn check_multiparts(&self, report: &mut FsckReport) -> Result<()> {
        let now = self.core.clock.now();
        for one in self.core.store.list_multiparts(String::new()).await? {
            let fresh = one
                .begun_at
                .is_some_and(|at| at.seconds >= (now - CLOCK_SLACK).unix_timestamp());
            let owner = match key::tenant(&one.key) {
                Some(tenant) => {
                    let mut tx = self.core.worker.worker().await?;
                    let owners =
                        collect::multipart_owners(&mut tx, &[tenant], std::slice::from_ref(&one.key)).await?;
                    tx.commit().await?;
                    owners.into_iter().next()
                }
                None => None,
            };
            let used = owner.is_some_and(|owner| {
                let open = matches!(owner.state.as_str(), "staging" | "orphaned" | "deleting");
                // An id that is not recorded may be recorded any moment.
                open && (owner.multipart.as_ref() == Some(&one.multipart)
                    || (owner.multipart.is_none() && fresh))
            });
            if !used && self.core.store.is_pending(&one).await? {
                let finding = format!("{} ({})", one.key, one.multipart);
                note(&mut report.stale_multiparts, &mut report.truncated, finding);
            }
        }
        Ok(())
    }
}

/// Whether two sides of one key don't fit together.
fn suspicious(object: Option<&StoredObject>, row: Option<&ObjectRow>) -> Result<bool> {
    Ok(match (object, row) {
        (Some(_), None) => true,
        (None, Some(row)) => row.state == "committed",
        (Some(object), Some(row)) => match row.state.as_str() {
            "committed" => object.size != unsigned(row.size)?,
            "deleted" => true,
            _ => false,
        },
        (None, None) => false,
    })
}
