//! Links as those who make them see them.

use super::{Row, signed};
use crate::domain::{Link, kind_name};
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{AccountId, LinkId, NodeId, TenantId};
use bitvault_platform::token::Digest;
use bitvault_platform::{LinkAccess, Result};
use time::OffsetDateTime;
use uuid::Uuid;

/// A link to make.
#[derive(Debug)]
pub(crate) struct New<'a> {
    pub(crate) id: LinkId,
    pub(crate) node: NodeId,
    pub(crate) account: AccountId,
    pub(crate) access: LinkAccess,
    pub(crate) token: Digest,
    pub(crate) password_hash: Option<&'a str>,
    pub(crate) label: Option<&'a str>,
    pub(crate) expires_at: Option<OffsetDateTime>,
    pub(crate) max_downloads: Option<u32>,
    /// Of the request, with the hash of what was asked.
    pub(crate) idempotency: Option<(&'a str, &'a [u8])>,
}

/// Makes a link; nothing when its idempotency key was used before.
pub(crate) async fn insert(tx: &mut TenantTx, new: &New<'_>, now: OffsetDateTime) -> Result<Option<Link>> {
    let tenant = tx.tenant().0;
    let row = sqlx::query_as!(
        Row,
        r#"INSERT INTO sharing.links (tenant_id, id, node_id, account_id, kind, token_digest, password_hash, label,
                                      expires_at, max_downloads, created_at, idempotency_key, request)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
           ON CONFLICT (tenant_id, account_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
           RETURNING tenant_id AS "tenant_id: TenantId", id AS "id: LinkId", node_id AS "node_id: _",
                     account_id AS "account_id: _", kind, password_hash, label, expires_at, max_downloads, downloads,
                     created_at"#,
        tenant,
        new.id.0,
        new.node.0,
        new.account.0,
        kind_name(new.access),
        new.token.bytes(),
        new.password_hash,
        new.label,
        new.expires_at,
        new.max_downloads.map(signed).transpose()?,
        now,
        new.idempotency.map(|(key, _)| key),
        new.idempotency.map(|(_, request)| request)
    )
    .fetch_optional(&mut **tx)
    .await?;
    row.map(Link::try_from).transpose()
}

/// The link that a request with this key made, and the hash of what was asked. Locked.
pub(crate) async fn repeated(
    tx: &mut TenantTx,
    account: AccountId,
    key: &str,
) -> Result<Option<(LinkId, Vec<u8>)>> {
    let tenant = tx.tenant().0;
    let row = sqlx::query!(
        r#"SELECT id AS "id: LinkId", request AS "request!" FROM sharing.links
           WHERE tenant_id = $1 AND account_id = $2 AND idempotency_key = $3 FOR UPDATE"#,
        tenant,
        account.0,
        key
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|row| (row.id, row.request)))
}

/// Gives a link another token.
pub(crate) async fn rotate(tx: &mut TenantTx, id: LinkId, token: Digest) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "UPDATE sharing.links SET token_digest = $3 WHERE tenant_id = $1 AND id = $2",
        tenant,
        id.0,
        token.bytes()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A link of the tenant.
pub(crate) async fn fetch(tx: &mut TenantTx, id: LinkId) -> Result<Option<Link>> {
    let tenant = tx.tenant().0;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT tenant_id AS "tenant_id: TenantId", id AS "id: LinkId", node_id AS "node_id: _",
                  account_id AS "account_id: _", kind, password_hash, label, expires_at, max_downloads, downloads, created_at
           FROM sharing.links WHERE tenant_id = $1 AND id = $2"#,
        tenant,
        id.0
    )
    .fetch_optional(&mut **tx)
    .await?;
    row.map(Link::try_from).transpose()
}

/// Where a page of links begins: below this id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor(pub(crate) LinkId);

impl Cursor {
    /// Above every link.
    pub(crate) const START: Self = Self(LinkId(Uuid::max()));
}

/// Links that an account made, the newest first.
pub(crate) async fn list_of_account(
    tx: &mut TenantTx,
    account: AccountId,
    below: Cursor,
    limit: i64,
) -> Result<Vec<Link>> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT tenant_id AS "tenant_id: TenantId", id AS "id: LinkId", node_id AS "node_id: _",
                  account_id AS "account_id: _", kind, password_hash, label, expires_at, max_downloads, downloads, created_at
           FROM sharing.links WHERE tenant_id = $1 AND account_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4"#,
        tenant,
        account.0,
        below.0.0,
        limit
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(Link::try_from).collect()
}

/// Links on a node, whoever made them, the newest first.
pub(crate) async fn list_on_node(
    tx: &mut TenantTx,
    node: NodeId,
    below: Cursor,
    limit: i64,
) -> Result<Vec<Link>> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT tenant_id AS "tenant_id: TenantId", id AS "id: LinkId", node_id AS "node_id: _",
                  account_id AS "account_id: _", kind, password_hash, label, expires_at, max_downloads, downloads, created_at
           FROM sharing.links WHERE tenant_id = $1 AND node_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4"#,
        tenant,
        node.0,
        below.0.0,
        limit
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(Link::try_from).collect()
}

/// What to change: for each, nothing, or the new value, which may be none.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) label: Option<Option<String>>,
    pub(crate) password_hash: Option<Option<String>>,
    pub(crate) expires_at: Option<Option<OffsetDateTime>>,
    pub(crate) max_downloads: Option<Option<u32>>,
}

impl Change {
    /// Whether there is anything to change.
    pub(crate) fn is_some(&self) -> bool {
        self.label.is_some()
            || self.password_hash.is_some()
            || self.expires_at.is_some()
            || self.max_downloads.is_some()
    }
}

/// Changes a link; nothing when it is gone.
pub(crate) async fn update(tx: &mut TenantTx, id: LinkId, change: Change) -> Result<Option<Link>> {
    let tenant = tx.tenant().0;
    let most = change.max_downloads.flatten().map(signed).transpose()?;
    let row = sqlx::query_as!(
        Row,
        r#"UPDATE sharing.links
           SET label = CASE WHEN $3 THEN $4 ELSE label END,
               password_hash = CASE WHEN $5 THEN $6 ELSE password_hash END,
               expires_at = CASE WHEN $7 THEN $8 ELSE expires_at END,
               max_downloads = CASE WHEN $9 THEN $10 ELSE max_downloads END
           WHERE tenant_id = $1 AND id = $2
           RETURNING tenant_id AS "tenant_id: TenantId", id AS "id: LinkId", node_id AS "node_id: _",
                     account_id AS "account_id: _", kind, password_hash, label, expires_at, max_downloads, downloads,
                     created_at"#,
        tenant,
        id.0,
        change.label.is_some(),
        change.label.flatten(),
        change.password_hash.is_some(),
        change.password_hash.flatten(),
        change.expires_at.is_some(),
        change.expires_at.flatten(),
        change.max_downloads.is_some(),
        most
    )
    .fetch_optional(&mut **tx)
    .await?;
    row.map(Link::try_from).transpose()
}

/// Ends a link.
pub(crate) async fn delete(tx: &mut TenantTx, id: LinkId) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "DELETE FROM sharing.links WHERE tenant_id = $1 AND id = $2",
        tenant,
        id.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Removes at most `limit` links of the tenant; answers how many.
pub(crate) async fn erase(tx: &mut TenantTx, limit: i64) -> Result<u64> {
    let tenant = tx.tenant().0;
    let done = sqlx::query!(
        "DELETE FROM sharing.links
         WHERE ctid = ANY (ARRAY(SELECT ctid FROM sharing.links WHERE tenant_id = $1 LIMIT $2))",
        tenant,
        limit
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}
