use super::{Files, wire};
use crate::domain::access::Actor;
use crate::error::Refusal;
use crate::store::copies::{self, CopyRow};
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::CopyId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Answers where a large copy stands.
pub(super) async fn get_copy(files: &Files, ctx: &Ctx, request: v1::GetCopyRequest) -> Result<v1::CopyJob> {
    let actor = Actor::of(ctx)?;
    let id = request.id.parse()?;
    let mut tx = files.core.begin(ctx).await?;
    let row = own(&mut tx, actor, id).await?;
    tx.commit().await?;
    wire::copy(row)
}

/// A copy that this account began; there are no others for it.
pub(super) async fn own(tx: &mut TenantTx, actor: Actor, id: CopyId) -> Result<CopyRow> {
    let row = copies::find(tx, id).await?;
    Ok(row
        .filter(|row| row.account == actor.account)
        .ok_or(Refusal::CopyNotFound)?)
}
