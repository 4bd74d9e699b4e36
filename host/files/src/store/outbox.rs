//! The relay's side of the outbox, across tenants.

use bitvault_platform::Result;
use bitvault_platform::db::WorkerTx;
use bitvault_platform::ids::{EventId, NodeId, TenantId};
use time::OffsetDateTime;
use uuid::Uuid;

/// An event that was leased.
#[derive(Debug, Clone)]
pub(crate) struct Leased {
    pub(crate) tenant: TenantId,
    pub(crate) key: NodeId,
    pub(crate) id: EventId,
    pub(crate) kind: String,
    pub(crate) payload: serde_json::Value,
    pub(crate) traceparent: Option<String>,
    pub(crate) attempts: i32,
}

/// Leases events until `until`, the oldest first, and of each key only the first one: the next of a key comes when that
/// has been handed over, so the order within a key holds over several relays.
pub(crate) async fn lease(
    tx: &mut WorkerTx,
    now: OffsetDateTime,
    until: OffsetDateTime,
    limit: i64,
) -> Result<Vec<Leased>> {
    Ok(sqlx::query_as!(
        Leased,
        r#"UPDATE files.outbox o SET leased_until = $2, attempts = o.attempts + 1
           WHERE o.ctid = ANY (ARRAY(
               SELECT q.ctid FROM files.outbox q
               WHERE (q.leased_until IS NULL OR q.leased_until <= $1)
                 AND NOT EXISTS (SELECT FROM files.outbox e
                                 WHERE e.tenant_id = q.tenant_id AND e.key = q.key AND e.seq < q.seq OFFSET 0)
               ORDER BY q.id LIMIT $3 FOR UPDATE SKIP LOCKED))
           RETURNING o.tenant_id AS "tenant!: TenantId", o.key AS "key!: NodeId", o.id AS "id!: EventId",
                     o.kind AS "kind!", o.payload AS "payload!", o.traceparent, o.attempts AS "attempts!""#,
        now,
        until,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Removes events that have been handed over.
pub(crate) async fn done(tx: &mut WorkerTx, events: &[Uuid]) -> Result<()> {
    sqlx::query!("DELETE FROM files.outbox WHERE id = ANY($1)", events)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Puts events back until the time named for each.
pub(crate) async fn postpone(tx: &mut WorkerTx, events: &[Uuid], until: &[OffsetDateTime]) -> Result<()> {
    sqlx::query!(
        "UPDATE files.outbox o SET leased_until = later.until
         FROM unnest($1::uuid[], $2::timestamptz[]) AS later(id, until)
         WHERE o.id = later.id AND o.id = ANY($1)",
        events,
        until
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// When the oldest event that waits was written.
pub(crate) async fn oldest(tx: &mut WorkerTx) -> Result<Option<OffsetDateTime>> {
    Ok(
        sqlx::query_scalar!("SELECT created_at FROM files.outbox ORDER BY id LIMIT 1")
            .fetch_optional(&mut **tx)
            .await?,
    )
}
