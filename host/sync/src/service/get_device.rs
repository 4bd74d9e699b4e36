use super::wire;
use crate::Sync;
use crate::error::Refusal;
use crate::store::devices;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Answers a device of the caller, with how far it is behind.
pub(super) async fn get_device(sync: &Sync, ctx: &Ctx, request: v1::GetDeviceRequest) -> Result<v1::Device> {
    let account = ctx.account_id()?;
    let id = request.id.parse()?;
    let mut tx = sync.begin(ctx).await?;
    let row = devices::get(&mut tx, account, id).await?;
    tx.commit().await?;
    let row = row.ok_or(Refusal::DeviceNotFound)?;
    let heads = sync.core.files.heads(&[ctx.tenant()?]).await?;
    Ok(wire::device(row, heads.first()))
}
