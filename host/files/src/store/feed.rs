//! Reading the journal for one account: its entries, what the account sees by itself, and walks through trees. All but
//! [`compact`] and [`heads`] in one transaction that sees one moment.

use super::index::Head;
use super::sight;
use crate::domain::change_kind::ChangeKind;
use crate::domain::feed::entries::Entry;
use crate::domain::feed::fingerprint::Fingerprint;
use crate::domain::lineage::{Lineage, NodeFacts};
use bitvault_platform::Result;
use bitvault_platform::db::{TenantTx, WorkerTx};
use bitvault_platform::ids::{AccountId, NodeId, TenantId};
use time::OffsetDateTime;
use uuid::Uuid;

/// What was read of a tenant's journal.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) head: Head,
    /// Of the entry that was to be stood on, if it is there.
    pub(crate) ground: Option<Fingerprint>,
    pub(crate) entries: Vec<Entry>,
}

/// The tenant's journal behind a number, at most `limit` entries, with its head; nothing when it has no journal. `ground` is the
/// number of an entry to look at beside them; absent: the newest. It is looked up once, and by a plain number: below policies
/// Postgres reads a whole journal for an expression such as `coalesce`.
pub(crate) async fn entries(
    tx: &mut TenantTx,
    ground: Option<i64>,
    after: i64,
    limit: i64,
) -> Result<Option<Read>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"SELECT h.epoch AS "epoch!", h.seq AS "head!", j.seq AS "seq?", j.node_id AS "node?: NodeId", j.kind AS "kind?",
                  j.actor AS "actor?: AccountId", j.at AS "at?", j.from_id AS "from?: NodeId", j.inherited AS "inherited?",
                  g.node_id AS "ground_node?: NodeId", g.kind AS "ground_kind?", g.at AS "ground_at?"
           FROM files.journal_heads h CROSS JOIN LATERAL (
               SELECT coalesce($4, h.seq) AS seq OFFSET 0
           ) stand LEFT JOIN LATERAL (
               SELECT * FROM files.journal WHERE tenant_id = $1 AND seq = stand.seq LIMIT 1
           ) g ON true LEFT JOIN LATERAL (
               SELECT * FROM files.journal WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
           ) j ON true
           WHERE h.tenant_id = $1 ORDER BY j.seq"#,
        tenant.0,
        after,
        limit,
        ground
    )
    .fetch_all(&mut **tx)
    .await?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let head = Head {
        tenant,
        epoch: first.epoch,
        seq: first.head,
    };
    let ground = match (first.ground_node, &first.ground_kind, first.ground_at) {
        (Some(node), Some(kind), Some(at)) => Some(Fingerprint::new(node, ChangeKind::parse(kind)?, at)),
        _ => None,
    };
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        if let (Some(seq), Some(node), Some(kind), Some(at)) = (row.seq, row.node, row.kind, row.at) {
            entries.push(Entry {
                seq,
                node,
                kind: ChangeKind::parse(&kind)?,
                actor: row.actor,
                at,
                from: row.from,
                inherited: row.inherited,
            });
        }
    }
    Ok(Some(Read {
        head,
        ground,
        entries,
    }))
}

/// Begins another epoch of the tenant's journal, unless somebody did. It is drawn: the next number may have been given out before, in
/// a state that is lost.
pub(crate) async fn begin_epoch(tx: &mut TenantTx, after: i64) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "UPDATE files.journal_heads
         SET epoch = 2 + ('x' || substr(md5(gen_random_uuid()::text), 1, 15))::bit(60)::bigint
         WHERE tenant_id = $1 AND epoch = $2",
        tenant.0,
        after
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The account's home and what it, or a group of its, was given a role on, at most `limit`; with every folder above these
/// and above `also`, and the account's roles on all of them.
pub(crate) async fn roots(
    tx: &mut TenantTx,
    account: AccountId,
    also: &[Uuid],
    limit: i64,
) -> Result<(Vec<NodeId>, Lineage)> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query!(
        r#"WITH RECURSIVE subject AS MATERIALIZED (
               SELECT $2::uuid AS id UNION ALL SELECT m.group_id FROM (
                   SELECT group_id FROM files.group_members WHERE tenant_id = $1 AND account_id = $2 OFFSET 0) m
           ), own AS MATERIALIZED (
               SELECT $2::uuid AS id
               UNION
               SELECT g.node_id FROM subject CROSS JOIN LATERAL (
                   SELECT node_id FROM files.grants WHERE tenant_id = $1 AND subject_id = subject.id OFFSET 0) g
               LIMIT $4
           ), up AS (
               SELECT n.*
               FROM (SELECT id FROM own UNION SELECT unnest($3::uuid[])) wanted
               CROSS JOIN LATERAL (
                   SELECT id, parent_id, kind, trashed_at, revision, inherits
                   FROM files.nodes WHERE tenant_id = $1 AND id = wanted.id LIMIT 1) n
               UNION
               SELECT n.*
               FROM up CROSS JOIN LATERAL (
                   SELECT id, parent_id, kind, trashed_at, revision, inherits
                   FROM files.nodes WHERE tenant_id = $1 AND id = up.parent_id LIMIT 1) n
           )
           SELECT up.id AS "id!: NodeId", parent_id AS "parent_id?: NodeId", kind = 'folder' AS "is_folder!",
                  trashed_at IS NOT NULL AS "trashed!", revision AS "revision!", inherits AS "inherits!",
                  given.roles AS "roles?: Vec<String>", up.id IN (SELECT id FROM own) AS "own!"
           FROM up CROSS JOIN LATERAL (
               SELECT array_agg(g.role) AS roles
               FROM (SELECT subject_id, role FROM files.grants
                     WHERE tenant_id = $1 AND node_id = up.id OFFSET 0) g
               JOIN subject ON subject.id = g.subject_id) given"#,
        tenant,
        account.0,
        also,
        limit
    )
    .fetch_all(&mut **tx)
    .await?;
    let own = rows.iter().filter(|row| row.own).map(|row| row.id).collect();
    let mut facts = Vec::with_capacity(rows.len());
    for row in rows {
        facts.push(NodeFacts {
            id: row.id,
            parent_id: row.parent_id,
            is_folder: row.is_folder,
            trashed: row.trashed,
            current_version: None,
            revision: row.revision,
            inherits: row.inherits,
            grants: sight::given(account, row.roles.unwrap_or_default())?,
            quota: None,
        });
    }
    Ok((own, Lineage::new(facts)))
}

/// Where a walk stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// In which tree, from 0.
    pub(crate) tree: usize,
    /// In which folder of it; absent: before its top.
    pub(crate) within: Option<Within>,
}

/// A place within a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Within {
    pub(crate) folder: NodeId,
    /// The folders above it, digested.
    pub(crate) path: Vec<u8>,
    /// Its children have been seen, and those that are folders are walked.
    pub(crate) descending: bool,
    /// The child that was seen last.
    pub(crate) after: Option<(OffsetDateTime, NodeId)>,
}

/// Walks trees, each with whether all of it is seen, from a place on, and answers some nodes, each with its tree, folders
/// before what is in them; and the place to go on at.
pub(crate) async fn walk(
    tx: &mut TenantTx,
    trees: &[(NodeId, bool)],
    place: &Place,
    most: i32,
) -> Result<(Vec<(usize, NodeId)>, Place)> {
    let tenant = tx.tenant().0;
    let (tops, owned): (Vec<Uuid>, Vec<bool>) = trees.iter().map(|(node, owned)| (node.0, *owned)).unzip();
    let within = place.within.as_ref();
    let after = within.and_then(|within| within.after);
    let rows = sqlx::query!(
        r#"SELECT tree AS "tree!", node AS "node?: NodeId", folder AS "folder?: NodeId", path AS "path?",
                  descending AS "descending?", after_at AS "after_at?", after_id AS "after_id?: NodeId"
           FROM files.walk($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"#,
        tenant,
        &tops,
        &owned,
        i32::try_from(place.tree).unwrap_or(i32::MAX).saturating_add(1),
        within.map(|within| within.folder.0) as Option<Uuid>,
        within.map(|within| within.path.as_slice()) as Option<&[u8]>,
        within.is_some_and(|within| within.descending),
        after.map(|(at, _)| at) as Option<OffsetDateTime>,
        after.map(|(_, id)| id.0) as Option<Uuid>,
        most
    )
    .fetch_all(&mut **tx)
    .await?;
    let tree = |number: i32| usize::try_from(number - 1).unwrap_or_default();
    let (mut found, mut next) = (Vec::with_capacity(rows.len()), Place::default());
    for row in rows {
        match row.node {
            Some(node) => found.push((tree(row.tree), node)),
            None => {
                next = Place {
                    tree: tree(row.tree),
                    within: row.folder.map(|folder| Within {
                        folder,
                        path: row.path.unwrap_or_default(),
                        descending: row.descending.unwrap_or_default(),
                        after: row.after_at.zip(row.after_id),
                    }),
                }
            }
        }
    }
    Ok((found, next))
}

/// The heads of these tenants' journals, in no order.
pub(crate) async fn heads(tx: &mut WorkerTx, tenants: &[Uuid]) -> Result<Vec<Head>> {
    Ok(sqlx::query_as!(
        Head,
        r#"SELECT h.tenant_id AS "tenant!: TenantId", h.epoch AS "epoch!", h.seq AS "seq!"
           FROM unnest($1::uuid[]) AS wanted(id)
           CROSS JOIN LATERAL (SELECT * FROM files.journal_heads WHERE tenant_id = wanted.id LIMIT 1) h"#,
        tenants
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Removes the oldest entries of a tenant's journal: those up to `up_to` that are older than `before`, except the `keep` newest
/// of all, and no more than `limit`. The last of them stays, for who stands on it. Answers how many went. What is left has no gap.
pub(crate) async fn compact(
    tx: &mut WorkerTx,
    tenant: TenantId,
    up_to: i64,
    before: OffsetDateTime,
    keep: i64,
    limit: i64,
) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM files.journal WHERE tenant_id = $1 AND seq < (
             SELECT coalesce(min(seq) FILTER (WHERE at >= $3), max(seq) + 1) - 1
             FROM (SELECT seq, at FROM files.journal
                   WHERE tenant_id = $1
                     AND seq <= (SELECT least($2, seq - $4) FROM files.journal_heads WHERE tenant_id = $1)
                   ORDER BY seq LIMIT $5::bigint + 1) oldest)",
        tenant.0,
        up_to,
        before,
        keep,
        limit
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}
