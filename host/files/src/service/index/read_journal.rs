use super::{Files, bounded, head};
use crate::store::index;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::internal::v1 as internal;

/// Answers changes of the tenant behind a number, and the journal's head; no head when the tenant has no journal yet.
pub(super) async fn read_journal(
    files: &Files,
    ctx: &Ctx,
    request: internal::ReadJournalRequest,
) -> Result<internal::ReadJournalResponse> {
    ctx.require_system()?;
    let mut tx = files.core.begin(ctx).await?;
    let read = index::journal(&mut tx, request.after, bounded(request.limit)).await?;
    tx.commit().await?;
    let Some(read) = read else {
        return Ok(internal::ReadJournalResponse::default());
    };
    let entries = read
        .changes
        .into_iter()
        .map(|(seq, node)| internal::JournalEntry {
            seq,
            node_id: node.to_string(),
        });
    Ok(internal::ReadJournalResponse {
        head: Some(head(&read.head)),
        entries: entries.collect(),
    })
}
