//! Blobs whose hash is the client's word, across tenants.

use bitvault_platform::Result;
use bitvault_platform::db::WorkerTx;
use bitvault_platform::ids::{BlobId, TenantId, VersionId};
use time::OffsetDateTime;
use uuid::Uuid;

/// A blob to read back. It fills its object: parts of packs are verified when the pack is committed.
#[derive(Debug, Clone)]
pub(crate) struct Unverified {
    pub(crate) tenant: TenantId,
    pub(crate) blob: BlobId,
    pub(crate) key: String,
    pub(crate) length: i64,
    pub(crate) sha256: Vec<u8>,
}

/// The oldest blob that was not read back yet, without these.
pub(crate) async fn next(tx: &mut WorkerTx, unreadable: &[Uuid]) -> Result<Option<Unverified>> {
    Ok(sqlx::query_as!(
        Unverified,
        r#"SELECT b.tenant_id AS "tenant!: TenantId", b.id AS "blob!: BlobId", o.key AS "key!", b.length AS "length!",
                  b.sha256 AS "sha256!"
           FROM files.blobs b JOIN files.objects o ON o.tenant_id = b.tenant_id AND o.id = b.object_id
           WHERE NOT b.sha256_verified AND b.checked_at IS NULL AND o.state = 'committed'
             AND b."offset" = 0 AND b.length = o.size AND b.id <> ALL ($1)
           ORDER BY b.created_at LIMIT 1"#,
        unreadable
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Records what reading back showed.
pub(crate) async fn record(
    tx: &mut WorkerTx,
    blob: &Unverified,
    matches: bool,
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "UPDATE files.blobs SET sha256_verified = $3, checked_at = $4
         WHERE tenant_id = $1 AND id = $2 AND NOT sha256_verified",
        blob.tenant.0,
        blob.blob.0,
        matches,
        now
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Flags the versions that name the blob.
pub(crate) async fn flag_versions(tx: &mut WorkerTx, blob: &Unverified) -> Result<Vec<VersionId>> {
    Ok(sqlx::query_scalar!(
        r#"UPDATE files.versions SET content_mismatch = true
           WHERE tenant_id = $1 AND blob_id = $2 AND NOT content_mismatch RETURNING id AS "id!: VersionId""#,
        blob.tenant.0,
        blob.blob.0
    )
    .fetch_all(&mut **tx)
    .await?)
}
