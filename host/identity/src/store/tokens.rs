use super::{Store, broken};
use crate::cache::Holder;
use crate::domain::Caller;
use bitvault_platform::ids::{AccountId, SessionId, TenantId, TokenId};
use bitvault_platform::token::Digest;
use bitvault_platform::{Code, Error, Scopes};
use time::OffsetDateTime;

/// Most personal access tokens of an account in a tenant.
const TOKENS_MAX: i64 = 100;

/// A personal access token, without its secret.
#[derive(Debug, Clone)]
pub(crate) struct TokenRow {
    pub(crate) id: TokenId,
    pub(crate) name: String,
    pub(crate) scopes: Scopes,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
}

impl Store {
    /// Writes a token of the caller, and clears its ended ones away. Names are unique among an account's.
    pub(crate) async fn create_token(
        &self,
        caller: Caller,
        new: &TokenRow,
        digest: Digest,
    ) -> Result<(), Error> {
        let setting = caller.tenant.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &setting)]).await?;
        sqlx::query!(
            "DELETE FROM identity.tokens WHERE tenant_id = $1 AND account_id = $2 AND expires_at <= $3",
            caller.tenant.0,
            caller.account.0,
            new.created_at
        )
        .execute(&mut *tx)
        .await?;
        let has = sqlx::query_scalar!(
            r#"SELECT count(*) AS "has!" FROM identity.tokens WHERE tenant_id = $1 AND account_id = $2"#,
            caller.tenant.0,
            caller.account.0
        )
        .fetch_one(&mut *tx)
        .await?;
        if has >= TOKENS_MAX {
            return Err(Error::new(
                Code::Exhausted,
                "too_many_tokens",
                format!("an account may have {TOKENS_MAX} tokens: remove one that nobody uses"),
            ));
        }
        let made = sqlx::query!(
            "INSERT INTO identity.tokens
                (tenant_id, id, account_id, name, digest, can_read, can_write, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant_id, account_id, name) DO NOTHING",
            caller.tenant.0,
            new.id.0,
            caller.account.0,
            new.name,
            digest.bytes(),
            new.scopes.read,
            new.scopes.write,
            new.created_at,
            new.expires_at
        )
        .execute(&mut *tx)
        .await?;
        if made.rows_affected() == 0 {
            return Err(Error::new(
                Code::Conflict,
                "token_name_taken",
                "you have a token of this name: choose another, or remove that one",
            ));
        }
        tx.commit().await
    }

    /// The caller's tokens, oldest first. There are few: no pages.
    pub(crate) async fn tokens(&self, caller: Caller, now: OffsetDateTime) -> Result<Vec<TokenRow>, Error> {
        let setting = caller.tenant.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &setting)]).await?;
        let rows = sqlx::query!(
            "SELECT id, name, can_read, can_write, created_at, expires_at FROM identity.tokens
             WHERE tenant_id = $1 AND account_id = $2 AND expires_at > $3 ORDER BY id",
            caller.tenant.0,
            caller.account.0,
            now
        )
        .fetch_all(&mut *tx)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| TokenRow {
                id: TokenId(row.id),
                name: row.name,
                scopes: Scopes {
                    read: row.can_read,
                    write: row.can_write,
                },
                created_at: row.created_at,
                expires_at: row.expires_at,
            })
            .collect())
    }

    /// Removes one of the caller's tokens; false when it has no such token.
    pub(crate) async fn delete_token(&self, caller: Caller, id: TokenId) -> Result<bool, Error> {
        let setting = caller.tenant.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &setting)]).await?;
        let done = sqlx::query!(
            "DELETE FROM identity.tokens WHERE tenant_id = $1 AND id = $2 AND account_id = $3",
            caller.tenant.0,
            id.0,
            caller.account.0
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Who holds a personal access token, however old it is. The token's id stands for the session.
    pub(crate) async fn token_holder(&self, token: Digest) -> Result<Option<Holder>, Error> {
        let mut tx = self
            .database
            .with_settings(&[("app.token", &token.hex())])
            .await?;
        let row = sqlx::query!(
            r#"SELECT p.tenant_id, p.account_id, p.id, p.expires_at, p.can_read, p.can_write, m.role,
                      (t.suspended_at IS NOT NULL OR t.delete_after IS NOT NULL) AS "closed!"
               FROM identity.tokens p
               JOIN identity.memberships m ON m.tenant_id = p.tenant_id AND m.account_id = p.account_id
               JOIN identity.tenants t ON t.id = p.tenant_id
               WHERE p.digest = $1"#,
            token.bytes()
        )
        .fetch_optional(&mut *tx)
        .await?;
        row.map(|row| {
            Ok(Holder {
                tenant: TenantId(row.tenant_id),
                account: AccountId(row.account_id),
                session: SessionId(row.id),
                role: row.role.parse().map_err(|_| broken("a membership's role"))?,
                expires_at: row.expires_at,
                scopes: Some(Scopes {
                    read: row.can_read,
                    write: row.can_write,
                }),
                closed: row.closed,
            })
        })
        .transpose()
    }
}
