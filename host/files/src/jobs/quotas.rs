//! Counts what is below quotas that were set and could not be counted at once: the process died in between, or transactions
//! from before went on for long. Counting what was counted changes nothing, so that several processes may do it.

use crate::Files;
use crate::store::quotas;
use bitvault_platform::Result;
use std::time::Duration;
use uuid::Uuid;

/// How often the job looks for them.
pub(super) const PERIOD: Duration = Duration::from_secs(30);
/// How long one that must wait holds up those behind it.
const WAIT: Duration = Duration::from_secs(2);
/// Quotas that are read at a time.
const PAGE: i64 = 100;

impl Files {
    /// Counts every quota that was left uncounted, as far as that can be done now; answers how many were counted.
    pub async fn count_quotas_once(&self) -> Result<u64> {
        let mut counted = 0;
        let mut after = (Uuid::nil(), Uuid::nil());
        loop {
            let mut tx = self.core.worker.worker().await?;
            let found = quotas::uncounted(&mut tx, after, PAGE).await?;
            tx.commit().await?;
            let Some((tenant, node)) = found.last() else {
                return Ok(counted);
            };
            after = (tenant.0, node.0);
            for (tenant, node) in found {
                counted += u64::from(self.count_quota(tenant, node, WAIT).await?);
            }
        }
    }
}
