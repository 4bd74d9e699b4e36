//! Giving nodes other names and other folders.

use super::idempotency::Keeping;
use super::journal::{self, Change};
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

/// Places as columns.
#[derive(Debug, Default)]
struct Columns {
    ids: Vec<Uuid>,
    parents: Vec<Uuid>,
    names: Vec<String>,
    keys: Vec<String>,
    revisions: Vec<i64>,
}

impl Columns {
    fn of(nodes: &[Placed]) -> Self {
        let mut columns = Self::default();
        for node in nodes {
            columns.ids.push(node.id.0);
            columns.parents.push(node.parent.0);
            columns.names.push(node.name.text.clone());
            columns.keys.push(node.name.key.clone());
            columns.revisions.push(node.revision);
        }
        columns
    }
}

/// Gives nodes their names and folders. Who calls holds the locks of all and has seen that the names are free.
pub(crate) async fn place(
    tx: &mut TenantTx,
    actor: Actor,
    nodes: &[Placed],
    now: OffsetDateTime,
) -> Result<()> {
    let tenant = tx.tenant().0;
    let columns = Columns::of(nodes);
    sqlx::query!(
        "SELECT FROM files.place($1, $2, $3, $4, $5, $6, $7, $8)",
        tenant,
        actor.account.0,
        now,
        &columns.ids,
        &columns.parents,
        &columns.names,
        &columns.keys,
        &columns.revisions
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// All that a transaction writes which moves nodes.
#[derive(Debug)]
pub(crate) struct Moved<'a> {
    pub(crate) nodes: &'a [Placed],
    /// Whether some take over the names that others of them give up.
    pub(crate) swaps: bool,
    /// Quotas that may not grow beyond their limits.
    pub(crate) quotas: &'a [Uuid],
    /// What is kept of the request, if it had a key.
    pub(crate) keeping: Option<&'a Keeping>,
    pub(crate) changes: &'a [Change],
}

/// What came of it. Unless it is done: roll back.
#[derive(Debug)]
pub(crate) enum Written {
    Done,
    /// These quotas were outgrown.
    Outgrown(Vec<Uuid>),
    /// Another request with the key was faster.
    Late,
}

/// Gives nodes their names and folders, as [`place`] does, looks at quotas, keeps the answer and, last, appends to the journal: commit
/// then.
pub(crate) async fn write(
    tx: &mut TenantTx,
    actor: Actor,
    moved: Moved<'_>,
    now: OffsetDateTime,
) -> Result<Written> {
    let tenant = tx.tenant().0;
    let places = Columns::of(moved.nodes);
    let changes = journal::Columns::of(moved.changes);
    let kept = moved.keeping.map(|keeping| &keeping.kept);
    let row = sqlx::query!(
        r#"SELECT outgrown AS "outgrown!", kept, told
           FROM files.move($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
                           $22, $23, $24)"#,
        tenant,
        actor.account.0,
        now,
        &places.ids,
        &places.parents,
        &places.names,
        &places.keys,
        &places.revisions,
        moved.swaps,
        moved.quotas,
        moved.keeping.map(|keeping| keeping.key.as_str()),
        kept.map(|kept| kept.request.as_slice()),
        kept.map(|kept| kept.answer.as_slice()),
        &changes.nodes,
        &changes.kinds,
        &changes.versions as &[Option<Uuid>],
        &changes.revisions,
        &changes.actors as &[Option<Uuid>],
        &changes.from as &[Option<Uuid>],
        &changes.inherited as &[Option<bool>],
        &changes.events,
        &changes.event_kinds,
        &changes.payloads,
        &changes.traceparents as &[Option<String>]
    )
    .fetch_one(&mut **tx)
    .await?;
    if !row.outgrown.is_empty() {
        return Ok(Written::Outgrown(row.outgrown));
    }
    if row.kept != Some(true) {
        return Ok(Written::Late);
    }
    changes.require(row.told.unwrap_or_default())?;
    Ok(Written::Done)
}
