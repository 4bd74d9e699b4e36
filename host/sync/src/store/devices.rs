//! Devices, and how far each has been told.

use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{AccountId, DeviceId};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// When a device was seen is told to the minute.
const SEEN_EVERY: Duration = Duration::MINUTE;

/// A device as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct DeviceRow {
    pub(crate) id: DeviceId,
    pub(crate) name: String,
    pub(crate) platform: Option<String>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) last_seen_at: Option<OffsetDateTime>,
    pub(crate) epoch: Option<i64>,
    pub(crate) seq: Option<i64>,
}

/// A device to make.
#[derive(Debug)]
pub(crate) struct New<'a> {
    pub(crate) id: DeviceId,
    pub(crate) account: AccountId,
    pub(crate) name: &'a str,
    pub(crate) platform: Option<&'a str>,
    /// Of the request, with the hash of what was asked.
    pub(crate) idempotency: Option<(&'a str, &'a [u8])>,
}

/// How many devices an account has. Nobody adds one until this transaction ends.
pub(crate) async fn count(tx: &mut TenantTx, account: AccountId) -> Result<i64> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('sync.devices' || $1::uuid || $2::uuid, 0))",
        tenant,
        account.0
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM sync.devices WHERE tenant_id = $1 AND account_id = $2"#,
        tenant,
        account.0
    )
    .fetch_one(&mut **tx)
    .await?)
}

/// Makes a device.
pub(crate) async fn insert(tx: &mut TenantTx, new: &New<'_>, now: OffsetDateTime) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "INSERT INTO sync.devices (tenant_id, id, account_id, name, platform, created_at, idempotency_key, request)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        tenant,
        new.id.0,
        new.account.0,
        new.name,
        new.platform,
        now,
        new.idempotency.map(|(key, _)| key),
        new.idempotency.map(|(_, request)| request)
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The device that a request with this key made, and the hash of what was asked.
pub(crate) async fn repeated(
    tx: &mut TenantTx,
    account: AccountId,
    key: &str,
) -> Result<Option<(DeviceId, Vec<u8>)>> {
    let tenant = tx.tenant().0;
    let row = sqlx::query!(
        r#"SELECT id AS "id: DeviceId", request AS "request!" FROM sync.devices
           WHERE tenant_id = $1 AND account_id = $2 AND idempotency_key = $3"#,
        tenant,
        account.0,
        key
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|row| (row.id, row.request)))
}

/// A device of an account.
pub(crate) async fn get(tx: &mut TenantTx, account: AccountId, id: DeviceId) -> Result<Option<DeviceRow>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        DeviceRow,
        r#"SELECT id AS "id: DeviceId", name, platform, created_at, last_seen_at, epoch, seq
           FROM sync.devices WHERE tenant_id = $1 AND id = $2 AND account_id = $3"#,
        tenant,
        id.0,
        account.0
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Devices of an account by id, after `after`.
pub(crate) async fn list(
    tx: &mut TenantTx,
    account: AccountId,
    after: Uuid,
    limit: i64,
) -> Result<Vec<DeviceRow>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        DeviceRow,
        r#"SELECT id AS "id: DeviceId", name, platform, created_at, last_seen_at, epoch, seq
           FROM sync.devices WHERE tenant_id = $1 AND account_id = $2 AND id > $3 ORDER BY id LIMIT $4"#,
        tenant,
        account.0,
        after,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Notes that a device was seen, and the place of the cursor that it came with, if that is any news.
pub(crate) async fn seen(
    tx: &mut TenantTx,
    device: &DeviceRow,
    place: Option<(i64, i64)>,
    now: OffsetDateTime,
) -> Result<()> {
    let known = device.epoch.zip(device.seq) == place;
    if known && device.last_seen_at.is_some_and(|at| at > now - SEEN_EVERY) {
        return Ok(());
    }
    let tenant = tx.tenant().0;
    sqlx::query!(
        "UPDATE sync.devices SET last_seen_at = $3, epoch = $4, seq = $5 WHERE tenant_id = $1 AND id = $2",
        tenant,
        device.id.0,
        now,
        place.map(|(epoch, _)| epoch),
        place.map(|(_, seq)| seq)
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets a device; `false` when the account has no such one.
pub(crate) async fn delete(tx: &mut TenantTx, account: AccountId, id: DeviceId) -> Result<bool> {
    let tenant = tx.tenant().0;
    let done = sqlx::query!(
        "DELETE FROM sync.devices WHERE tenant_id = $1 AND id = $2 AND account_id = $3",
        tenant,
        id.0,
        account.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The entry that the device has been told up to that is farthest behind, among those seen since `seen`.
pub(crate) async fn farthest_behind(
    tx: &mut TenantTx,
    epoch: i64,
    seen: OffsetDateTime,
) -> Result<Option<i64>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_scalar!(
        r#"SELECT seq AS "seq!" FROM sync.devices
           WHERE tenant_id = $1 AND epoch = $2 AND seq IS NOT NULL AND last_seen_at >= $3 ORDER BY seq LIMIT 1"#,
        tenant,
        epoch,
        seen
    )
    .fetch_optional(&mut **tx)
    .await?)
}
