use super::{Store, broken};
use crate::TenantName;
use crate::domain::{SettingsPatch, TenantSettings};
use bitvault_platform::ids::TenantId;
use bitvault_platform::{Code, Error};
use time::OffsetDateTime;

/// A tenant and what it has settled.
#[derive(Debug, Clone)]
pub(crate) struct TenantRow {
    pub(crate) name: String,
    pub(crate) display_name: Option<String>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) settings: TenantSettings,
}

/// What marking a tenant for deletion did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marked {
    /// When everything goes; an earlier mark stays.
    pub(crate) delete_after: OffsetDateTime,
}

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

    /// The tenant, if it is there.
    pub(crate) async fn tenant(&self, id: TenantId) -> Result<Option<TenantRow>, Error> {
        let setting = id.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &setting)]).await?;
        let row = sqlx::query!(
            "SELECT name, display_name, created_at, settings FROM identity.tenants WHERE id = $1",
            id.0
        )
        .fetch_optional(&mut *tx)
        .await?;
        row.map(|row| {
            Ok(TenantRow {
                name: row.name,
                display_name: row.display_name,
                created_at: row.created_at,
                settings: settings(row.settings)?,
            })
        })
        .transpose()
    }

    /// Changes what is given.
    pub(crate) async fn update_tenant(
        &self,
        id: TenantId,
        display_name: Option<&str>,
        patch: SettingsPatch,
    ) -> Result<TenantRow, Error> {
        let unset: Vec<String> = patch.unset.iter().map(ToString::to_string).collect();
        let patch = serde_json::to_value(patch)
            .map_err(|cause| Error::internal("write a tenant's settings", cause))?;
        let setting = id.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &setting)]).await?;
        let row = sqlx::query!(
            "UPDATE identity.tenants
             SET display_name = coalesce($2, display_name), settings = (settings || $3) - $4::text[]
             WHERE id = $1 RETURNING name, display_name, created_at, settings",
            id.0,
            display_name,
            patch,
            &unset
        )
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(TenantRow {
            name: row.name,
            display_name: row.display_name,
            created_at: row.created_at,
            settings: settings(row.settings)?,
        })
    }

    /// The tenant of this name.
    pub(crate) async fn tenant_named(&self, name: &TenantName) -> Result<TenantId, Error> {
        let mut tx = self
            .database
            .with_settings(&[("app.tenant_name", name.as_str())])
            .await?;
        let id = sqlx::query_scalar!("SELECT id FROM identity.tenants WHERE name = $1", name.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        id.map(TenantId)
            .ok_or_else(|| Error::new(Code::NotFound, "tenant_not_found", "no such tenant"))
    }

    /// Keeps everybody out. A tenant that is kept out already stays as it is.
    pub(crate) async fn suspend(&self, id: TenantId, now: OffsetDateTime) -> Result<(), Error> {
        let setting = id.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &setting)]).await?;
        sqlx::query!(
            "UPDATE identity.tenants SET suspended_at = coalesce(suspended_at, $2) WHERE id = $1",
            id.0,
            now
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }

    /// Lets everybody in again and takes a mark for deletion back, unless rows have begun to go.
    pub(crate) async fn resume(&self, id: TenantId) -> Result<(), Error> {
        let setting = id.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &setting)]).await?;
        let done = sqlx::query!(
            "UPDATE identity.tenants SET suspended_at = NULL, delete_after = NULL
             WHERE id = $1 AND erasing_since IS NULL",
            id.0
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Err(Error::new(
                Code::Conflict,
                "tenant_erasing",
                "the tenant is being deleted: there is no way back",
            ));
        }
        tx.commit().await
    }

    /// Marks for deletion at `delete_after`. A tenant that is marked already keeps its time.
    pub(crate) async fn mark(&self, id: TenantId, delete_after: OffsetDateTime) -> Result<Marked, Error> {
        let setting = id.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &setting)]).await?;
        let marked = sqlx::query_as!(
            Marked,
            r#"UPDATE identity.tenants SET delete_after = coalesce(delete_after, $2)
               WHERE id = $1 RETURNING delete_after AS "delete_after!""#,
            id.0,
            delete_after
        )
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(marked)
    }
}

pub(super) fn settings(stored: serde_json::Value) -> Result<TenantSettings, Error> {
    serde_json::from_value(stored).map_err(|_| broken("a tenant's settings"))
}
