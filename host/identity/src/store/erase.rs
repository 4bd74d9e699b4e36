//! Removing a tenant that is due: its members one by one, with accounts that belong nowhere else, then the tenant itself.

use super::Store;
use bitvault_platform::Error;
use bitvault_platform::ids::{AccountId, TenantId};
use time::OffsetDateTime;

impl Store {
    /// Tenants whose grace is over, longest first.
    pub(crate) async fn due(&self, now: OffsetDateTime) -> Result<Vec<TenantId>, Error> {
        let mut tx = self.database.worker().await?;
        let due = sqlx::query_scalar!(r#"SELECT identity.tenants_due($1) AS "id!""#, now)
            .fetch_all(&mut *tx)
            .await?;
        Ok(due.into_iter().map(TenantId).collect())
    }

    /// From here there is no way back. False when the tenant was resumed, or is gone already.
    pub(crate) async fn begin_erasing(&self, id: TenantId, now: OffsetDateTime) -> Result<bool, Error> {
        let setting = id.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &setting)]).await?;
        let done = sqlx::query!(
            "UPDATE identity.tenants SET erasing_since = coalesce(erasing_since, $2)
             WHERE id = $1 AND delete_after <= $2",
            id.0,
            now
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Some accounts that still belong to the tenant.
    pub(crate) async fn some_members(&self, id: TenantId, limit: i64) -> Result<Vec<AccountId>, Error> {
        let setting = id.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &setting)]).await?;
        let accounts = sqlx::query_scalar!(
            "SELECT account_id FROM identity.memberships WHERE tenant_id = $1 ORDER BY account_id LIMIT $2",
            id.0,
            limit
        )
        .fetch_all(&mut *tx)
        .await?;
        Ok(accounts.into_iter().map(AccountId).collect())
    }

    /// Ends a membership, and removes the account when it has no other. The account is locked first: another tenant that
    /// adds it at this moment waits, or is seen.
    pub(crate) async fn erase_member(&self, id: TenantId, account: AccountId) -> Result<(), Error> {
        let (tenant, own) = (id.0.to_string(), account.0.to_string());
        let mut tx = self
            .database
            .with_settings(&[("app.tenant", &tenant), ("app.account", &own)])
            .await?;
        sqlx::query!(
            "SELECT id FROM identity.accounts WHERE id = $1 FOR UPDATE",
            account.0
        )
        .fetch_optional(&mut *tx)
        .await?;
        sqlx::query!(
            "DELETE FROM identity.memberships WHERE tenant_id = $1 AND account_id = $2",
            id.0,
            account.0
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "DELETE FROM identity.accounts
             WHERE id = $1 AND NOT EXISTS (SELECT FROM identity.memberships WHERE account_id = $1)",
            account.0
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }

    /// Removes the tenant's own row, once nobody belongs to it; open invitations go with it.
    pub(crate) async fn erase_tenant(&self, id: TenantId) -> Result<bool, Error> {
        let setting = id.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &setting)]).await?;
        let done = sqlx::query!(
            "DELETE FROM identity.tenants
             WHERE id = $1 AND erasing_since IS NOT NULL
               AND NOT EXISTS (SELECT FROM identity.memberships WHERE tenant_id = $1)",
            id.0
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }
}
