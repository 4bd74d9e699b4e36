//! Answers of requests that carried an idempotency key.

use crate::domain::access::Actor;
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use time::OffsetDateTime;

/// What is kept of the first request with a key.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) request: Vec<u8>,
    pub(crate) answer: Vec<u8>,
}

/// What the key was used for, if it was.
pub(crate) async fn find(tx: &mut TenantTx, actor: Actor, key: &str) -> Result<Option<Kept>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        Kept,
        "SELECT request, answer FROM files.idempotency WHERE tenant_id = $1 AND account_id = $2 AND key = $3",
        tenant,
        actor.account.0,
        key
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// What is to be kept of a request, under its key.
#[derive(Debug, Clone)]
pub(crate) struct Keeping {
    pub(crate) key: String,
    pub(crate) kept: Kept,
}

/// Keeps an answer; `false` when another request with the key was faster. It waits for that one to end.
pub(crate) async fn keep(
    tx: &mut TenantTx,
    actor: Actor,
    keeping: &Keeping,
    now: OffsetDateTime,
) -> Result<bool> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_scalar!(
        r#"SELECT files.keep_answer($1, $2, $3, $4, $5, $6) AS "kept!""#,
        tenant,
        actor.account.0,
        keeping.key,
        keeping.kept.request,
        keeping.kept.answer,
        now
    )
    .fetch_one(&mut **tx)
    .await?)
}
