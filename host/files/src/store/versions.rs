//! The versions of files: listing, labels, and a new one with the content of an old one.

use crate::domain::access::Actor;
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{AccountId, NodeId, VersionId};
use time::OffsetDateTime;

/// A version as it is listed.
#[derive(Debug, Clone)]
pub(crate) struct VersionRow {
    pub(crate) id: VersionId,
    pub(crate) size: i64,
    pub(crate) sha256: Vec<u8>,
    pub(crate) content_type: String,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) created_by: Option<AccountId>,
    pub(crate) label: Option<String>,
    pub(crate) device: Option<String>,
}

/// Versions of a file, the newest first, of those before `before`, at most `limit`. Ids are in the order of time.
pub(crate) async fn list(
    tx: &mut TenantTx,
    node: NodeId,
    before: VersionId,
    limit: i64,
) -> Result<Vec<VersionRow>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        VersionRow,
        r#"SELECT v.id AS "id!: VersionId", b.length AS "size!", b.sha256 AS "sha256!",
                  v.content_type AS "content_type!", v.created_at AS "created_at!",
                  v.created_by AS "created_by?: AccountId", v.label AS "label?", v.device AS "device?"
           FROM (SELECT * FROM files.versions WHERE tenant_id = $1 AND node_id = $2 AND id < $3
                 ORDER BY node_id DESC, id DESC LIMIT $4) v
           CROSS JOIN LATERAL (SELECT length, sha256 FROM files.blobs
                               WHERE tenant_id = $1 AND id = v.blob_id LIMIT 1) b
           ORDER BY v.id DESC"#,
        tenant,
        node.0,
        before.0,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// One version of a file.
pub(crate) async fn find(tx: &mut TenantTx, node: NodeId, version: VersionId) -> Result<Option<VersionRow>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        VersionRow,
        r#"SELECT v.id AS "id!: VersionId", b.length AS "size!", b.sha256 AS "sha256!",
                  v.content_type AS "content_type!", v.created_at AS "created_at!",
                  v.created_by AS "created_by?: AccountId", v.label AS "label?", v.device AS "device?"
           FROM files.versions v
           CROSS JOIN LATERAL (SELECT length, sha256 FROM files.blobs
                               WHERE tenant_id = $1 AND id = v.blob_id LIMIT 1) b
           WHERE v.tenant_id = $1 AND v.node_id = $2 AND v.id = $3"#,
        tenant,
        node.0,
        version.0
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Makes the version `new` of a file with the content of its version `old`; its size in bytes, absent when there is no such version.
pub(crate) async fn repeat(
    tx: &mut TenantTx,
    actor: Actor,
    node: NodeId,
    old: VersionId,
    new: VersionId,
    now: OffsetDateTime,
) -> Result<Option<i64>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_scalar!(
        r#"INSERT INTO files.versions (tenant_id, id, node_id, blob_id, content_type, content_mismatch, created_at, created_by,
                                       device)
           SELECT tenant_id, $4, node_id, blob_id, content_type, content_mismatch, $5, $6, device
           FROM files.versions WHERE tenant_id = $1 AND node_id = $2 AND id = $3
           RETURNING (SELECT length FROM files.blobs WHERE tenant_id = $1 AND id = blob_id LIMIT 1) AS "size!""#,
        tenant,
        node.0,
        old.0,
        new.0,
        now,
        actor.account.0
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Makes the version `new` of a file with the content of another file's version `from`, as a conflict that is settled for a copy
/// does.
pub(crate) async fn adopt(
    tx: &mut TenantTx,
    actor: Actor,
    node: NodeId,
    from: VersionId,
    new: VersionId,
    now: OffsetDateTime,
) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "INSERT INTO files.versions (tenant_id, id, node_id, blob_id, content_type, content_mismatch, created_at, created_by,
                                     device)
         SELECT tenant_id, $4, $2, blob_id, content_type, content_mismatch, $5, $6, device
         FROM files.versions WHERE tenant_id = $1 AND id = $3",
        tenant,
        node.0,
        from.0,
        new.0,
        now,
        actor.account.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Gives a version a label or takes it away; `false` when there is no such version.
pub(crate) async fn label(
    tx: &mut TenantTx,
    node: NodeId,
    version: VersionId,
    label: Option<&str>,
) -> Result<bool> {
    let tenant = tx.tenant().0;
    let done = sqlx::query!(
        "UPDATE files.versions SET label = $4 WHERE tenant_id = $1 AND node_id = $2 AND id = $3",
        tenant,
        node.0,
        version.0,
        label
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}
