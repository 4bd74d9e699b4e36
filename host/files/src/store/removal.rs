//! Removing nodes for good.

use super::blobs;
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use std::collections::HashMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// A node in a tree that is to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Below {
    pub(crate) id: NodeId,
    pub(crate) parent_id: Option<NodeId>,
    pub(crate) revision: i64,
    pub(crate) has_children: bool,
}

/// The nodes `tops` and what lies below them, each once, by and large from above to below; no more than `limit` are
/// looked at, however large the trees.
pub(crate) async fn below(tx: &mut TenantTx, tops: &[Uuid], limit: i64) -> Result<Vec<Below>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        Below,
        r#"WITH RECURSIVE down AS (
               SELECT n.id
               FROM unnest($2::uuid[]) AS wanted(id) CROSS JOIN LATERAL (
                   SELECT id FROM files.nodes WHERE tenant_id = $1 AND id = wanted.id LIMIT 1) n
               UNION
               SELECT n.id FROM down CROSS JOIN LATERAL (
                   SELECT id FROM files.nodes WHERE tenant_id = $1 AND parent_id = down.id OFFSET 0) n
           )
           SELECT n.id AS "id!: NodeId", n.parent_id AS "parent_id?: NodeId", n.revision AS "revision!",
                  EXISTS (SELECT FROM files.nodes c WHERE c.tenant_id = $1 AND c.parent_id = n.id OFFSET 0)
                      AS "has_children!"
           FROM (SELECT id FROM down LIMIT $3) d CROSS JOIN LATERAL (
               SELECT id, parent_id, revision FROM files.nodes WHERE tenant_id = $1 AND id = d.id LIMIT 1) n"#,
        tenant,
        tops,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// A folder and what lies below it, without what is in the trash there, each with its revision; no more than `limit` are looked
/// at.
pub(crate) async fn live(tx: &mut TenantTx, top: NodeId, limit: i64) -> Result<Vec<(NodeId, i64)>> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query!(
        r#"WITH RECURSIVE down AS (
               SELECT id, revision FROM files.nodes WHERE tenant_id = $1 AND id = $2
               UNION
               SELECT n.id, n.revision FROM down CROSS JOIN LATERAL (
                   SELECT id, revision FROM files.nodes
                   WHERE tenant_id = $1 AND parent_id = down.id AND trashed_at IS NULL OFFSET 0) n
           )
           SELECT id AS "id!: NodeId", revision AS "revision!" FROM down LIMIT $3"#,
        tenant,
        top.0,
        limit
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.revision)).collect())
}

/// Locks nodes against any use, in the order given: by id. Answers when each that is in the trash by itself went there.
pub(crate) async fn lock(tx: &mut TenantTx, ids: &[Uuid]) -> Result<HashMap<NodeId, OffsetDateTime>> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query!(
        r#"SELECT n.id AS "id!: NodeId", n.trashed_at AS "trashed_at?"
           FROM unnest($2::uuid[]) AS wanted(id)
           CROSS JOIN LATERAL (SELECT id, trashed_at FROM files.nodes WHERE tenant_id = $1 AND id = wanted.id
                               LIMIT 1 FOR UPDATE) n"#,
        tenant,
        ids
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((row.id, row.trashed_at?)))
        .collect())
}

/// Whether any of the nodes has a child that is none of them.
pub(crate) async fn have_other_children(tx: &mut TenantTx, ids: &[Uuid]) -> Result<bool> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM unnest($2::uuid[]) AS wanted(id)
               CROSS JOIN LATERAL (SELECT id FROM files.nodes WHERE tenant_id = $1 AND parent_id = wanted.id
                                     AND id <> ALL ($2::uuid[]) LIMIT 1) n) AS "any!""#,
        tenant,
        ids
    )
    .fetch_one(&mut **tx)
    .await?)
}

/// Removes nodes, which the caller has locked, with their versions, and gives back what only these held.
pub(crate) async fn remove(tx: &mut TenantTx, nodes: &[Uuid], now: OffsetDateTime) -> Result<()> {
    let tenant = tx.tenant().0;
    let versions = sqlx::query_scalar!(
        "SELECT id FROM files.versions WHERE tenant_id = $1 AND node_id = ANY($2)",
        tenant,
        nodes
    )
    .fetch_all(&mut **tx)
    .await?;
    blobs::remove_versions(tx, &versions, now).await?;
    sqlx::query!(
        "DELETE FROM files.nodes n
         USING (SELECT n.ctid
                FROM unnest($2::uuid[]) AS wanted(id)
                CROSS JOIN LATERAL (SELECT ctid FROM files.nodes WHERE tenant_id = $1 AND id = wanted.id LIMIT 1) n) gone
         WHERE n.ctid = gone.ctid",
        tenant,
        nodes
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
