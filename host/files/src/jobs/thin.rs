//! Removes old versions that no policy keeps.
//!
//! A file enters the queue when it gets a second version, is looked at soon and then once a day, and leaves the queue when
//! it has one version left. The job claims files across tenants, then works in one tenant at a time: what it removes
//! follows from what it reads under the files' locks, so that it may die anywhere and be run by several processes at once.

use crate::Files;
use crate::domain::retention::{Kept, Policy};
use crate::store::{blobs, nodes, retention, thinning};
use bitvault_platform::ids::{NodeId, TenantId};
use bitvault_platform::{Ctx, Result};
use serde::Serialize;
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// When a claimed file is due again, should the job die.
const LEASE: Duration = Duration::from_secs(600);
/// How often a file with old versions is looked at.
const AGAIN: Duration = Duration::from_secs(24 * 3600);

/// What one scan did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ThinReport {
    /// Files that were looked at.
    pub files: u64,
    /// Versions that were removed.
    pub removed: u64,
}

impl Files {
    /// Applies the policies to every file that is due.
    pub async fn thin_once(&self) -> Result<ThinReport> {
        let core = &self.core;
        let mut report = ThinReport::default();
        loop {
            let now = core.clock.now();
            let mut tx = core.worker.worker().await?;
            let batch = i64::from(core.config.versions.batch);
            let claimed = thinning::claim(&mut tx, now, now + LEASE, batch).await?;
            tx.commit().await?;
            if claimed.is_empty() {
                break;
            }
            report.files += claimed.len() as u64;
            let mut tenants: HashMap<TenantId, Vec<Uuid>> = HashMap::new();
            for (tenant, node) in claimed {
                tenants.entry(tenant).or_default().push(node.0);
            }
            for (tenant, mut files) in tenants {
                files.sort_unstable();
                report.removed += self.thin(tenant, &files).await?;
            }
        }
        if report.removed > 0 {
            tracing::info!(?report, "removed old versions");
            metrics::counter!("bitvault_files_versions_removed_total").increment(report.removed);
        }
        Ok(report)
    }

    /// The policy where neither a folder nor the tenant has one.
    pub(crate) fn default_policy(&self) -> Policy {
        let config = &self.core.config.versions;
        Policy {
            max_count: config.max_count,
            max_age_days: config.max_age_days,
            thin: config.thin,
        }
    }

    /// Applies the policies to these files, in the order of their ids; answers how many versions were removed.
    async fn thin(&self, tenant: TenantId, files: &[Uuid]) -> Result<u64> {
        let now = self.core.clock.now();
        let mut tx = self.core.begin(&Ctx::system("files").within(tenant)).await?;
        nodes::lock(&mut tx, files).await?;
        let policies = retention::nearest(&mut tx, files).await?;
        let mut found: HashMap<NodeId, Vec<Kept>> = HashMap::new();
        for (node, version) in thinning::versions(&mut tx, files).await? {
            found.entry(node).or_default().push(version);
        }
        let default = self.default_policy();
        let (mut gone, mut stay, mut leave) = (Vec::new(), Vec::new(), Vec::new());
        for file in files {
            let versions = found.remove(&NodeId(*file)).unwrap_or_default();
            let policy = policies
                .get(&NodeId(*file))
                .map_or(default, |(_, policy)| *policy);
            let removed = policy.removes(&versions, now);
            if versions.len() - removed.len() > 1 {
                stay.push(*file);
            } else {
                leave.push(*file);
            }
            gone.extend(removed.into_iter().map(|version| version.0));
        }
        blobs::remove_versions(&mut tx, &gone, now).await?;
        thinning::look_at(&mut tx, &stay, now + AGAIN).await?;
        thinning::leave(&mut tx, &leave).await?;
        tx.commit().await?;
        Ok(gone.len() as u64)
    }
}
