//! The purge: removes for good what has been in the trash for longer than it is kept.
//!
//! It looks across tenants for ids and times only; each tenant's nodes are removed in transactions of that tenant, which
//! look again how long the node has been there. It may die anywhere: what is left is found by the next scan. The bytes are
//! given back by the collector.

use crate::Files;
use crate::service::remove_nodes::{self, Budget, By, Item, Results};
use crate::store::trash::{self, Due};
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;
use serde::Serialize;

/// Nodes that one look finds, at most.
const BATCH: i64 = 100;

/// What one scan did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PurgeReport {
    /// Nodes removed for good, those below others included.
    pub removed: u64,
    /// Tenants, once per look, in which it failed; the next scan tries again.
    pub failed: u64,
}

impl Files {
    /// One scan of the purge, over everything that is due.
    pub async fn purge_once(&self) -> Result<PurgeReport> {
        let core = &self.core;
        let before = core.clock.now() - core.config.trash.keep;
        let mut report = PurgeReport::default();
        let mut last: Option<Due> = None;
        loop {
            let mut tx = core.worker.worker().await?;
            let mut due = trash::due(&mut tx, before, last.as_ref(), BATCH).await?;
            tx.commit().await?;
            let Some(end) = due.last() else { break };
            last = Some(end.clone());
            due.sort_by_key(|due| due.tenant.0);
            for nodes in due.chunk_by(|one, next| one.tenant == next.tenant) {
                let mut budget = Budget::unlimited();
                let ctx = Ctx::system("files").within(nodes[0].tenant);
                let items: Vec<Item> = nodes.iter().map(|due| Item::for_good(due.node)).collect();
                // Those that were restored meanwhile are refused, which is fine.
                let answer = |_: Results| Ok(v1::EmptyTrashResponse::default());
                let by = By::Age(before);
                let done = remove_nodes::delete(core, &ctx, by, &items, None, &mut budget, answer).await;
                report.removed += budget.removed;
                if let Err(error) = done {
                    tracing::warn!(%error, tenant = %nodes[0].tenant, "purge the trash of a tenant");
                    report.failed += 1;
                }
            }
        }
        if report != PurgeReport::default() {
            tracing::info!(?report, "purged");
        }
        Ok(report)
    }
}
