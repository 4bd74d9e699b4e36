use super::wire;
use crate::Sync;
use crate::domain::device;
use crate::error::Refusal;
use crate::store::devices::{self, New};
use bitvault_platform::ids::DeviceId;
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::v1;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

/// Makes a device of the caller known.
pub(super) async fn create_device(
    sync: &Sync,
    ctx: &Ctx,
    mut request: v1::CreateDeviceRequest,
) -> Result<v1::Device> {
    let account = ctx.account_id()?;
    let key = request.idempotency_key.take();
    if let Some(key) = &key {
        device::key(key)?;
    }
    let asked = Sha256::digest(request.encode_to_vec());
    let name = device::name(&request.name)?;
    let platform = request.platform.as_deref().map(device::platform).transpose()?;
    let now = sync.core.clock.now();
    let most = sync.core.config.devices_per_account;
    let mut tx = sync.begin(ctx).await?;
    // Under this lock a repeat that came while the first request ran finds what that one made.
    let count = devices::count(&mut tx, account).await?;
    if let Some(key) = &key
        && let Some((id, first)) = devices::repeated(&mut tx, account, key).await?
    {
        if first != asked[..] {
            return Err(Refusal::IdempotencyKeyReused.into());
        }
        let row = devices::get(&mut tx, account, id).await?;
        tx.commit().await?;
        return Ok(wire::device(row.ok_or(Refusal::DeviceNotFound)?, None));
    }
    if count >= i64::from(most) {
        return Err(Refusal::TooManyDevices(most).into());
    }
    let new = New {
        id: DeviceId::new(),
        account,
        name: &name,
        platform: platform.as_deref(),
        idempotency: key.as_ref().map(|key| (key.as_str(), &asked[..])),
    };
    devices::insert(&mut tx, &new, now).await?;
    let row = devices::get(&mut tx, account, new.id).await?;
    tx.commit().await?;
    let row = row.ok_or_else(|| Error::internal("make a device", "it was not written"))?;
    Ok(wire::device(row, None))
}
