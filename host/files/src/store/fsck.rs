//! Objects as the database knows them, in the order of their keys, and the versions that need them.

use bitvault_platform::Result;
use bitvault_platform::db::{TenantTx, WorkerTx};
use bitvault_platform::ids::{NodeId, TenantId, VersionId};
use uuid::Uuid;

/// An object's row.
#[derive(Debug, Clone)]
pub(crate) struct ObjectRow {
    pub(crate) tenant: TenantId,
    pub(crate) key: String,
    pub(crate) size: i64,
    pub(crate) state: String,
}

/// Objects after a key. A key begins with its tenant's id in hex, so that their order is also that of the index.
pub(crate) async fn objects(
    tx: &mut WorkerTx,
    tenant: Uuid,
    key: &str,
    limit: i64,
) -> Result<Vec<ObjectRow>> {
    Ok(sqlx::query_as!(
        ObjectRow,
        r#"SELECT tenant_id AS "tenant!: TenantId", key AS "key!", size AS "size!", state AS "state!"
           FROM files.objects WHERE (tenant_id, key) > ($1, $2::text COLLATE "C") ORDER BY tenant_id, key LIMIT $3"#,
        tenant,
        key,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// The object of one key.
pub(crate) async fn object(tx: &mut WorkerTx, tenant: Uuid, key: &str) -> Result<Option<ObjectRow>> {
    Ok(sqlx::query_as!(
        ObjectRow,
        r#"SELECT tenant_id AS "tenant!: TenantId", key AS "key!", size AS "size!", state AS "state!"
           FROM files.objects WHERE tenant_id = $1 AND key = $2::text COLLATE "C""#,
        tenant,
        key
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Versions whose content lies in this object.
pub(crate) async fn versions(tx: &mut WorkerTx, tenant: TenantId, key: &str) -> Result<Vec<VersionId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT v.id AS "id!: VersionId"
           FROM files.objects o
           JOIN files.blobs b ON b.tenant_id = o.tenant_id AND b.object_id = o.id
           JOIN files.versions v ON v.tenant_id = b.tenant_id AND v.blob_id = b.id
           WHERE o.tenant_id = $1 AND o.key = $2::text COLLATE "C" ORDER BY v.id"#,
        tenant.0,
        key
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Versions whose content was read back and does not have the hash that was declared.
pub(crate) async fn mismatched(tx: &mut WorkerTx, limit: i64) -> Result<Vec<(TenantId, VersionId)>> {
    let rows = sqlx::query!(
        r#"SELECT tenant_id AS "tenant!: TenantId", id AS "id!: VersionId"
           FROM files.versions WHERE content_mismatch ORDER BY tenant_id, id LIMIT $1"#,
        limit
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant, row.id)).collect())
}

/// A node that is listed under another size than its content has.
#[derive(Debug, Clone)]
pub(crate) struct WrongSize {
    pub(crate) node: NodeId,
    pub(crate) listed: i64,
    pub(crate) found: i64,
}

/// Nodes of the tenant that are listed under another size than their content has.
pub(crate) async fn wrong_sizes(tx: &mut TenantTx, limit: i64) -> Result<Vec<WrongSize>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        WrongSize,
        r#"SELECT n.id AS "node!: NodeId", n.size AS "listed!", coalesce(b.length, 0) AS "found!"
           FROM files.nodes n
           LEFT JOIN files.versions v ON v.tenant_id = n.tenant_id AND v.id = n.current_version
           LEFT JOIN files.blobs b ON b.tenant_id = v.tenant_id AND b.id = v.blob_id
           WHERE n.tenant_id = $1 AND n.size <> coalesce(b.length, 0) ORDER BY n.id LIMIT $2"#,
        tenant,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Versions whose object is in a state in which it may be removed.
pub(crate) async fn endangered(tx: &mut WorkerTx, limit: i64) -> Result<Vec<(TenantId, VersionId, String)>> {
    let rows = sqlx::query!(
        r#"SELECT v.tenant_id AS "tenant!: TenantId", v.id AS "id!: VersionId", o.key AS "key!"
           FROM files.objects o
           JOIN files.blobs b ON b.tenant_id = o.tenant_id AND b.object_id = o.id
           JOIN files.versions v ON v.tenant_id = b.tenant_id AND v.blob_id = b.id
           WHERE o.state <> 'committed' ORDER BY v.tenant_id, v.id LIMIT $1"#,
        limit
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.tenant, row.id, row.key))
        .collect())
}
