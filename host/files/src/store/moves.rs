//! Giving nodes other names and other folders.

use crate::domain::access::Actor;
use crate::domain::name::Name;
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use time::OffsetDateTime;
use uuid::Uuid;

/// Where a node goes.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) id: NodeId,
    pub(crate) parent: NodeId,
    pub(crate) name: Name,
    /// Its revision after that.
    pub(crate) revision: i64,
}

/// Locks nodes and the folders that they are in or go to, so that a free name stays free, with `also`, in the order of
/// the ids; answers what is locked. And the root, when a folder gets a folder: two such moves could make a cycle out of
/// what each of them sees, so they go one after the other.
///
/// `parents` are the folders that the nodes go to. Where a node is was read before its lock was there: look again.
pub(crate) async fn lock(
    tx: &mut TenantTx,
    root: NodeId,
    nodes: &[Uuid],
    parents: &[Option<Uuid>],
    also: &[Uuid],
) -> Result<Vec<Uuid>> {
    let tenant = tx.tenant().0;
    let mut locked = sqlx::query_scalar!(
        r#"SELECT n.id AS "id!"
           FROM (SELECT DISTINCT named.id FROM (
                     SELECT id FROM unnest($3::uuid[] || $5::uuid[]) AS given(id)
                     UNION ALL
                     SELECT side.id
                     FROM unnest($3::uuid[], $4::uuid[]) AS item(id, parent_id)
                     CROSS JOIN LATERAL (SELECT nullif(parent_id, $2) AS parent_id, kind FROM files.nodes
                                         WHERE tenant_id = $1 AND id = item.id LIMIT 1) n
                     CROSS JOIN LATERAL (VALUES
                         (coalesce(item.parent_id, n.parent_id)),
                         (CASE WHEN item.parent_id IS NOT NULL AND n.kind = 'folder' THEN $2::uuid END)) AS side(id)
                 ) named ORDER BY named.id) wanted
           CROSS JOIN LATERAL (SELECT id FROM files.nodes WHERE tenant_id = $1 AND id = wanted.id
                               LIMIT 1 FOR NO KEY UPDATE) n"#,
        tenant,
        root.0,
        nodes,
        parents as &[Option<Uuid>],
        also
    )
    .fetch_all(&mut **tx)
    .await?;
    locked.sort_unstable();
    Ok(locked)
}

/// Nodes and everything below them, the trash included, in the order of the ids.
pub(crate) async fn subtrees(tx: &mut TenantTx, tops: &[Uuid]) -> Result<Vec<Uuid>> {
    let tenant = tx.tenant().0;
    let mut found = sqlx::query_scalar!(
        r#"WITH RECURSIVE down AS (
               SELECT n.id
               FROM unnest($2::uuid[]) AS wanted(id) CROSS JOIN LATERAL (
                   SELECT id FROM files.nodes WHERE tenant_id = $1 AND id = wanted.id LIMIT 1) n
               UNION
               SELECT n.id FROM down CROSS JOIN LATERAL (
                   SELECT id FROM files.nodes WHERE tenant_id = $1 AND parent_id = down.id OFFSET 0) n
           )
           SELECT id AS "id!" FROM down"#,
        tenant,
        tops
    )
    .fetch_all(&mut **tx)
    .await?;
    found.sort_unstable();
    Ok(found)
}

/// Takes the names of nodes out of the way of each other, when some take over what others of them give up: by a key that
/// no name has. In the same transaction [`place`] follows.
pub(crate) async fn vacate(tx: &mut TenantTx, nodes: &[Placed]) -> Result<()> {
    let tenant = tx.tenant().0;
    let ids: Vec<Uuid> = nodes.iter().map(|node| node.id.0).collect();
    sqlx::query!(
        "UPDATE files.nodes n SET name_key = '/' || n.id
         FROM (SELECT n.ctid
               FROM unnest($2::uuid[]) AS wanted(id)
               CROSS JOIN LATERAL (SELECT ctid FROM files.nodes WHERE tenant_id = $1 AND id = wanted.id LIMIT 1) n) moved
         WHERE n.ctid = moved.ctid",
        tenant,
        &ids
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Gives nodes their names and folders. Who calls holds the locks of all and has seen that the names are free.
pub(crate) async fn place(
    tx: &mut TenantTx,
    actor: Actor,
    nodes: &[Placed],
    now: OffsetDateTime,
) -> Result<()> {
    let tenant = tx.tenant().0;
    let ids: Vec<Uuid> = nodes.iter().map(|node| node.id.0).collect();
    let parents: Vec<Uuid> = nodes.iter().map(|node| node.parent.0).collect();
    let names: Vec<String> = nodes.iter().map(|node| node.name.text.clone()).collect();
    let keys: Vec<String> = nodes.iter().map(|node| node.name.key.clone()).collect();
    let revisions: Vec<i64> = nodes.iter().map(|node| node.revision).collect();
    sqlx::query!(
        "UPDATE files.nodes n
         SET parent_id = moved.parent_id, name = moved.name, name_key = moved.name_key, revision = moved.revision,
             updated_at = $7, updated_by = $8
         FROM (SELECT n.ctid, wanted.*
               FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[])
                    AS wanted(id, parent_id, name, name_key, revision)
               CROSS JOIN LATERAL (SELECT ctid FROM files.nodes WHERE tenant_id = $1 AND id = wanted.id LIMIT 1) n) moved
         WHERE n.ctid = moved.ctid",
        tenant,
        &ids,
        &parents,
        &names,
        &keys,
        &revisions,
        now,
        actor.account.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
