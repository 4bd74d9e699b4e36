//! Policies about versions: one on a folder, one on the tenant's root for all the others.

use crate::domain::access::Actor;
use crate::domain::retention::Policy;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Error, Result};
use std::collections::HashMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// The nearest policy on each node or above it, and the node that it is set on. Nodes without any are left out.
pub(crate) async fn nearest(tx: &mut TenantTx, nodes: &[Uuid]) -> Result<HashMap<NodeId, (NodeId, Policy)>> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query!(
        r#"WITH RECURSIVE up AS (
               SELECT wanted.id AS origin, wanted.id AS at, r.node_id AS found
               FROM unnest($2::uuid[]) AS wanted(id)
               LEFT JOIN LATERAL (SELECT node_id FROM files.retention
                                  WHERE tenant_id = $1 AND node_id = wanted.id LIMIT 1) r ON true
               UNION
               SELECT up.origin, n.parent_id, r.node_id
               FROM up
               CROSS JOIN LATERAL (SELECT parent_id FROM files.nodes
                                   WHERE tenant_id = $1 AND id = up.at AND parent_id IS NOT NULL LIMIT 1) n
               LEFT JOIN LATERAL (SELECT node_id FROM files.retention
                                  WHERE tenant_id = $1 AND node_id = n.parent_id LIMIT 1) r ON true
               WHERE up.found IS NULL
           )
           SELECT up.origin AS "origin!: NodeId", up.found AS "found!: NodeId", r.max_count, r.max_age_days,
                  r.thin AS "thin!"
           FROM up CROSS JOIN LATERAL (SELECT max_count, max_age_days, thin FROM files.retention
                                       WHERE tenant_id = $1 AND node_id = up.found LIMIT 1) r"#,
        tenant,
        nodes
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let policy = Policy {
                max_count: row.max_count.map(limit).transpose()?,
                max_age_days: row.max_age_days.map(limit).transpose()?,
                thin: row.thin,
            };
            Ok((row.origin, (row.found, policy)))
        })
        .collect()
}

fn limit(value: i32) -> Result<u32> {
    u32::try_from(value).map_err(|cause| Error::internal("read a policy", cause))
}

/// Sets the policy of a folder, or of the tenant on its root. Limits are checked before.
pub(crate) async fn set(
    tx: &mut TenantTx,
    actor: Actor,
    node: NodeId,
    policy: &Policy,
    now: OffsetDateTime,
) -> Result<()> {
    let tenant = tx.tenant().0;
    let column = |value: Option<u32>| {
        let value = value.map(i32::try_from).transpose();
        value.map_err(|cause| Error::internal("write a policy", cause))
    };
    sqlx::query!(
        "INSERT INTO files.retention (tenant_id, node_id, max_count, max_age_days, thin, set_at, set_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (tenant_id, node_id) DO UPDATE
         SET max_count = excluded.max_count, max_age_days = excluded.max_age_days, thin = excluded.thin,
             set_at = excluded.set_at, set_by = excluded.set_by",
        tenant,
        node.0,
        column(policy.max_count)?,
        column(policy.max_age_days)?,
        policy.thin,
        now,
        actor.account.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes the policy of a folder or of the tenant away, if there is one.
pub(crate) async fn clear(tx: &mut TenantTx, node: NodeId) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "DELETE FROM files.retention WHERE tenant_id = $1 AND node_id = $2",
        tenant,
        node.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
