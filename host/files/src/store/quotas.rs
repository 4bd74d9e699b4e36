//! Limits on what may lie below a node. Triggers keep what is used, in the transaction that changes versions or moves nodes
//! (migration 0100, ADR 0120); here limits are set, counted once, looked at, and compared with the truth.

use crate::domain::access::root;
use crate::domain::quota::Level;
use bitvault_platform::Result;
use bitvault_platform::db::{TenantTx, WorkerTx};
use bitvault_platform::ids::{AccountId, NodeId, ObjectId, TenantId};
use std::collections::HashSet;
use time::OffsetDateTime;
use uuid::Uuid;

/// Locks quotas, in the order given: by id. Who reserves, and who adds what nothing is reserved for, goes one after the other.
pub(crate) async fn lock(tx: &mut TenantTx, nodes: &[Uuid]) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "SELECT q.node_id FROM unnest($2::uuid[]) AS wanted(id)
         CROSS JOIN LATERAL (SELECT node_id FROM files.quotas WHERE tenant_id = $1 AND node_id = wanted.id
                             LIMIT 1 FOR NO KEY UPDATE) q",
        tenant,
        nodes
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(())
}

/// How far quotas are used, in no order; nodes without one are left out.
pub(crate) async fn levels(tx: &mut TenantTx, nodes: &[Uuid]) -> Result<Vec<Level>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        Level,
        r#"SELECT q.node_id AS "node!: NodeId", q.max_bytes AS "max!", q.used_bytes AS "used!", q.counted AS "counted!",
                  r.bytes AS "reserved!"
           FROM unnest($2::uuid[]) AS wanted(id)
           CROSS JOIN LATERAL (SELECT node_id, max_bytes, used_bytes, counted FROM files.quotas
                               WHERE tenant_id = $1 AND node_id = wanted.id LIMIT 1) q
           CROSS JOIN LATERAL (SELECT coalesce(sum(bytes), 0)::bigint AS bytes FROM files.reservations
                               WHERE tenant_id = $1 AND node_id = wanted.id) r"#,
        tenant,
        nodes
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Those of these quotas that this transaction has used more of, and that are over their limit now. Its own writes keep the
/// rows locked, so that nothing changes any more.
pub(crate) async fn outgrown(tx: &mut TenantTx, nodes: &[Uuid]) -> Result<Vec<Level>> {
    let tenant = tx.tenant().0;
    let outgrown = sqlx::query_scalar!(r#"SELECT files.outgrown($1, $2) AS "outgrown!""#, tenant, nodes)
        .fetch_one(&mut **tx)
        .await?;
    if outgrown.is_empty() {
        return Ok(Vec::new());
    }
    levels(tx, &outgrown).await
}

/// What an upload takes of one quota.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reservation {
    pub(crate) object: ObjectId,
    pub(crate) node: NodeId,
    pub(crate) bytes: i64,
}

/// Reserves. Who calls has locked the quotas and seen that there is room.
pub(crate) async fn reserve(tx: &mut TenantTx, reservations: &[Reservation]) -> Result<()> {
    let tenant = tx.tenant().0;
    let objects: Vec<Uuid> = reservations.iter().map(|one| one.object.0).collect();
    let nodes: Vec<Uuid> = reservations.iter().map(|one| one.node.0).collect();
    let bytes: Vec<i64> = reservations.iter().map(|one| one.bytes).collect();
    sqlx::query!(
        "INSERT INTO files.reservations (tenant_id, object_id, node_id, bytes)
         SELECT $1, r.object_id, r.node_id, r.bytes
         FROM unnest($2::uuid[], $3::uuid[], $4::bigint[]) AS r(object_id, node_id, bytes)",
        tenant,
        &objects,
        &nodes,
        &bytes
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Of which quotas objects have reserved their bytes.
pub(crate) async fn reserved(tx: &mut TenantTx, objects: &[Uuid]) -> Result<HashSet<(ObjectId, NodeId)>> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query!(
        r#"SELECT r.object_id AS "object!: ObjectId", r.node_id AS "node!: NodeId"
           FROM unnest($2::uuid[]) AS wanted(id)
           CROSS JOIN LATERAL (SELECT object_id, node_id FROM files.reservations
                               WHERE tenant_id = $1 AND object_id = wanted.id OFFSET 0) r"#,
        tenant,
        objects
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.object, row.node)).collect())
}

/// Sets a limit; `true` when what is there has been counted already.
pub(crate) async fn set(
    tx: &mut TenantTx,
    node: NodeId,
    max: i64,
    by: Option<AccountId>,
    now: OffsetDateTime,
) -> Result<bool> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_scalar!(
        "INSERT INTO files.quotas (tenant_id, node_id, max_bytes, set_at, set_by) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, node_id) DO UPDATE
         SET max_bytes = excluded.max_bytes, set_at = excluded.set_at, set_by = excluded.set_by
         RETURNING counted",
        tenant,
        node.0,
        max,
        now,
        by.map(|account| account.0)
    )
    .fetch_one(&mut **tx)
    .await?)
}

/// Takes a limit away, if there is one.
pub(crate) async fn clear(tx: &mut TenantTx, node: NodeId) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "DELETE FROM files.quotas WHERE tenant_id = $1 AND node_id = $2",
        tenant,
        node.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The limit that homes of the tenant begin with.
pub(crate) async fn of_homes(tx: &mut TenantTx) -> Result<Option<i64>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_scalar!(
        "SELECT max_bytes FROM files.home_quotas WHERE tenant_id = $1",
        tenant
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Sets the limit that homes begin with; [`ensure_homes`](super::nodes::ensure_homes) gives it to those that it makes.
pub(crate) async fn set_of_homes(
    tx: &mut TenantTx,
    max: i64,
    by: AccountId,
    now: OffsetDateTime,
) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "INSERT INTO files.home_quotas (tenant_id, max_bytes, set_at, set_by) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id) DO UPDATE
         SET max_bytes = excluded.max_bytes, set_at = excluded.set_at, set_by = excluded.set_by",
        tenant,
        max,
        now,
        by.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes the limit that homes begin with away.
pub(crate) async fn clear_of_homes(tx: &mut TenantTx) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!("DELETE FROM files.home_quotas WHERE tenant_id = $1", tenant)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The number of this transaction: every other one that runs now, and has locked or written anything, has a lower one.
///
/// `pg_snapshot_xmax` would not do: it follows the last one that has *ended*, and others with higher numbers may run.
pub(crate) async fn transaction(tx: &mut TenantTx) -> Result<i64> {
    Ok(
        sqlx::query_scalar!(r#"SELECT pg_current_xact_id()::text::bigint AS "number!""#)
            .fetch_one(&mut **tx)
            .await?,
    )
}

/// Whether every transaction with a number below `number` has ended.
pub(crate) async fn ended_before(tx: &mut TenantTx, number: i64) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= $1 AS "ended!""#,
        number
    )
    .fetch_one(&mut **tx)
    .await?)
}

/// Counts what is below a quota's node, once; of the tenant, from the counters of its trees. Who calls has locked the quota:
/// what changes from now on waits for us, and is added to what is found here.
pub(crate) async fn count(tx: &mut TenantTx, node: NodeId) -> Result<()> {
    let tenant = tx.tenant();
    if node == root(tenant) {
        sqlx::query!(
            "UPDATE files.quotas
             SET counted = true, used_bytes = (SELECT coalesce(sum(version_bytes), 0)::bigint FROM files.usage
                                               WHERE tenant_id = $1 AND tree_id > '00000000-0000-0000-0000-000000000000')
             WHERE tenant_id = $1 AND node_id = $2 AND NOT counted",
            tenant.0,
            node.0
        )
        .execute(&mut **tx)
        .await?;
        return Ok(());
    }
    sqlx::query!(
        "UPDATE files.quotas
         SET counted = true, used_bytes = (SELECT version_bytes FROM files.subtree_usage($1, $2))
         WHERE tenant_id = $1 AND node_id = $2 AND NOT counted",
        tenant.0,
        node.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Quotas that were set and not counted, of every tenant, after `after`.
pub(crate) async fn uncounted(
    tx: &mut WorkerTx,
    after: (Uuid, Uuid),
    limit: i64,
) -> Result<Vec<(TenantId, NodeId)>> {
    let rows = sqlx::query!(
        r#"SELECT tenant_id AS "tenant!: TenantId", node_id AS "node!: NodeId" FROM files.quotas
           WHERE NOT counted AND (tenant_id, node_id) > ($1, $2) ORDER BY tenant_id, node_id LIMIT $3"#,
        after.0,
        after.1,
        limit
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant, row.node)).collect())
}

/// A quota as it is listed.
#[derive(Debug, Clone)]
pub(crate) struct QuotaRow {
    pub(crate) level: Level,
    /// Right below the tenant's root.
    pub(crate) top: bool,
    pub(crate) space: bool,
}

/// Quotas of the tenant in the order of their nodes' ids, after `after`, at most `limit`.
pub(crate) async fn list(tx: &mut TenantTx, after: Uuid, limit: i64) -> Result<Vec<QuotaRow>> {
    let tenant = tx.tenant().0;
    let ids = sqlx::query_scalar!(
        "SELECT node_id FROM files.quotas WHERE tenant_id = $1 AND node_id > $2 ORDER BY node_id LIMIT $3",
        tenant,
        after,
        limit
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut rows = rows(tx, &ids).await?;
    rows.sort_unstable_by_key(|row| row.level.node.0);
    Ok(rows)
}

/// The quotas of these nodes, in no order.
pub(crate) async fn rows(tx: &mut TenantTx, nodes: &[Uuid]) -> Result<Vec<QuotaRow>> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query!(
        r#"SELECT q.node_id AS "node!: NodeId", q.max_bytes AS "max!", q.used_bytes AS "used!", q.counted AS "counted!",
                  r.bytes AS "reserved!", n.parent_id IS NOT DISTINCT FROM $1 AS "top!",
                  EXISTS (SELECT FROM files.spaces WHERE tenant_id = $1 AND node_id = wanted.id OFFSET 0) AS "space!"
           FROM unnest($2::uuid[]) AS wanted(id)
           CROSS JOIN LATERAL (SELECT node_id, max_bytes, used_bytes, counted FROM files.quotas
                               WHERE tenant_id = $1 AND node_id = wanted.id LIMIT 1) q
           CROSS JOIN LATERAL (SELECT parent_id FROM files.nodes WHERE tenant_id = $1 AND id = wanted.id LIMIT 1) n
           CROSS JOIN LATERAL (SELECT coalesce(sum(bytes), 0)::bigint AS bytes FROM files.reservations
                               WHERE tenant_id = $1 AND node_id = wanted.id) r"#,
        tenant,
        nodes
    )
    .fetch_all(&mut **tx)
    .await?;
    let rows = rows.into_iter().map(|row| QuotaRow {
        level: Level {
            node: row.node,
            max: row.max,
            used: row.used,
            counted: row.counted,
            reserved: row.reserved,
        },
        top: row.top,
        space: row.space,
    });
    Ok(rows.collect())
}

/// Whether a node right below the tenant's root is a home or a space.
pub(crate) async fn is_tree(tx: &mut TenantTx, node: NodeId) -> Result<bool> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM files.nodes WHERE tenant_id = $1 AND id = $2 AND name = '' OFFSET 0)
               OR EXISTS (SELECT FROM files.spaces WHERE tenant_id = $1 AND node_id = $2 OFFSET 0) AS "tree!""#,
        tenant,
        node.0
    )
    .fetch_one(&mut **tx)
    .await?)
}

/// A quota whose counter is not what counting finds.
#[derive(Debug, Clone)]
pub(crate) struct Drift {
    pub(crate) node: NodeId,
    pub(crate) used: i64,
    pub(crate) found: i64,
}

/// The quotas of the tenant whose counters are wrong: it reads everything below them.
pub(crate) async fn drifts(tx: &mut TenantTx) -> Result<Vec<Drift>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        Drift,
        r#"SELECT q.node_id AS "node!: NodeId", q.used_bytes AS "used!", s.version_bytes AS "found!"
           FROM files.quotas q CROSS JOIN LATERAL files.subtree_usage($1, q.node_id) s
           WHERE q.tenant_id = $1 AND q.counted AND q.used_bytes <> s.version_bytes
           ORDER BY q.node_id"#,
        tenant
    )
    .fetch_all(&mut **tx)
    .await?)
}
