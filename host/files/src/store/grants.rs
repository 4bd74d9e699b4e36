//! Roles that were given on nodes.

use crate::domain::access::{Actor, NodeRole, Subject};
use crate::domain::moment::Moment;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{AccountId, NodeId};
use bitvault_platform::{Error, Result};
use time::OffsetDateTime;
use uuid::Uuid;

/// A role on one node.
#[derive(Debug, Clone)]
pub(crate) struct GrantRow {
    pub(crate) node: NodeId,
    pub(crate) subject: Subject,
    pub(crate) role: NodeRole,
    pub(crate) granted_at: OffsetDateTime,
    pub(crate) granted_by: AccountId,
}

/// The grants on these nodes themselves.
pub(crate) async fn on(tx: &mut TenantTx, nodes: &[Uuid]) -> Result<Vec<GrantRow>> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query!(
        r#"SELECT g.node_id AS "node!: NodeId", g.subject_id AS "subject!", g.subject_kind AS "kind!", g.role AS "role!",
                  g.granted_at AS "granted_at!", g.granted_by AS "granted_by!: AccountId"
           FROM unnest($2::uuid[]) AS wanted(id) CROSS JOIN LATERAL (
               SELECT * FROM files.grants WHERE tenant_id = $1 AND node_id = wanted.id OFFSET 0) g"#,
        tenant,
        nodes
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(GrantRow {
                node: row.node,
                subject: Subject::stored(&row.kind, row.subject)?,
                role: NodeRole::parse(&row.role)
                    .ok_or_else(|| Error::internal("read a grant's role", &row.role))?,
                granted_at: row.granted_at,
                granted_by: row.granted_by,
            })
        })
        .collect()
}

/// Gives a role on a node, in place of the one that the subject had there.
pub(crate) async fn put(
    tx: &mut TenantTx,
    actor: Actor,
    node: NodeId,
    subject: Subject,
    role: NodeRole,
    now: OffsetDateTime,
) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "INSERT INTO files.grants (tenant_id, node_id, subject_id, subject_kind, role, granted_at, granted_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (tenant_id, node_id, subject_id)
         DO UPDATE SET role = excluded.role, granted_at = excluded.granted_at, granted_by = excluded.granted_by",
        tenant,
        node.0,
        subject.uuid(),
        subject.kind(),
        role.name(),
        now,
        actor.account.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes a role on a node back; `false` when there was none.
pub(crate) async fn delete(tx: &mut TenantTx, node: NodeId, subject: Subject) -> Result<bool> {
    let tenant = tx.tenant().0;
    let done = sqlx::query!(
        "DELETE FROM files.grants WHERE tenant_id = $1 AND node_id = $2 AND subject_id = $3",
        tenant,
        node.0,
        subject.uuid()
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes back every role that a subject was given; answers the nodes.
pub(crate) async fn delete_of(tx: &mut TenantTx, subject: Subject) -> Result<Vec<NodeId>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_scalar!(
        r#"DELETE FROM files.grants g
           USING unnest(ARRAY[$2::uuid]) AS wanted(id) CROSS JOIN LATERAL (
               SELECT ctid AS at FROM files.grants WHERE tenant_id = $1 AND subject_id = wanted.id OFFSET 0) found
           WHERE g.ctid = found.at RETURNING g.node_id AS "node!: NodeId""#,
        tenant,
        subject.uuid()
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Whether roles given above a node count there; answers its new revision.
pub(crate) async fn set_inherits(
    tx: &mut TenantTx,
    actor: Actor,
    node: NodeId,
    inherits: bool,
    now: OffsetDateTime,
) -> Result<i64> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_scalar!(
        "UPDATE files.nodes SET inherits = $3, updated_at = $4, updated_by = $5, revision = revision + 1
         WHERE tenant_id = $1 AND id = $2 RETURNING revision",
        tenant,
        node.0,
        inherits,
        now,
        actor.account.0
    )
    .fetch_one(&mut **tx)
    .await?)
}

/// A node that was shared with somebody.
#[derive(Debug, Clone)]
pub(crate) struct SharedRow {
    pub(crate) node: NodeId,
    pub(crate) granted_at: OffsetDateTime,
    pub(crate) granted_by: AccountId,
}

impl SharedRow {
    /// Its place in the listing.
    pub(crate) fn place(&self) -> Moment {
        Moment {
            at: self.granted_at,
            id: self.node,
        }
    }
}

/// Nodes that carry a grant to an account or to one of its groups, the newest grant first, after `after`.
pub(crate) async fn shared(
    tx: &mut TenantTx,
    account: AccountId,
    after: Moment,
    limit: i64,
) -> Result<Vec<SharedRow>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        SharedRow,
        r#"SELECT g.node_id AS "node!: NodeId", max(g.granted_at) AS "granted_at!",
                  (array_agg(g.granted_by ORDER BY g.granted_at DESC))[1] AS "granted_by!: AccountId"
           FROM (SELECT $2::uuid AS id
                 UNION ALL
                 SELECT group_id FROM files.group_members WHERE tenant_id = $1 AND account_id = $2) subject
           CROSS JOIN LATERAL (SELECT * FROM files.grants
                               WHERE tenant_id = $1 AND subject_id = subject.id OFFSET 0) g
           GROUP BY g.node_id
           HAVING (max(g.granted_at), g.node_id) < ($3, $4)
           ORDER BY 2 DESC, 1 DESC LIMIT $5"#,
        tenant,
        account.0,
        after.at,
        after.id.0,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}
