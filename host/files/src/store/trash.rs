//! Moving nodes to the trash, and removing them for good.

use crate::domain::access::Actor;
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use time::OffsetDateTime;
use uuid::Uuid;

/// Moves a node to the trash; answers its new revision.
pub(crate) async fn trash(tx: &mut TenantTx, actor: Actor, node: NodeId, now: OffsetDateTime) -> Result<i64> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_scalar!(
        "UPDATE files.nodes
         SET trashed_at = $3, trashed_by = $4, updated_at = $3, updated_by = $4, revision = revision + 1
         WHERE tenant_id = $1 AND id = $2 RETURNING revision",
        tenant,
        node.0,
        now,
        actor.account.0
    )
    .fetch_one(&mut **tx)
    .await?)
}

/// Locks a node and everything below it against any use, and answers their ids and revisions. New children can't
/// appear: who adds one needs a lock on its folder.
pub(crate) async fn lock_subtree(tx: &mut TenantTx, node: NodeId) -> Result<Vec<(NodeId, i64)>> {
    let tenant = tx.tenant().0;
    let mut known: Vec<(NodeId, i64)> = Vec::new();
    loop {
        let rows = sqlx::query!(
            r#"WITH RECURSIVE down AS (
                   SELECT id FROM files.nodes WHERE tenant_id = $1 AND id = $2
                   UNION ALL
                   SELECT n.id FROM down CROSS JOIN LATERAL (
                       SELECT id FROM files.nodes WHERE tenant_id = $1 AND parent_id = down.id OFFSET 0) n
               )
               SELECT n.id AS "id!: NodeId", n.revision AS "revision!"
               FROM files.nodes n WHERE n.tenant_id = $1 AND n.id = ANY (ARRAY(SELECT id FROM down))
               ORDER BY n.id FOR UPDATE OF n"#,
            tenant,
            node.0
        )
        .fetch_all(&mut **tx)
        .await?;
        // What was committed or moved here, or moved away, while we waited for a lock shows up in the next look.
        let found = rows.into_iter().map(|row| (row.id, row.revision)).collect();
        if found == known {
            return Ok(found);
        }
        known = found;
    }
}

/// Removes nodes with their versions, removes blobs that nobody names any more, and orphans objects without blobs.
pub(crate) async fn remove(tx: &mut TenantTx, nodes: &[Uuid], now: OffsetDateTime) -> Result<()> {
    let tenant = tx.tenant().0;
    let blobs = sqlx::query_scalar!(
        "DELETE FROM files.versions WHERE tenant_id = $1 AND node_id = ANY($2) RETURNING blob_id",
        tenant,
        nodes
    )
    .fetch_all(&mut **tx)
    .await?;
    sqlx::query!(
        "DELETE FROM files.nodes WHERE tenant_id = $1 AND id = ANY($2)",
        tenant,
        nodes
    )
    .execute(&mut **tx)
    .await?;
    // Objects in the order of their ids, before the blobs in them are looked at.
    let objects = sqlx::query_scalar!(
        "SELECT o.id FROM files.objects o
         WHERE o.tenant_id = $1
           AND o.id = ANY (ARRAY(SELECT object_id FROM files.blobs WHERE tenant_id = $1 AND id = ANY($2)))
         ORDER BY o.id FOR UPDATE",
        tenant,
        &blobs
    )
    .fetch_all(&mut **tx)
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
