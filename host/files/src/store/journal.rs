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

/// Changes as columns, with an event for each: what `files.append` of migration 0124 takes.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) nodes: Vec<Uuid>,
    pub(super) kinds: Vec<String>,
    pub(super) versions: Vec<Option<Uuid>>,
    pub(super) revisions: Vec<i64>,
    pub(super) actors: Vec<Option<Uuid>>,
    pub(super) from: Vec<Option<Uuid>>,
    pub(super) inherited: Vec<Option<bool>>,
    pub(super) events: Vec<Uuid>,
    pub(super) event_kinds: Vec<String>,
    pub(super) payloads: Vec<serde_json::Value>,
    pub(super) traceparents: Vec<Option<String>>,
}

impl Columns {
    pub(super) fn of(changes: &[Change]) -> Self {
        let mut columns = Self::default();
        for change in changes {
            columns.nodes.push(change.node.0);
            columns.kinds.push(change.kind.name().to_owned());
            columns.versions.push(change.version.map(|id| id.0));
            columns.revisions.push(change.revision);
            columns.actors.push(change.actor.map(|account| account.0));
            columns.from.push(change.from.map(|id| id.0));
            columns.inherited.push(change.inherited);
            columns.events.push(EventId::new().0);
            columns.event_kinds.push(change.event_kind().to_owned());
            columns.payloads.push(json!({
                "node_id": change.node.to_string(),
                "version_id": change.version.map(|id| id.to_string()),
                "revision": change.revision,
                "actor": change.actor.map(|account| account.to_string()),
            }));
            columns.traceparents.push(change.traceparent.clone());
        }
        columns
    }

    /// Fails unless all were told.
    pub(super) fn require(&self, told: i64) -> Result<()> {
        if usize::try_from(told) == Ok(self.nodes.len()) {
            return Ok(());
        }
        Err(no_head())
    }
}

/// Nothing was appended.
pub(super) fn no_head() -> Error {
    Error::internal("append to the journal", "the tenant has no journal head")
}

/// Writes the changes into the journal, in their order, under the next numbers, and an event for each into the outbox.
/// It takes the tenant's counter, if there is a change: call it last, and commit.
pub(crate) async fn append(tx: &mut TenantTx, changes: &[Change], now: OffsetDateTime) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant().0;
    let columns = Columns::of(changes);
    let told = sqlx::query_scalar!(
        r#"SELECT files.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS "told!""#,
        tenant,
        now,
        &columns.nodes,
        &columns.kinds,
        &columns.versions as &[Option<Uuid>],
        &columns.revisions,
        &columns.actors as &[Option<Uuid>],
        &columns.from as &[Option<Uuid>],
        &columns.inherited as &[Option<bool>],
        &columns.events,
        &columns.event_kinds,
        &columns.payloads,
        &columns.traceparents as &[Option<String>]
    )
    .fetch_one(&mut **tx)
    .await?;
    columns.require(told)
}
