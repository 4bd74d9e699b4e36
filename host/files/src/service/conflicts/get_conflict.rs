use super::Files;
use super::shown::{Sides, show};
use crate::domain::access::Actor;
use crate::error::Refusal;
use crate::store::conflicts;
use bitvault_platform::ids::ConflictId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Answers a conflict that is open or settled.
pub(super) async fn get_conflict(
    files: &Files,
    ctx: &Ctx,
    request: v1::GetConflictRequest,
) -> Result<v1::Conflict> {
    let actor = Actor::of(ctx)?;
    let id: ConflictId = request.id.parse()?;
    let mut tx = files.core.begin(ctx).await?;
    let row = conflicts::find(&mut tx, id).await?;
    let row = row.ok_or(Refusal::ConflictNotFound)?;
    let mut sides = Sides::of(&mut tx, actor, std::slice::from_ref(&row)).await?;
    let is_told = row.resolved.is_some() || sides.are_open(&row);
    if !sides.are_seen(actor, &row) || !is_told {
        return Err(Refusal::ConflictNotFound.into());
    }
    let shown = show(&mut tx, vec![row], &sides).await?.pop();
    tx.commit().await?;
    Ok(shown.ok_or(Refusal::ConflictNotFound)?)
}
