use super::tenants::settings;
use super::{Store, broken};
use crate::EmailAddress;
use crate::domain::TenantSettings;
use bitvault_platform::ids::{AccountId, SessionId, TenantId};
use bitvault_platform::token::Digest;
use bitvault_platform::{Code, Error, Role};
use time::OffsetDateTime;

/// What signing in needs of an account.
#[derive(Debug)]
pub(crate) struct AccountRow {
    pub(crate) id: AccountId,
    pub(crate) password_hash: String,
    /// False: nobody knows the password of that hash.
    pub(crate) password_set: bool,
}

/// An account and one tenant that it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct MemberRow {
    pub(crate) tenant: TenantId,
    pub(crate) tenant_name: String,
    pub(crate) account: AccountId,
    pub(crate) email: String,
    pub(crate) display_name: String,
    pub(crate) role: Role,
    /// The tenant is suspended or on its way out.
    pub(crate) closed: bool,
    /// What the tenant has settled.
    pub(crate) settings: TenantSettings,
}

/// An account to be created, and its place in a tenant.
#[derive(Debug)]
pub(crate) struct NewAccount<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) email: &'a EmailAddress,
    pub(crate) display_name: &'a str,
    pub(crate) password_hash: &'a str,
    pub(crate) role: Role,
}

impl Store {
    /// Whether anybody has an account.
    pub(crate) async fn has_accounts(&self) -> Result<bool, Error> {
        let mut tx = self.database.worker().await?;
        let has = sqlx::query_scalar!(r#"SELECT identity.has_accounts() AS "has!""#)
            .fetch_one(&mut *tx)
            .await?;
        Ok(has)
    }

    /// The account with this address.
    pub(crate) async fn account_by_email(&self, email: Digest) -> Result<Option<AccountRow>, Error> {
        let mut tx = self
            .database
            .with_settings(&[("app.email", &email.hex())])
            .await?;
        let row = sqlx::query!(
            "SELECT id, password_hash, password_set FROM identity.accounts WHERE email_digest = $1",
            email.bytes()
        )
        .fetch_optional(&mut *tx)
        .await?;
        Ok(row.map(|row| AccountRow {
            id: AccountId(row.id),
            password_hash: row.password_hash,
            password_set: row.password_set,
        }))
    }

    /// Sets the password of an account in the place of the one that was shown, and ends all of its sessions but this one.
    pub(crate) async fn change_password(
        &self,
        account: AccountId,
        shown: &str,
        password_hash: &str,
        (tenant, session): (TenantId, SessionId),
    ) -> Result<(), Error> {
        let own = account.0.to_string();
        let mut tx = self.database.with_settings(&[("app.account", &own)]).await?;
        let changed = sqlx::query!(
            "UPDATE identity.accounts SET password_hash = $3, password_set = true
             WHERE id = $1 AND password_hash = $2",
            account.0,
            shown,
            password_hash
        )
        .execute(&mut *tx)
        .await?;
        if changed.rows_affected() == 0 {
            return Err(password_changed());
        }
        sqlx::query!(
            "DELETE FROM identity.sessions WHERE account_id = $1 AND NOT (tenant_id = $2 AND id = $3)",
            account.0,
            tenant.0,
            session.0
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }

    /// Gives an account another name; its address and the name.
    pub(crate) async fn rename_account(
        &self,
        account: AccountId,
        display_name: &str,
    ) -> Result<(String, String), Error> {
        let own = account.0.to_string();
        let mut tx = self.database.with_settings(&[("app.account", &own)]).await?;
        let row = sqlx::query!(
            "UPDATE identity.accounts SET display_name = $2 WHERE id = $1 RETURNING email, display_name",
            account.0,
            display_name
        )
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok((row.email, row.display_name))
    }

    /// Every tenant that an account belongs to, by name.
    pub(crate) async fn memberships(&self, account: AccountId) -> Result<Vec<MemberRow>, Error> {
        let own = account.0.to_string();
        let mut tx = self.database.with_settings(&[("app.account", &own)]).await?;
        let rows = sqlx::query!(
            "SELECT t.id AS tenant_id, t.name AS tenant_name, t.settings, a.email, a.display_name, m.role,
                    (t.suspended_at IS NOT NULL OR t.delete_after IS NOT NULL) AS \"closed!\"
             FROM identity.memberships m
             JOIN identity.tenants t ON t.id = m.tenant_id
             JOIN identity.accounts a ON a.id = m.account_id
             WHERE m.account_id = $1 ORDER BY t.name",
            account.0
        )
        .fetch_all(&mut *tx)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(MemberRow {
                    tenant: TenantId(row.tenant_id),
                    tenant_name: row.tenant_name,
                    account,
                    email: row.email,
                    display_name: row.display_name,
                    role: row.role.parse().map_err(|_| broken("a membership's role"))?,
                    closed: row.closed,
                    settings: settings(row.settings)?,
                })
            })
            .collect()
    }

    /// An account in one tenant, if it still belongs there.
    pub(crate) async fn member(
        &self,
        tenant: TenantId,
        account: AccountId,
    ) -> Result<Option<MemberRow>, Error> {
        let all = self.memberships(account).await?;
        Ok(all.into_iter().find(|member| member.tenant == tenant))
    }

    /// Creates the account if its address is new, and its membership if it has none in the tenant. An account that
    /// exists keeps its password, name and role.
    pub(crate) async fn create_account(
        &self,
        new: NewAccount<'_>,
        now: OffsetDateTime,
    ) -> Result<AccountId, Error> {
        let fresh = AccountId::new();
        let digest = new.email.digest();
        let (tenant, own) = (new.tenant.0.to_string(), fresh.0.to_string());
        let mut tx = self
            .database
            .with_settings(&[
                ("app.tenant", &tenant),
                ("app.account", &own),
                ("app.email", &digest.hex()),
            ])
            .await?;
        let known = sqlx::query_scalar!("SELECT id FROM identity.tenants WHERE id = $1", new.tenant.0)
            .fetch_optional(&mut *tx)
            .await?;
        if known.is_none() {
            return Err(Error::new(Code::NotFound, "tenant_not_found", "no such tenant"));
        }
        sqlx::query!(
            "INSERT INTO identity.accounts (id, email, email_digest, display_name, password_hash, created_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (email_digest) DO NOTHING",
            fresh.0,
            new.email.as_str(),
            digest.bytes(),
            new.display_name,
            new.password_hash,
            now
        )
        .execute(&mut *tx)
        .await?;
        let id = sqlx::query_scalar!(
            "SELECT id FROM identity.accounts WHERE email_digest = $1",
            digest.bytes()
        )
        .fetch_one(&mut *tx)
        .await?;
        sqlx::query!(
            "INSERT INTO identity.memberships (tenant_id, account_id, role, created_at)
             VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, account_id) DO NOTHING",
            new.tenant.0,
            id,
            new.role.to_string(),
            now
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(AccountId(id))
    }
}

/// The password that was shown is no longer the account's.
pub(super) fn password_changed() -> Error {
    Error::new(
        Code::Unauthenticated,
        "sign_in_failed",
        "mail address or password is wrong: check both and try again",
    )
}
