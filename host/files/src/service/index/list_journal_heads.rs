use super::{Files, bounded, head};
use crate::store::index;
use bitvault_platform::ids::TenantId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::internal::v1 as internal;
use uuid::Uuid;

/// Answers how far each tenant's journal has come, by tenant.
pub(super) async fn list_journal_heads(
    files: &Files,
    ctx: &Ctx,
    request: internal::ListJournalHeadsRequest,
) -> Result<internal::ListJournalHeadsResponse> {
    ctx.require_system()?;
    let after = match &request.after {
        Some(text) => text.parse()?,
        None => TenantId(Uuid::nil()),
    };
    let mut tx = files.core.worker.worker().await?;
    let heads = index::heads(&mut tx, after, bounded(request.limit)).await?;
    tx.commit().await?;
    let heads = heads.iter().map(head).collect();
    Ok(internal::ListJournalHeadsResponse { heads })
}
