use super::Store;
use crate::TenantName;
use bitvault_platform::Error;
use bitvault_platform::ids::TenantId;
use time::OffsetDateTime;

impl Store {
    /// The tenant of this name, made if there is none.
    pub(crate) async fn create_tenant(
        &self,
        name: &TenantName,
        now: OffsetDateTime,
    ) -> Result<TenantId, Error> {
        let fresh = TenantId::new();
        let tenant = fresh.0.to_string();
        let mut tx = self
            .database
            .with_settings(&[("app.tenant", &tenant), ("app.tenant_name", name.as_str())])
            .await?;
        sqlx::query!(
            "INSERT INTO identity.tenants (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING",
            fresh.0,
            name.as_str(),
            now
        )
        .execute(&mut *tx)
        .await?;
        let id = sqlx::query_scalar!("SELECT id FROM identity.tenants WHERE name = $1", name.as_str())
            .fetch_one(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(TenantId(id))
    }
}
