//! What no cursor needs any more: old entries of the journals, and sets of roots that no cursor named for long.
//!
//! An entry goes once it is older than `retention` and every device that was seen within `max_age` has been told of it; older
//! than `max_age` it goes in any case. Readers without a device are not known: theirs are good for `retention`. The search
//! index keeps its own place, within a second of the head; one that is farther behind than what is kept is made anew by itself.

use crate::Sync;
use crate::store::{devices, root_sets};
use bitvault_platform::ids::TenantId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::internal::v1::{CompactJournalRequest, JournalHead};

/// Tenants whose heads are asked for at a time.
const TENANTS: u32 = 1000;
/// Entries that one call removes.
const ENTRIES: u32 = 5000;
/// Calls for one tenant in one scan; what is left, the next one removes.
const CALLS: usize = 100;

impl Sync {
    /// Removes what may go now in every tenant; answers how many entries went. A tenant where that fails is tried again at
    /// the next look.
    pub async fn compact_once(&self) -> Result<u64> {
        let (mut removed, mut after) = (0, None);
        loop {
            let heads = self.core.files.all_heads(after, TENANTS).await?;
            let Some(last) = heads.last() else {
                return Ok(removed);
            };
            after = Some(last.tenant_id.parse()?);
            for head in &heads {
                match self.compact_tenant(head).await {
                    Ok(gone) => removed += gone,
                    Err(error) => {
                        tracing::warn!(%error, tenant = head.tenant_id, "remove old entries of a tenant's journal");
                    }
                }
            }
        }
    }

    async fn compact_tenant(&self, head: &JournalHead) -> Result<u64> {
        let tenant: TenantId = head.tenant_id.parse()?;
        let config = &self.core.config.journal;
        let oldest = self.core.clock.now() - config.max_age;
        let mut tx = self.begin(&Ctx::system("sync").within(tenant)).await?;
        let needed = devices::farthest_behind(&mut tx, head.epoch, oldest).await?;
        root_sets::sweep(&mut tx, oldest).await?;
        tx.commit().await?;
        let told = needed.unwrap_or(head.seq);
        let mut removed = 0;
        for (up_to, age) in [(told, config.retention), (head.seq, config.max_age)] {
            for _ in 0..CALLS {
                let message = CompactJournalRequest {
                    up_to,
                    older_than_s: age.as_secs(),
                    keep: config.keep,
                    limit: ENTRIES,
                };
                let gone = self.core.files.compact(tenant, message).await?;
                metrics::counter!("bitvault_sync_journal_removed_total").increment(gone);
                removed += gone;
                if gone < u64::from(ENTRIES) {
                    break;
                }
            }
        }
        Ok(removed)
    }
}
