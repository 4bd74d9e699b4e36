//! Spaces: trees that belong to a group. The top folder of one is a node right below the tenant's root.

use crate::domain::access::{Actor, root};
use crate::domain::name::Name;
use crate::store::nodes::{self, NewFolder};
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{AccountId, GroupId, NodeId};
use time::OffsetDateTime;

/// A space.
#[derive(Debug, Clone)]
pub(crate) struct SpaceRow {
    pub(crate) node: NodeId,
    pub(crate) name_key: String,
    pub(crate) group: GroupId,
}

/// Spaces by folded name, after `after`: all of them, or those on whose top folder the account or one of its groups was
/// given a role.
pub(crate) async fn list(
    tx: &mut TenantTx,
    account: AccountId,
    all: bool,
    after: &str,
    limit: i64,
) -> Result<Vec<SpaceRow>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        SpaceRow,
        r#"SELECT n.id AS "node!: NodeId", n.name_key AS "name_key!", s.group_id AS "group!: GroupId"
           FROM (SELECT id, name_key FROM files.nodes
                 WHERE tenant_id = $1 AND parent_id = $2 AND name_key > $3 AND trashed_at IS NULL AND name <> ''
                 ORDER BY name_key OFFSET 0) n
           CROSS JOIN LATERAL (SELECT group_id FROM files.spaces
                               WHERE tenant_id = $1 AND node_id = n.id LIMIT 1) s
           WHERE $4 OR EXISTS (
               SELECT FROM files.grants
               WHERE tenant_id = $1 AND node_id = n.id
                 AND (subject_id = $5 OR subject_id = ANY (ARRAY(
                      SELECT group_id FROM files.group_members WHERE tenant_id = $1 AND account_id = $5)))
               OFFSET 0)
           ORDER BY n.name_key LIMIT $6"#,
        tenant.0,
        root(tenant).0,
        after,
        all,
        account.0,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// The space whose top folder is this node.
pub(crate) async fn get(tx: &mut TenantTx, node: NodeId) -> Result<Option<SpaceRow>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        SpaceRow,
        r#"SELECT s.node_id AS "node!: NodeId", n.name_key AS "name_key!", s.group_id AS "group!: GroupId"
           FROM files.spaces s
           CROSS JOIN LATERAL (SELECT name_key FROM files.nodes WHERE tenant_id = $1 AND id = s.node_id LIMIT 1) n
           WHERE s.tenant_id = $1 AND s.node_id = $2"#,
        tenant,
        node.0
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Makes a space; `None` when the name is taken. Who calls holds the lock of the tenant's root.
pub(crate) async fn insert(
    tx: &mut TenantTx,
    actor: Actor,
    name: &Name,
    group: GroupId,
    now: OffsetDateTime,
) -> Result<Option<NodeId>> {
    let tenant = tx.tenant();
    let top = NewFolder {
        id: NodeId::new(),
        parent: root(tenant),
        name: name.clone(),
    };
    if nodes::insert_folders(tx, actor, std::slice::from_ref(&top), now)
        .await?
        .is_empty()
    {
        return Ok(None);
    }
    sqlx::query!(
        "INSERT INTO files.spaces (tenant_id, node_id, group_id, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5)",
        tenant.0,
        top.id.0,
        group.0,
        now,
        actor.account.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(Some(top.id))
}

/// Gives a space to another group.
pub(crate) async fn set_group(tx: &mut TenantTx, node: NodeId, group: GroupId) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "UPDATE files.spaces SET group_id = $3 WHERE tenant_id = $1 AND node_id = $2",
        tenant,
        node.0,
        group.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whether anything lies in a folder, the trash included.
pub(crate) async fn holds_anything(tx: &mut TenantTx, node: NodeId) -> Result<bool> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM unnest(ARRAY[$2::uuid]) AS wanted(id) CROSS JOIN LATERAL (
               SELECT id FROM files.nodes WHERE tenant_id = $1 AND parent_id = wanted.id LIMIT 1) n) AS "any!""#,
        tenant,
        node.0
    )
    .fetch_one(&mut **tx)
    .await?)
}
