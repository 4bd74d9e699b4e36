use super::accounts::password_changed;
use super::{Store, broken};
use crate::cache::Holder;
use bitvault_platform::Error;
use bitvault_platform::ids::{AccountId, SessionId, TenantId};
use bitvault_platform::token::Digest;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// The stored half of a session's newest tokens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tokens {
    pub(crate) access: Digest,
    pub(crate) access_expires_at: OffsetDateTime,
    pub(crate) refresh: Digest,
    pub(crate) refresh_expires_at: OffsetDateTime,
}

/// A session to begin.
#[derive(Debug)]
pub(crate) struct NewSession<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) account: AccountId,
    /// What the password that was shown was compared with.
    pub(crate) password_hash: &'a str,
    pub(crate) tokens: Tokens,
}

/// What became of a refresh token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refreshed {
    /// The session goes on with the new tokens.
    Renewed { tenant: TenantId, account: AccountId },
    /// It had been used before: the session has been ended.
    Reused { tenant: TenantId },
    /// It is past its time.
    Expired,
    /// Nobody's, or its session has ended.
    Unknown,
    /// The tenant is suspended or on its way out; the token stays good.
    Closed,
}

impl Store {
    /// Begins a session, and clears the account's ended ones away.
    pub(crate) async fn create_session(&self, new: NewSession<'_>, now: OffsetDateTime) -> Result<(), Error> {
        let (tenant, own) = (new.tenant.0.to_string(), new.account.0.to_string());
        let mut tx = self
            .database
            .with_settings(&[("app.tenant", &tenant), ("app.account", &own)])
            .await?;
        hold_password(&mut tx, new.account, new.password_hash).await?;
        begin(&mut tx, new.tenant, new.account, new.tokens, now).await?;
        tx.commit().await
    }

    /// Who holds an access token, however old it is.
    pub(crate) async fn holder(&self, access: Digest) -> Result<Option<Holder>, Error> {
        let mut tx = self
            .database
            .with_settings(&[("app.token", &access.hex())])
            .await?;
        let row = sqlx::query!(
            r#"SELECT s.tenant_id, s.account_id, s.id, s.access_expires_at, m.role,
                      (t.suspended_at IS NOT NULL OR t.delete_after IS NOT NULL) AS "closed!"
               FROM identity.sessions s
               JOIN identity.memberships m ON m.tenant_id = s.tenant_id AND m.account_id = s.account_id
               JOIN identity.tenants t ON t.id = s.tenant_id
               WHERE s.access_digest = $1"#,
            access.bytes()
        )
        .fetch_optional(&mut *tx)
        .await?;
        row.map(|row| {
            Ok(Holder {
                tenant: TenantId(row.tenant_id),
                account: AccountId(row.account_id),
                session: SessionId(row.id),
                role: row.role.parse().map_err(|_| broken("a membership's role"))?,
                expires_at: row.access_expires_at,
                scopes: None,
                closed: row.closed,
            })
        })
        .transpose()
    }

    /// Trades a refresh token for new tokens. Of two that try with the same one, the second ends the session.
    pub(crate) async fn refresh(
        &self,
        used: Digest,
        tokens: Tokens,
        now: OffsetDateTime,
    ) -> Result<Refreshed, Error> {
        let mut tx = self.database.with_settings(&[("app.token", &used.hex())]).await?;
        let found = sqlx::query!(
            "SELECT tenant_id, session_id, expires_at FROM identity.refresh_tokens WHERE digest = $1",
            used.bytes()
        )
        .fetch_optional(&mut *tx)
        .await?;
        drop(tx);
        let Some(found) = found else {
            return Ok(Refreshed::Unknown);
        };

        let tenant = found.tenant_id.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &tenant)]).await?;
        // Before the token is used up: it has to be good again when the tenant is resumed.
        let closed = sqlx::query_scalar!(
            r#"SELECT (suspended_at IS NOT NULL OR delete_after IS NOT NULL) AS "closed!"
               FROM identity.tenants WHERE id = $1"#,
            found.tenant_id
        )
        .fetch_optional(&mut *tx)
        .await?;
        if closed != Some(false) {
            return Ok(closed.map_or(Refreshed::Unknown, |_| Refreshed::Closed));
        }
        let taken = sqlx::query!(
            "UPDATE identity.refresh_tokens SET used_at = $2 WHERE digest = $1 AND used_at IS NULL",
            used.bytes(),
            now
        )
        .execute(&mut *tx)
        .await?;
        if taken.rows_affected() == 0 {
            let ended = sqlx::query_scalar!(
                "DELETE FROM identity.sessions WHERE tenant_id = $1 AND id = $2 RETURNING access_digest",
                found.tenant_id,
                found.session_id
            )
            .fetch_optional(&mut *tx)
            .await?;
            tx.commit().await?;
            let tenant = TenantId(found.tenant_id);
            return Ok(ended.map_or(Refreshed::Unknown, |_| Refreshed::Reused { tenant }));
        }
        if found.expires_at <= now {
            return Ok(Refreshed::Expired);
        }
        let account = sqlx::query_scalar!(
            "UPDATE identity.sessions SET access_digest = $3, access_expires_at = $4, expires_at = $5
             WHERE tenant_id = $1 AND id = $2 RETURNING account_id",
            found.tenant_id,
            found.session_id,
            tokens.access.bytes(),
            tokens.access_expires_at,
            tokens.refresh_expires_at
        )
        .fetch_one(&mut *tx)
        .await?;
        sqlx::query!(
            "INSERT INTO identity.refresh_tokens (digest, tenant_id, session_id, expires_at) VALUES ($1, $2, $3, $4)",
            tokens.refresh.bytes(),
            found.tenant_id,
            found.session_id,
            tokens.refresh_expires_at
        )
        .execute(&mut *tx)
        .await?;
        // A used token is remembered for as long as it would have been good.
        sqlx::query!(
            "DELETE FROM identity.refresh_tokens WHERE tenant_id = $1 AND session_id = $2 AND expires_at < $3",
            found.tenant_id,
            found.session_id,
            now
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Refreshed::Renewed {
            tenant: TenantId(found.tenant_id),
            account: AccountId(account),
        })
    }

    /// Ends a session; answers the access token that it had.
    pub(crate) async fn delete_session(&self, tenant: TenantId, session: SessionId) -> Result<bool, Error> {
        let setting = tenant.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &setting)]).await?;
        let ended = sqlx::query_scalar!(
            "DELETE FROM identity.sessions WHERE tenant_id = $1 AND id = $2 RETURNING access_digest",
            tenant.0,
            session.0
        )
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(ended.is_some())
    }
}

/// Makes sure that the password that was shown is still the account's, and keeps it so to the end of the transaction: a
/// session that begins now is seen by who changes the password, or does not begin.
pub(super) async fn hold_password(
    tx: &mut PgConnection,
    account: AccountId,
    password_hash: &str,
) -> Result<(), Error> {
    let held = sqlx::query_scalar!(
        "SELECT id FROM identity.accounts WHERE id = $1 AND password_hash = $2 FOR SHARE",
        account.0,
        password_hash
    )
    .fetch_optional(&mut *tx)
    .await?;
    held.map(|_| ()).ok_or_else(password_changed)
}

/// Writes a session, and clears the account's ended ones away.
pub(super) async fn begin(
    tx: &mut PgConnection,
    tenant: TenantId,
    account: AccountId,
    tokens: Tokens,
    now: OffsetDateTime,
) -> Result<(), Error> {
    sqlx::query!(
        "DELETE FROM identity.sessions WHERE tenant_id = $1 AND account_id = $2 AND expires_at < $3",
        tenant.0,
        account.0,
        now
    )
    .execute(&mut *tx)
    .await?;
    let session = SessionId::new();
    sqlx::query!(
        "INSERT INTO identity.sessions
            (tenant_id, id, account_id, access_digest, access_expires_at, expires_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        tenant.0,
        session.0,
        account.0,
        tokens.access.bytes(),
        tokens.access_expires_at,
        tokens.refresh_expires_at,
        now
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "INSERT INTO identity.refresh_tokens (digest, tenant_id, session_id, expires_at) VALUES ($1, $2, $3, $4)",
        tokens.refresh.bytes(),
        tenant.0,
        session.0,
        tokens.refresh_expires_at
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}
