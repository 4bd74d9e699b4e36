//! Removing versions, and giving back what only they held.

use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use time::OffsetDateTime;
use uuid::Uuid;

/// Removes versions, blobs that no version names any more, and orphans objects without blobs. Who calls holds the locks
/// of the versions' nodes.
///
/// Objects and blobs are locked first: of two that remove the last two versions of a blob, the second sees what the first
/// one left; and a copy that names a blob meanwhile is seen, because its foreign key holds the blob until it commits.
pub(crate) async fn remove_versions(tx: &mut TenantTx, versions: &[Uuid], now: OffsetDateTime) -> Result<()> {
    if versions.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant().0;
    let objects = sqlx::query_scalar!(
        "SELECT o.id FROM files.objects o
         WHERE o.tenant_id = $1 AND o.id = ANY (ARRAY(
             SELECT b.object_id
             FROM unnest($2::uuid[]) AS wanted(id)
             CROSS JOIN LATERAL (SELECT blob_id FROM files.versions WHERE tenant_id = $1 AND id = wanted.id LIMIT 1) v
             CROSS JOIN LATERAL (SELECT object_id FROM files.blobs WHERE tenant_id = $1 AND id = v.blob_id LIMIT 1) b))
         ORDER BY o.id FOR UPDATE",
        tenant,
        versions
    )
    .fetch_all(&mut **tx)
    .await?;
    let blobs = sqlx::query_scalar!(
        "SELECT b.id FROM files.blobs b
         WHERE b.tenant_id = $1 AND b.id = ANY (ARRAY(
             SELECT v.blob_id
             FROM unnest($2::uuid[]) AS wanted(id)
             CROSS JOIN LATERAL (SELECT blob_id FROM files.versions WHERE tenant_id = $1 AND id = wanted.id LIMIT 1) v))
         ORDER BY b.id FOR UPDATE",
        tenant,
        versions
    )
    .fetch_all(&mut **tx)
    .await?;
    sqlx::query!(
        "DELETE FROM files.versions WHERE tenant_id = $1 AND id = ANY($2)",
        tenant,
        versions
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "DELETE FROM files.blobs b
         WHERE b.tenant_id = $1 AND b.id = ANY($2)
           AND NOT EXISTS (SELECT FROM files.versions v WHERE v.tenant_id = $1 AND v.blob_id = b.id OFFSET 0)",
        tenant,
        &blobs
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "UPDATE files.objects o SET state = 'orphaned', state_at = $3
         WHERE o.tenant_id = $1 AND o.id = ANY($2) AND o.state = 'committed'
           AND NOT EXISTS (SELECT FROM files.blobs b WHERE b.tenant_id = $1 AND b.object_id = o.id OFFSET 0)",
        tenant,
        &objects,
        now
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
