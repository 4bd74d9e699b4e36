//! Making indexes anew.

use super::follow::Step;
use crate::Search;
use crate::store::{cursors, pending};
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::TenantId;
use bitvault_platform::{Ctx, Result};
use serde::Serialize;

/// What a rebuild did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RebuildReport {
    /// Tenants whose index was made anew.
    pub tenants: u64,
    /// Nodes that are in it.
    pub nodes: u64,
}

/// Heads that are read at a time.
const HEADS: u32 = 1000;

impl Search {
    /// Empties the index of one tenant, or of all, and fills it again to the end, in bounded steps. A daemon that runs
    /// meanwhile helps; killed, it leaves the rest to the next one.
    pub async fn rebuild(&self, tenant: Option<TenantId>) -> Result<RebuildReport> {
        let tenants = match tenant {
            Some(tenant) => vec![tenant],
            None => self.all_tenants().await?,
        };
        let mut report = RebuildReport::default();
        for tenant in tenants {
            self.empty(tenant).await?;
            while self.step(tenant).await? == Step::More {}
            report.tenants += 1;
            report.nodes += self.count(tenant).await?;
        }
        Ok(report)
    }

    async fn all_tenants(&self) -> Result<Vec<TenantId>> {
        let mut tenants: Vec<TenantId> = Vec::new();
        loop {
            let heads = self.core.files.heads(tenants.last().copied(), HEADS).await?;
            if heads.is_empty() {
                return Ok(tenants);
            }
            for head in heads {
                tenants.push(head.tenant_id.parse()?);
            }
        }
    }

    /// Lets the next steps empty the index of a tenant.
    pub(super) async fn empty(&self, tenant: TenantId) -> Result<()> {
        let ctx = Ctx::system("search").within(tenant);
        let mut tx = TenantTx::begin(&self.core.database, &ctx).await?;
        cursors::empty(&mut tx).await?;
        pending::add(&mut tx, &[tenant.0]).await?;
        tx.commit().await
    }

    async fn count(&self, tenant: TenantId) -> Result<u64> {
        let ctx = Ctx::system("search").within(tenant);
        let mut tx = TenantTx::begin(&self.core.database, &ctx).await?;
        let count = cursors::count(&mut tx).await?;
        tx.commit().await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}
