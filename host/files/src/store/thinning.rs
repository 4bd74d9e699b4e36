//! The queue of files with old versions: when the job that applies the policies looks at each next.

use crate::domain::retention::Kept;
use bitvault_platform::Result;
use bitvault_platform::db::{TenantTx, WorkerTx};
use bitvault_platform::ids::{NodeId, TenantId, VersionId};
use time::OffsetDateTime;
use uuid::Uuid;

/// Files of a tenant that a change of a policy makes due at once. The job looks at each file once a day in any case.
const SOON: i64 = 10_000;

/// Takes files that are due, the longest first, and makes them due again at `again`: should the job die, another one comes.
pub(crate) async fn claim(
    tx: &mut WorkerTx,
    now: OffsetDateTime,
    again: OffsetDateTime,
    limit: i64,
) -> Result<Vec<(TenantId, NodeId)>> {
    let rows = sqlx::query!(
        r#"UPDATE files.thinning t SET due_at = $2
           WHERE t.ctid = ANY (ARRAY(SELECT ctid FROM files.thinning WHERE due_at <= $1
                                     ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED))
           RETURNING t.tenant_id AS "tenant!: TenantId", t.node_id AS "node!: NodeId""#,
        now,
        again,
        limit
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant, row.node)).collect())
}

/// All versions of these files, with the file of each.
pub(crate) async fn versions(tx: &mut TenantTx, nodes: &[Uuid]) -> Result<Vec<(NodeId, Kept)>> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query!(
        r#"SELECT n.id AS "node!: NodeId", v.id AS "id!: VersionId", v.created_at AS "created_at!",
                  v.label IS NOT NULL AS "labelled!", v.id = n.current_version AS "current!"
           FROM unnest($2::uuid[]) AS wanted(id)
           CROSS JOIN LATERAL (SELECT id, current_version FROM files.nodes
                               WHERE tenant_id = $1 AND id = wanted.id AND kind = 'file' LIMIT 1) n
           CROSS JOIN LATERAL (SELECT id, created_at, label FROM files.versions
                               WHERE tenant_id = $1 AND node_id = n.id OFFSET 0) v"#,
        tenant,
        nodes
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let kept = Kept {
                id: row.id,
                created_at: row.created_at,
                labelled: row.labelled,
                current: row.current,
            };
            (row.node, kept)
        })
        .collect())
}

/// Looks at these files again at `due`, where they are in the queue.
pub(crate) async fn look_at(tx: &mut TenantTx, nodes: &[Uuid], due: OffsetDateTime) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "UPDATE files.thinning SET due_at = $3 WHERE tenant_id = $1 AND node_id = ANY($2)",
        tenant,
        nodes,
        due
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// These files have no old versions any more.
pub(crate) async fn leave(tx: &mut TenantTx, nodes: &[Uuid]) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "DELETE FROM files.thinning WHERE tenant_id = $1 AND node_id = ANY($2)",
        tenant,
        nodes
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A policy has changed: many files of the tenant are looked at now, the others within the day. Those that others change at
/// this moment are looked at soon by that.
pub(crate) async fn policy_changed(tx: &mut TenantTx, now: OffsetDateTime) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "UPDATE files.thinning t SET due_at = $2
         WHERE t.ctid = ANY (ARRAY(SELECT ctid FROM files.thinning WHERE tenant_id = $1 AND due_at > $2
                                   LIMIT $3 FOR UPDATE SKIP LOCKED))",
        tenant,
        now,
        SOON
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
