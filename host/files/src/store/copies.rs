//! Copying trees (`files.copy` of migration 0124), and the rows of large copies.

use super::idempotency::Keeping;
use super::journal;
use crate::domain::name::Name;
use bitvault_platform::db::{TenantTx, WorkerTx};
use bitvault_platform::ids::{AccountId, CopyId, NodeId, TenantId, VersionId};
use bitvault_platform::{Error, Result, telemetry};
use time::OffsetDateTime;
use uuid::Uuid;

/// What is copied, by whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    pub(crate) node: NodeId,
    pub(crate) account: AccountId,
    /// Whether the account owns it, and so sees all below.
    pub(crate) owned: bool,
}

/// A copy that is to be made.
#[derive(Debug)]
pub(crate) struct Copying<'a> {
    pub(crate) source: Source,
    /// The id of the copy.
    pub(crate) top: NodeId,
    /// Of its version, if it is a file.
    pub(crate) version: VersionId,
    /// Where it goes: locked, with that name free; or where it is shown to nobody.
    pub(crate) parent: NodeId,
    pub(crate) name: &'a Name,
    /// How many nodes there may be.
    pub(crate) most: i64,
    /// Quotas that may not grow beyond their limits.
    pub(crate) quotas: &'a [Uuid],
    /// What follows when it is made; absent: who calls does all that.
    pub(crate) then: Option<Then<'a>>,
}

/// What follows a copy in its transaction: each node gets its entry in the journal, so commit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Then<'a> {
    /// What is kept of the request before that, if it had a key.
    pub(crate) keeping: Option<&'a Keeping>,
}

/// What came of a copy. Unless it is made: roll back, or go on when there are too many.
#[derive(Debug)]
pub(crate) enum Built {
    Made {
        copied: i64,
        /// The version of the source that the top was made of, if that is a file.
        of: Option<VersionId>,
    },
    /// There are more nodes than allowed: nothing was made.
    TooMany,
    /// The source is gone, or content that the copy names was removed at the same moment: roll back and try again.
    Vanished,
    /// These quotas were outgrown.
    Outgrown(Vec<Uuid>),
    /// Another request with the key was faster.
    Late,
}

/// Copies a tree.
pub(crate) async fn build(tx: &mut TenantTx, copying: Copying<'_>, now: OffsetDateTime) -> Result<Built> {
    let tenant = tx.tenant().0;
    let source = copying.source;
    let keeping = copying.then.and_then(|then| then.keeping);
    let row = sqlx::query!(
        r#"SELECT copied AS "copied!", of AS "of: VersionId", outgrown AS "outgrown!", kept, told
           FROM files.copy($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"#,
        tenant,
        source.account.0,
        now,
        source.node.0,
        source.owned,
        copying.top.0,
        copying.version.0,
        copying.parent.0,
        copying.name.text,
        copying.name.key,
        copying.most,
        copying.quotas,
        copying.then.is_some(),
        keeping.map(|keeping| keeping.key.as_str()),
        keeping.map(|keeping| keeping.kept.request.as_slice()),
        keeping.map(|keeping| keeping.kept.answer.as_slice()),
        telemetry::propagation::current()
    )
    .fetch_one(&mut **tx)
    .await;
    let row = match row {
        Err(sqlx::Error::Database(cause)) if cause.is_foreign_key_violation() => return Ok(Built::Vanished),
        row => row?,
    };
    if row.copied > copying.most {
        return Ok(Built::TooMany);
    }
    if row.copied == 0 {
        return Ok(Built::Vanished);
    }
    if !row.outgrown.is_empty() {
        return Ok(Built::Outgrown(row.outgrown));
    }
    if copying.then.is_some() {
        if row.kept != Some(true) {
            return Ok(Built::Late);
        }
        if row.told != Some(row.copied) {
            return Err(journal::no_head());
        }
    }
    Ok(Built::Made {
        copied: row.copied,
        of: row.of,
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
