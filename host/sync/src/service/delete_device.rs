use crate::Sync;
use crate::error::Refusal;
use crate::store::devices;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Forgets a device of the caller.
pub(super) async fn delete_device(
    sync: &Sync,
    ctx: &Ctx,
    request: v1::DeleteDeviceRequest,
) -> Result<v1::DeleteDeviceResponse> {
    let account = ctx.account_id()?;
    let id = request.id.parse()?;
    let mut tx = sync.begin(ctx).await?;
    if !devices::delete(&mut tx, account, id).await? {
        return Err(Refusal::DeviceNotFound.into());
    }
    tx.commit().await?;
    Ok(v1::DeleteDeviceResponse {})
}
