//! The purge: removes for good what has been in the trash for longer than it is kept, as each tenant has settled, or as the
//! configuration says.
//!
//! It looks across tenants for ids and times only; each tenant's nodes are removed in transactions of that tenant, which
//! look again how long the node has been there. It may die anywhere: what is left is found by the next scan. The bytes are
//! given back by the collector.

use crate::Files;
use crate::domain::moment::Moment;
use crate::service::remove_nodes::{self, Budget, By, Item, Results};
use crate::store::trash;
use bitvault_platform::ids::TenantId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;
use serde::Serialize;
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

/// Nodes that one look finds, at most.
const BATCH: i64 = 100;
/// The least that a tenant can settle.
const SETTLED_LEAST: Duration = Duration::from_secs(24 * 3600);

/// What one scan did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PurgeReport {
    /// Nodes removed for good, those below others included.
    pub removed: u64,
    /// Failures: a tenant once per look, and tenants of which identity could not tell what they settled; the next scan
    /// tries again.
    pub failed: u64,
}

impl Files {
    /// One scan of the purge, over everything that is due.
    pub async fn purge_once(&self) -> Result<PurgeReport> {
        let core = &self.core;
        // Younger than this, nobody's trash is due: such tenants need not be asked about.
        let young = core.clock.now() - core.config.trash.keep.min(SETTLED_LEAST);
        let mut report = PurgeReport::default();
        let mut last = TenantId(Uuid::nil());
        loop {
            let mut tx = core.worker.worker().await?;
            let found = trash::next_tenant(&mut tx, last).await?;
            tx.commit().await?;
            let Some(oldest) = found else { break };
            last = oldest.tenant;
            if oldest.at > young {
                continue;
            }
            match self.trash_keep(oldest.tenant).await {
                Ok(keep) => {
                    let before = core.clock.now() - keep;
                    self.purge_tenant(oldest.tenant, before, &mut report).await?;
                }
                // One tenant does not hold up the others.
                Err(error) => {
                    tracing::warn!(%error, tenant = %oldest.tenant, "ask how long a tenant keeps its trash");
                    report.failed += 1;
                }
            }
        }
        if report != PurgeReport::default() {
            tracing::info!(?report, "purged");
        }
        Ok(report)
    }

    /// How long the trash of a tenant keeps what is in it.
    pub(crate) async fn trash_keep(&self, tenant: TenantId) -> Result<Duration> {
        let settled = self.core.identity.trash_keep(tenant).await?;
        Ok(settled.unwrap_or(self.core.config.trash.keep))
    }

    /// Removes what went to the trash of a tenant at `before` or earlier.
    async fn purge_tenant(
        &self,
        tenant: TenantId,
        before: OffsetDateTime,
        report: &mut PurgeReport,
    ) -> Result<()> {
        let core = &self.core;
        let ctx = Ctx::system("files").within(tenant);
        let mut after = Moment::FIRST;
        loop {
            let mut tx = core.worker.worker().await?;
            let due = trash::due(&mut tx, tenant, before, after, BATCH).await?;
            tx.commit().await?;
            let Some(end) = due.last() else { return Ok(()) };
            after = *end;
            let mut budget = Budget::unlimited();
            let items: Vec<Item> = due.iter().map(|due| Item::for_good(due.id)).collect();
            // Those that were restored meanwhile are refused, which is fine.
            let answer = |_: Results| Ok(v1::EmptyTrashResponse::default());
            let by = By::Age(before);
            let done = remove_nodes::delete(core, &ctx, by, &items, None, &mut budget, answer).await;
            report.removed += budget.removed;
            if let Err(error) = done {
                tracing::warn!(%error, %tenant, "purge the trash of a tenant");
                report.failed += 1;
            }
        }
    }
}
