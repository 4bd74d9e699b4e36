//! The journal and the outbox: one row in each per change, written last.

pub(crate) use crate::domain::change_kind::ChangeKind;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{AccountId, EventId, NodeId, VersionId};
use bitvault_platform::{Error, Result, telemetry};
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

/// One changed node.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) node: NodeId,
    pub(crate) kind: ChangeKind,
    pub(crate) version: Option<VersionId>,
    pub(crate) revision: i64,
    /// Absent: it was the server's own doing.
    pub(crate) actor: Option<AccountId>,
    /// Where the node was before; of a new one, the folder that it was made in, or the tenant's root when it was made
    /// elsewhere and put there with all below it. Needed of what is made, moves or goes to the trash.
    pub(crate) from: Option<NodeId>,
    /// Whether roles given above it counted there before. Needed of what moves, goes to the trash or is shared.
    pub(crate) inherited: Option<bool>,
    pub(crate) traceparent: Option<String>,
}

impl Change {
    /// A change without a version, made by the call that is being served.
    pub(crate) fn of(
        node: NodeId,
        kind: ChangeKind,
        revision: i64,
        actor: impl Into<Option<AccountId>>,
    ) -> Self {
        Self {
            node,
            kind,
            version: None,
            revision,
            actor: actor.into(),
            from: None,
            inherited: None,
            traceparent: telemetry::propagation::current(),
        }
    }

    /// Tells where the node was before.
    #[must_use]
    pub(crate) fn out_of(mut self, folder: Option<NodeId>) -> Self {
        self.from = folder;
        self
    }

    /// Tells whether roles given above the node counted there before.
    #[must_use]
    pub(crate) fn inherited(mut self, inherited: bool) -> Self {
        self.inherited = Some(inherited);
        self
    }

    fn event_kind(&self) -> &'static str {
        match (self.kind, self.version) {
            (ChangeKind::Created | ChangeKind::Updated, Some(_)) => "version.created",
            (ChangeKind::Created, None) => "node.created",
            (ChangeKind::Updated, None) => "node.updated",
            (ChangeKind::Moved, _) => "node.moved",
            (ChangeKind::Trashed, _) => "node.trashed",
            (ChangeKind::Shared, _) => "node.shared",
            (ChangeKind::Restored, _) => "node.restored",
            (ChangeKind::Deleted, _) => "node.deleted",
        }
    }
}

/// Writes the changes into the journal, in their order, under the next numbers, and an event for each into the outbox.
/// It takes the tenant's counter, if there is a change: call it last, and commit.
pub(crate) async fn append(tx: &mut TenantTx, changes: &[Change], now: OffsetDateTime) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant().0;
    let count = i64::try_from(changes.len()).map_err(|cause| Error::internal("count changes", cause))?;
    let nodes: Vec<Uuid> = changes.iter().map(|change| change.node.0).collect();
    let kinds: Vec<String> = changes
        .iter()
        .map(|change| change.kind.name().to_owned())
        .collect();
    let versions: Vec<Option<Uuid>> = changes
        .iter()
        .map(|change| change.version.map(|id| id.0))
        .collect();
    let revisions: Vec<i64> = changes.iter().map(|change| change.revision).collect();
    let actors: Vec<Option<Uuid>> = changes
        .iter()
        .map(|change| change.actor.map(|account| account.0))
        .collect();
    let from: Vec<Option<Uuid>> = changes.iter().map(|change| change.from.map(|id| id.0)).collect();
    let inherited: Vec<Option<bool>> = changes.iter().map(|change| change.inherited).collect();
    let events: Vec<Uuid> = changes.iter().map(|_| EventId::new().0).collect();
    let event_kinds: Vec<String> = changes
        .iter()
        .map(|change| change.event_kind().to_owned())
        .collect();
    let payloads: Vec<serde_json::Value> = changes
        .iter()
        .map(|change| {
            json!({
                "node_id": change.node.to_string(),
                "version_id": change.version.map(|id| id.to_string()),
                "revision": change.revision,
                "actor": change.actor.map(|account| account.to_string()),
            })
        })
        .collect();
    let traceparents: Vec<Option<String>> = changes.iter().map(|change| change.traceparent.clone()).collect();
    let done = sqlx::query!(
        "WITH head AS (
             UPDATE files.journal_heads SET seq = seq + $2 WHERE tenant_id = $1 RETURNING seq - $2 AS base
         ), change AS (
             SELECT head.base + c.n AS seq, c.*
             FROM head, unnest($4::uuid[], $5::text[], $6::uuid[], $7::bigint[], $8::uuid[], $9::uuid[], $10::text[],
                               $11::jsonb[], $12::text[], $13::uuid[], $14::boolean[])
                  WITH ORDINALITY AS c(node_id, kind, version_id, revision, actor, event_id, event, payload,
                                       traceparent, from_id, inherited, n)
         ), journal AS (
             INSERT INTO files.journal (tenant_id, seq, node_id, kind, version_id, revision, actor, at, from_id,
                                        inherited)
             SELECT $1, seq, node_id, kind, version_id, revision, actor, $3, from_id, inherited FROM change
         )
         INSERT INTO files.outbox (tenant_id, key, seq, id, kind, payload, traceparent, created_at)
         SELECT $1, node_id, seq, event_id, event, payload, traceparent, $3 FROM change",
        tenant,
        count,
        now,
        &nodes,
        &kinds,
        &versions as &[Option<Uuid>],
        &revisions,
        &actors as &[Option<Uuid>],
        &events,
        &event_kinds,
        &payloads,
        &traceparents as &[Option<String>],
        &from as &[Option<Uuid>],
        &inherited as &[Option<bool>]
    )
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() != changes.len() as u64 {
        return Err(Error::internal(
            "append to the journal",
            "the tenant has no journal head",
        ));
    }
    Ok(())
}
