//! Roles on nodes that were promised to who accepted an invitation meanwhile.

use super::Store;
use bitvault_platform::Error;
use bitvault_platform::ids::{AccountId, InvitationId, NodeId, PromiseId, TenantId};

/// A promise that is due.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub(crate) id: PromiseId,
    pub(crate) node: NodeId,
    pub(crate) role: String,
    pub(crate) account: AccountId,
    pub(crate) promised_by: AccountId,
    /// Whether who promised it still belongs to the tenant.
    pub(crate) stands: bool,
}

impl Store {
    /// What an open invitation carries: names and roles.
    pub(crate) async fn promised(
        &self,
        tenant: TenantId,
        invitation: InvitationId,
    ) -> Result<Vec<(String, String)>, Error> {
        let setting = tenant.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &setting)]).await?;
        let rows = sqlx::query!(
            "SELECT node_name, role FROM identity.promises
             WHERE tenant_id = $1 AND invitation_id = $2 ORDER BY node_name, id",
            tenant.0,
            invitation.0
        )
        .fetch_all(&mut *tx)
        .await?;
        Ok(rows.into_iter().map(|row| (row.node_name, row.role)).collect())
    }

    /// Tenants in which something is due.
    pub(crate) async fn tenants_with_promises(&self) -> Result<Vec<TenantId>, Error> {
        let mut tx = self.database.worker().await?;
        let tenants = sqlx::query_scalar!(r#"SELECT identity.tenants_with_promises() AS "id!""#)
            .fetch_all(&mut *tx)
            .await?;
        Ok(tenants.into_iter().map(TenantId).collect())
    }

    /// What is due in a tenant, to one account or to all, after `after` in the order of ids, at most `limit`.
    pub(crate) async fn due_promises(
        &self,
        tenant: TenantId,
        account: Option<AccountId>,
        after: PromiseId,
        limit: i64,
    ) -> Result<Vec<Due>, Error> {
        let setting = tenant.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &setting)]).await?;
        Ok(sqlx::query_as!(
            Due,
            r#"SELECT p.id AS "id: PromiseId", p.node_id AS "node: NodeId", p.role, p.account_id AS "account!: AccountId",
                      p.promised_by AS "promised_by: AccountId",
                      EXISTS (SELECT FROM identity.memberships m
                              WHERE m.tenant_id = p.tenant_id AND m.account_id = p.promised_by) AS "stands!"
               FROM identity.promises p
               WHERE p.tenant_id = $1 AND p.account_id IS NOT NULL AND ($2::uuid IS NULL OR p.account_id = $2) AND p.id > $3
               ORDER BY p.id LIMIT $4"#,
            tenant.0,
            account.map(|account| account.0),
            after.0,
            limit
        )
        .fetch_all(&mut *tx)
        .await?)
    }

    /// Forgets a promise: it was kept, or nothing can be given any more.
    pub(crate) async fn forget_promise(&self, tenant: TenantId, id: PromiseId) -> Result<(), Error> {
        let setting = tenant.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &setting)]).await?;
        sqlx::query!(
            "DELETE FROM identity.promises WHERE tenant_id = $1 AND id = $2",
            tenant.0,
            id.0
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }
}
