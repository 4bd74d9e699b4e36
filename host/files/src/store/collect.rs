//! What the collector reads and writes, across tenants. The policies of its role keep committed objects out of reach.

use bitvault_platform::Result;
use bitvault_platform::db::WorkerTx;
use bitvault_platform::ids::{ObjectId, TenantId};
use time::OffsetDateTime;
use uuid::Uuid;

/// An object that is being removed.
#[derive(Debug, Clone)]
pub(crate) struct Doomed {
    pub(crate) tenant: TenantId,
    pub(crate) id: ObjectId,
    pub(crate) key: String,
    pub(crate) is_multipart: bool,
    pub(crate) multipart: Option<String>,
}

/// `staging → orphaned` for uploads whose time is over; answers how many.
pub(crate) async fn expire(tx: &mut WorkerTx, now: OffsetDateTime, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "UPDATE files.objects o SET state = 'orphaned', state_at = $1
         WHERE o.ctid = ANY (ARRAY(
                   SELECT ctid FROM files.objects
                   WHERE state = 'staging' AND expires_at <= $1
                   ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))
           AND o.state = 'staging'",
        now,
        limit
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// `orphaned → deleting` for objects that were orphaned before `before` and hold no blob, under the row lock that commit
/// takes as well. A commit that was faster has changed the state; one that comes later finds `deleting`.
pub(crate) async fn mark(
    tx: &mut WorkerTx,
    now: OffsetDateTime,
    before: OffsetDateTime,
    limit: i64,
) -> Result<u64> {
    let done = sqlx::query!(
        "UPDATE files.objects o SET state = 'deleting', state_at = $1
         WHERE o.ctid = ANY (ARRAY(
                   SELECT ctid FROM files.objects
                   WHERE state = 'orphaned' AND state_at <= $2
                   ORDER BY state_at LIMIT $3 FOR UPDATE SKIP LOCKED))
           AND o.state = 'orphaned'
           AND NOT EXISTS (SELECT FROM files.blobs b
                           WHERE b.tenant_id = o.tenant_id AND b.object_id = o.id OFFSET 0)",
        now,
        before,
        limit
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// Objects in `deleting`, those of a collector that died included; after `after`, in the order of their ids.
pub(crate) async fn deleting(tx: &mut WorkerTx, after: ObjectId, limit: i64) -> Result<Vec<Doomed>> {
    Ok(sqlx::query_as!(
        Doomed,
        r#"SELECT tenant_id AS "tenant!: TenantId", id AS "id!: ObjectId", key AS "key!",
                  is_multipart AS "is_multipart!", multipart
           FROM files.objects WHERE state = 'deleting' AND id > $1 ORDER BY id LIMIT $2"#,
        after.0,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// `deleting → deleted`.
pub(crate) async fn mark_deleted(tx: &mut WorkerTx, objects: &[Doomed], now: OffsetDateTime) -> Result<()> {
    let tenants: Vec<Uuid> = objects.iter().map(|object| object.tenant.0).collect();
    let ids: Vec<Uuid> = objects.iter().map(|object| object.id.0).collect();
    sqlx::query!(
        "UPDATE files.objects o SET state = 'deleted', state_at = $1
         FROM unnest($2::uuid[], $3::uuid[]) AS gone(tenant_id, id)
         WHERE o.tenant_id = gone.tenant_id AND o.id = gone.id AND o.state = 'deleting'",
        now,
        &tenants,
        &ids
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// How many rows were forgotten.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forgotten {
    pub(crate) uploads: u64,
    pub(crate) objects: u64,
}

/// Forgets deleted objects with their uploads, idempotency keys, and copies that have ended, that are older than `before`.
pub(crate) async fn forget(tx: &mut WorkerTx, before: OffsetDateTime, limit: i64) -> Result<Forgotten> {
    // Uploads of committed objects were kept for repeated commits only.
    let uploads = sqlx::query!(
        "DELETE FROM files.uploads u
         USING (SELECT u.tenant_id, u.id FROM files.uploads u
                WHERE u.created_at <= $1
                  AND EXISTS (SELECT FROM files.objects o
                              WHERE o.tenant_id = u.tenant_id AND o.id = u.object_id AND o.state_at <= $1
                                AND o.state IN ('committed', 'deleted') OFFSET 0)
                ORDER BY u.created_at LIMIT $2) old
         WHERE u.tenant_id = old.tenant_id AND u.id = old.id",
        before,
        limit
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!("DELETE FROM files.idempotency WHERE created_at <= $1", before)
        .execute(&mut **tx)
        .await?;
    // Of one that ended badly, what was built is removed first.
    sqlx::query!(
        "DELETE FROM files.copies WHERE ended_at <= $1 AND (state = 'done' OR node_id IS NULL)",
        before
    )
    .execute(&mut **tx)
    .await?;
    let done = sqlx::query!(
        "DELETE FROM files.objects
         WHERE ctid = ANY (ARRAY(
             SELECT o.ctid FROM files.objects o
             WHERE o.state = 'deleted' AND o.state_at <= $1
               AND NOT EXISTS (SELECT FROM files.uploads u
                               WHERE u.tenant_id = o.tenant_id AND u.object_id = o.id OFFSET 0)
             ORDER BY o.state_at LIMIT $2))",
        before,
        limit
    )
    .execute(&mut **tx)
    .await?;
    Ok(Forgotten {
        uploads: uploads.rows_affected(),
        objects: done.rows_affected(),
    })
}

/// What is known of the object behind a multipart upload that the store lists.
#[derive(Debug, Clone)]
pub(crate) struct MultipartOwner {
    pub(crate) key: String,
    pub(crate) state: String,
    pub(crate) multipart: Option<String>,
}

/// The objects of these keys, where there are any. `tenants` is the tenant that each key names.
pub(crate) async fn multipart_owners(
    tx: &mut WorkerTx,
    tenants: &[Uuid],
    keys: &[String],
) -> Result<Vec<MultipartOwner>> {
    Ok(sqlx::query_as!(
        MultipartOwner,
        r#"SELECT o.key AS "key!", o.state AS "state!", o.multipart
           FROM unnest($1::uuid[], $2::text[]) AS wanted(tenant_id, key)
           CROSS JOIN LATERAL (SELECT * FROM files.objects
                               WHERE tenant_id = wanted.tenant_id AND key = wanted.key COLLATE "C" LIMIT 1) o"#,
        tenants,
        keys
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Objects per state, for measurements.
pub(crate) async fn waiting(tx: &mut WorkerTx) -> Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"SELECT state AS "state!", count(*) AS "count!" FROM files.objects
           WHERE state IN ('orphaned', 'deleting') GROUP BY state"#
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.state, row.count)).collect())
}
