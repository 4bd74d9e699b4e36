use super::wire;
use crate::Sync;
use crate::error::Refusal;
use crate::store::devices;
use bitvault_api::limits::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use bitvault_platform::ids::DeviceId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;
use uuid::Uuid;

/// Answers a page of the caller's devices, the oldest first. A cursor is the id of the device to go on after: all that one
/// can choose is a place among its own.
pub(super) async fn list_devices(
    sync: &Sync,
    ctx: &Ctx,
    request: v1::ListDevicesRequest,
) -> Result<v1::ListDevicesResponse> {
    let account = ctx.account_id()?;
    let limit = match request.limit {
        0 => PAGE_ITEMS_DEFAULT,
        limit if limit <= PAGE_ITEMS_MAX => limit,
        _ => return Err(Refusal::LimitInvalid(PAGE_ITEMS_MAX).into()),
    };
    let after = match &request.cursor {
        Some(text) => text.parse::<DeviceId>().map_err(|_| Refusal::CursorInvalid)?.0,
        None => Uuid::nil(),
    };
    let mut tx = sync.begin(ctx).await?;
    // One more than asked for tells whether there is a next page.
    let mut rows = devices::list(&mut tx, account, after, i64::from(limit) + 1).await?;
    tx.commit().await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let heads = match rows.is_empty() {
        true => Vec::new(),
        false => sync.core.files.heads(&[ctx.tenant()?]).await?,
    };
    let last = rows.last().filter(|_| more).map(|row| row.id.to_string());
    Ok(v1::ListDevicesResponse {
        items: rows
            .into_iter()
            .map(|row| wire::device(row, heads.first()))
            .collect(),
        next_cursor: last,
    })
}
