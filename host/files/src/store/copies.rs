//! Copying trees in SQL, and the rows of large copies.
//!
//! A walk over the source leaves out what is in the trash, and what the account may not see: nodes that take no roles from
//! above, unless it was given one on them or owns something above them. One statement reads the source, so that a copy is
//! the source at one moment; no lock keeps others from it meanwhile.

use crate::domain::name::Name;
use bitvault_platform::db::{TenantTx, WorkerTx};
use bitvault_platform::ids::{AccountId, CopyId, NodeId, TenantId, VersionId};
use bitvault_platform::{Error, Result};
use time::OffsetDateTime;

/// What is copied, by whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    pub(crate) node: NodeId,
    pub(crate) account: AccountId,
    /// Whether the account owns it, and so sees all below.
    pub(crate) owned: bool,
}

/// What came of a copy.
#[derive(Debug)]
pub(crate) enum Built {
    Made(Made),
    /// There are more nodes than allowed: nothing was made.
    TooMany,
    /// The source is gone, or content that the copy names was removed at the same moment: roll back and try again.
    Vanished,
}

/// A copy.
#[derive(Debug)]
pub(crate) struct Made {
    /// The nodes, folders before what is in them, with the versions of files.
    pub(crate) nodes: Vec<(NodeId, Option<VersionId>)>,
    /// The version of the source that the top was made of, if that is a file.
    pub(crate) of: Option<VersionId>,
}

/// Copies a tree of at most `most` nodes: `top` is the id of the copy, whose folder is locked and has that name free, or is
/// shown to nobody. The walk ends where there is one too many.
pub(crate) async fn build(
    tx: &mut TenantTx,
    source: Source,
    top: NodeId,
    parent: NodeId,
    name: &Name,
    most: i64,
    now: OffsetDateTime,
) -> Result<Built> {
    let tenant = tx.tenant().0;
    let made = sqlx::query!(
        r#"WITH RECURSIVE subject AS MATERIALIZED (
               SELECT $3::uuid AS id
               UNION ALL
               SELECT m.group_id FROM files.group_members m WHERE m.tenant_id = $1 AND m.account_id = $3
           ), down AS (
               SELECT id AS old, $5::uuid AS id, $6::uuid AS parent_id, kind, $7::text AS name,
                      $8::text COLLATE "C" AS name_key, size, current_version AS old_version,
                      CASE kind WHEN 'file' THEN files.new_id() END AS version, $4::boolean AS owned
               FROM files.nodes WHERE tenant_id = $1 AND id = $2
               UNION ALL
               SELECT n.id, files.new_id(), down.id, n.kind, n.name, n.name_key, n.size, n.current_version,
                      CASE n.kind WHEN 'file' THEN files.new_id() END, n.owned
               FROM down CROSS JOIN LATERAL (
                   SELECT c.id, c.kind, c.name, c.name_key, c.size, c.current_version, down.owned OR EXISTS (
                              SELECT FROM files.grants g JOIN subject s ON s.id = g.subject_id
                              WHERE g.tenant_id = $1 AND g.node_id = c.id AND g.role = 'owner' OFFSET 0) AS owned
                   FROM files.nodes c
                   WHERE c.tenant_id = $1 AND c.parent_id = down.old AND c.trashed_at IS NULL
                     AND (c.inherits OR down.owned OR EXISTS (
                             SELECT FROM files.grants g JOIN subject s ON s.id = g.subject_id
                             WHERE g.tenant_id = $1 AND g.node_id = c.id OFFSET 0))
                   OFFSET 0) n
           ), walked AS MATERIALIZED (
               SELECT count(*) AS nodes FROM (SELECT FROM down LIMIT $10::bigint + 1) counted
           ), node AS (
               INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, current_version, size,
                                        created_at, created_by, updated_at, updated_by)
               SELECT $1, id, parent_id, kind, name, name_key, version, size, $9, $3, $9, $3 FROM down
               WHERE (SELECT nodes FROM walked) <= $10
           ), version AS (
               INSERT INTO files.versions (tenant_id, id, node_id, blob_id, content_type, content_mismatch, created_at,
                                           created_by)
               SELECT $1, down.version, down.id, v.blob_id, v.content_type, v.content_mismatch, $9, $3
               FROM down CROSS JOIN LATERAL (SELECT blob_id, content_type, content_mismatch FROM files.versions
                                             WHERE tenant_id = $1 AND id = down.old_version LIMIT 1) v
               WHERE (SELECT nodes FROM walked) <= $10
           ), metadata AS (
               INSERT INTO files.metadata (tenant_id, node_id, tags, fields)
               SELECT $1, down.id, m.tags, m.fields
               FROM down CROSS JOIN LATERAL (SELECT tags, fields FROM files.metadata
                                             WHERE tenant_id = $1 AND node_id = down.old LIMIT 1) m
               WHERE (SELECT nodes FROM walked) <= $10
           )
           SELECT walked.nodes AS "nodes!", made.id AS "id?: NodeId", made.version AS "version?: VersionId",
                  made.old_version AS "of?: VersionId"
           FROM walked LEFT JOIN LATERAL (
               SELECT id, version, old_version FROM down WHERE walked.nodes <= $10) made ON true"#,
        tenant,
        source.node.0,
        source.account.0,
        source.owned,
        top.0,
        parent.0,
        name.text,
        name.key,
        now,
        most
    )
    .fetch_all(&mut **tx)
    .await;
    let rows = match made {
        Err(sqlx::Error::Database(cause)) if cause.is_foreign_key_violation() => return Ok(Built::Vanished),
        rows => rows?,
    };
    let first = rows.first();
    if first.is_some_and(|row| row.nodes > most) {
        return Ok(Built::TooMany);
    }
    let of = first.and_then(|row| row.of);
    let nodes: Vec<_> = rows
        .into_iter()
        .filter_map(|row| Some((row.id?, row.version)))
        .collect();
    Ok(match nodes.is_empty() {
        true => Built::Vanished,
        false => Built::Made(Made { nodes, of }),
    })
}

/// Where a large copy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// To be built.
    Running,
    /// Built where nobody sees it; to be put into its place.
    Built,
    Done,
    Failed,
    Cancelled,
}

impl State {
    fn parse(text: &str) -> Result<Self> {
        Ok(match text {
            "running" => Self::Running,
            "built" => Self::Built,
            "done" => Self::Done,
            "failed" => Self::Failed,
            "cancelled" => Self::Cancelled,
            other => return Err(Error::internal("read a copy's state", other)),
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Built => "built",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A large copy.
#[derive(Debug, Clone)]
pub(crate) struct CopyRow {
    pub(crate) id: CopyId,
    pub(crate) account: AccountId,
    pub(crate) source: NodeId,
    pub(crate) parent: NodeId,
    pub(crate) name: Option<String>,
    pub(crate) state: State,
    pub(crate) copied: i64,
    /// The top of what was built.
    pub(crate) node: Option<NodeId>,
    pub(crate) reason: Option<String>,
    pub(crate) created_at: OffsetDateTime,
}

/// Records a copy that is to be made.
pub(crate) async fn insert(tx: &mut TenantTx, row: &CopyRow) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "INSERT INTO files.copies (tenant_id, id, account_id, source_id, parent_id, name, state, created_at, leased_until)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
        tenant,
        row.id.0,
        row.account.0,
        row.source.0,
        row.parent.0,
        row.name,
        row.state.name(),
        row.created_at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A copy.
pub(crate) async fn find(tx: &mut TenantTx, id: CopyId) -> Result<Option<CopyRow>> {
    let tenant = tx.tenant().0;
    let row = sqlx::query!(
        r#"SELECT account_id AS "account!: AccountId", source_id AS "source!: NodeId", parent_id AS "parent!: NodeId",
                  name, state AS "state!", copied AS "copied!", node_id AS "node?: NodeId", reason,
                  created_at AS "created_at!"
           FROM files.copies WHERE tenant_id = $1 AND id = $2"#,
        tenant,
        id.0
    )
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| {
        Ok(CopyRow {
            id,
            account: row.account,
            source: row.source,
            parent: row.parent,
            name: row.name,
            state: State::parse(&row.state)?,
            copied: row.copied,
            node: row.node,
            reason: row.reason,
            created_at: row.created_at,
        })
    })
    .transpose()
}

/// `running → built`; `false` when it was cancelled meanwhile: roll back.
pub(crate) async fn built(tx: &mut TenantTx, id: CopyId, node: NodeId, copied: i64) -> Result<bool> {
    let tenant = tx.tenant().0;
    let done = sqlx::query!(
        "UPDATE files.copies SET state = 'built', node_id = $3, copied = $4
         WHERE tenant_id = $1 AND id = $2 AND state = 'running'",
        tenant,
        id.0,
        node.0,
        copied
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// `built → done`, or `running`, `built` → `failed` or `cancelled`; `false` when it is in none of these states.
pub(crate) async fn end(
    tx: &mut TenantTx,
    id: CopyId,
    state: State,
    reason: Option<&str>,
    now: OffsetDateTime,
) -> Result<bool> {
    let tenant = tx.tenant().0;
    let done = sqlx::query!(
        "UPDATE files.copies SET state = $3, reason = $4, ended_at = $5
         WHERE tenant_id = $1 AND id = $2 AND (state = 'built' OR (state = 'running' AND $3 <> 'done'))",
        tenant,
        id.0,
        state.name(),
        reason,
        now
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What was built of a copy that did not come to its end is gone.
pub(crate) async fn undone(tx: &mut TenantTx, id: CopyId) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "UPDATE files.copies SET node_id = NULL
         WHERE tenant_id = $1 AND id = $2 AND state IN ('failed', 'cancelled')",
        tenant,
        id.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes a copy that has work left, until `until`: should the job die, another one goes on then.
pub(crate) async fn claim(
    tx: &mut WorkerTx,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<Option<(TenantId, CopyId)>> {
    let row = sqlx::query!(
        r#"UPDATE files.copies c SET leased_until = $2
           FROM (SELECT tenant_id, id FROM files.copies
                 WHERE leased_until <= $1
                   AND (state IN ('running', 'built') OR (state IN ('failed', 'cancelled') AND node_id IS NOT NULL))
                 ORDER BY leased_until LIMIT 1 FOR UPDATE SKIP LOCKED) due
           WHERE c.tenant_id = due.tenant_id AND c.id = due.id
           RETURNING c.tenant_id AS "tenant!: TenantId", c.id AS "id!: CopyId""#,
        now,
        until
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|row| (row.tenant, row.id)))
}
