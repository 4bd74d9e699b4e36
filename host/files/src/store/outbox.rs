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
    pub(crate) seq: i64,
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
           FROM (SELECT q.tenant_id, q.key, q.seq FROM files.outbox q
                 WHERE (q.leased_until IS NULL OR q.leased_until <= $1)
                   AND NOT EXISTS (SELECT FROM files.outbox e
                                   WHERE e.tenant_id = q.tenant_id AND e.key = q.key AND e.seq < q.seq)
                 ORDER BY q.id LIMIT $3 FOR UPDATE SKIP LOCKED) due
           WHERE o.tenant_id = due.tenant_id AND o.key = due.key AND o.seq = due.seq
           RETURNING o.tenant_id AS "tenant!: TenantId", o.key AS "key!: NodeId", o.seq AS "seq!", o.id AS "id!: EventId",
                     o.kind AS "kind!", o.payload AS "payload!", o.traceparent, o.attempts AS "attempts!""#,
        now,
        until,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Removes events that have been handed over.
pub(crate) async fn done(tx: &mut WorkerTx, events: &[&Leased]) -> Result<()> {
    let (tenants, keys, seqs) = columns(events);
    sqlx::query!(
        "DELETE FROM files.outbox o
         USING unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS gone(tenant_id, key, seq)
         WHERE o.tenant_id = gone.tenant_id AND o.key = gone.key AND o.seq = gone.seq",
        &tenants,
        &keys,
        &seqs
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Puts events back until the time named for each.
pub(crate) async fn postpone(tx: &mut WorkerTx, events: &[(&Leased, OffsetDateTime)]) -> Result<()> {
    let leased: Vec<&Leased> = events.iter().map(|(event, _)| *event).collect();
    let (tenants, keys, seqs) = columns(&leased);
    let until: Vec<OffsetDateTime> = events.iter().map(|(_, until)| *until).collect();
    sqlx::query!(
        "UPDATE files.outbox o SET leased_until = later.until
         FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[]) AS later(tenant_id, key, seq, until)
         WHERE o.tenant_id = later.tenant_id AND o.key = later.key AND o.seq = later.seq",
        &tenants,
        &keys,
        &seqs,
        &until
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn columns(events: &[&Leased]) -> (Vec<Uuid>, Vec<Uuid>, Vec<i64>) {
    let tenants = events.iter().map(|event| event.tenant.0).collect();
    let keys = events.iter().map(|event| event.key.0).collect();
    let seqs = events.iter().map(|event| event.seq).collect();
    (tenants, keys, seqs)
}

/// When the oldest event that waits was written.
pub(crate) async fn oldest(tx: &mut WorkerTx) -> Result<Option<OffsetDateTime>> {
    Ok(
        sqlx::query_scalar!("SELECT created_at FROM files.outbox ORDER BY id LIMIT 1")
            .fetch_optional(&mut **tx)
            .await?,
    )
}
