//! What visitors need: the link of a token, and one download of it.

use super::Row;
use crate::domain::Link;
use bitvault_platform::Result;
use bitvault_platform::db::{Database, TenantTx};
use bitvault_platform::ids::{LinkId, TenantId};
use bitvault_platform::token::Digest;
use time::OffsetDateTime;

/// The link that a token belongs to, whatever its state.
pub(crate) async fn by_token(database: &Database, token: Digest) -> Result<Option<Link>> {
    let mut tx = database.with_settings(&[("app.token", &token.hex())]).await?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT tenant_id AS "tenant_id: TenantId", id AS "id: LinkId", node_id AS "node_id: _",
                  account_id AS "account_id: _", kind, password_hash, label, expires_at, max_downloads, downloads, created_at
           FROM sharing.links WHERE token_digest = $1 LIMIT 1"#,
        token.bytes()
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    row.map(Link::try_from).transpose()
}

/// Counts one download; `false` when none is left or the link has ended. Two at once never get the same one.
pub(crate) async fn take(tx: &mut TenantTx, link: LinkId, now: OffsetDateTime) -> Result<bool> {
    let tenant = tx.tenant().0;
    let done = sqlx::query!(
        "UPDATE sharing.links SET downloads = downloads + 1
         WHERE tenant_id = $1 AND id = $2 AND kind = 'download'
           AND (max_downloads IS NULL OR downloads < max_downloads) AND (expires_at IS NULL OR expires_at > $3)",
        tenant,
        link.0,
        now
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}
