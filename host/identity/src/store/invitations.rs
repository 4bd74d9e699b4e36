use super::Store;
use crate::EmailAddress;
use crate::domain::{Caller, Page};
use crate::store::members::already_member;
use bitvault_platform::ids::{AccountId, InvitationId, TenantId};
use bitvault_platform::token::Digest;
use bitvault_platform::{Error, Role};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// An invitation to be made.
#[derive(Debug)]
pub(crate) struct NewInvitation<'a> {
    pub(crate) id: InvitationId,
    pub(crate) digest: Digest,
    pub(crate) email: &'a EmailAddress,
    pub(crate) role: Role,
    pub(crate) expires_at: OffsetDateTime,
}

/// An open invitation.
#[derive(Debug, Clone)]
pub(crate) struct InvitationRow {
    pub(crate) id: InvitationId,
    pub(crate) email: String,
    pub(crate) role: String,
    pub(crate) invited_by: AccountId,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
}

impl Store {
    /// Invites an address that belongs to nobody who could sign in to the tenant already. It replaces an open
    /// invitation of the same address.
    pub(crate) async fn create_invitation(
        &self,
        caller: Caller,
        new: &NewInvitation<'_>,
        now: OffsetDateTime,
    ) -> Result<(), Error> {
        let (tenant, digest) = (caller.tenant.0.to_string(), new.email.digest());
        let mut tx = self
            .database
            .with_settings(&[("app.tenant", &tenant), ("app.email", &digest.hex())])
            .await?;
        let member = sqlx::query_scalar!(
            "SELECT a.id FROM identity.accounts a
             CROSS JOIN LATERAL (SELECT FROM identity.memberships
                                 WHERE tenant_id = $2 AND account_id = a.id LIMIT 1) m
             WHERE a.email_digest = $1 AND a.password_set",
            digest.bytes(),
            caller.tenant.0
        )
        .fetch_optional(&mut *tx)
        .await?;
        if member.is_some() {
            return Err(already_member());
        }
        replace(&mut tx, caller, new, now).await?;
        tx.commit().await
    }

    /// Open invitations in the order in which they were made.
    pub(crate) async fn invitations(
        &self,
        tenant: TenantId,
        page: Page,
        now: OffsetDateTime,
    ) -> Result<Vec<InvitationRow>, Error> {
        let setting = tenant.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &setting)]).await?;
        Ok(sqlx::query_as!(
            InvitationRow,
            r#"SELECT id AS "id: InvitationId", email, role, invited_by AS "invited_by: AccountId", created_at, expires_at
               FROM identity.invitations
               WHERE tenant_id = $1 AND id > $2 AND expires_at > $3 ORDER BY id LIMIT $4"#,
            tenant.0,
            page.after,
            now,
            page.rows()
        )
        .fetch_all(&mut *tx)
        .await?)
    }

    /// Takes an invitation back; false when there is none.
    pub(crate) async fn revoke_invitation(&self, tenant: TenantId, id: InvitationId) -> Result<bool, Error> {
        let setting = tenant.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &setting)]).await?;
        let done = sqlx::query!(
            "DELETE FROM identity.invitations WHERE tenant_id = $1 AND id = $2",
            tenant.0,
            id.0
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }
}

/// Writes an invitation in the place of an older one of the same address.
pub(super) async fn replace(
    tx: &mut PgConnection,
    caller: Caller,
    new: &NewInvitation<'_>,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let email_digest = new.email.digest();
    sqlx::query!(
        "DELETE FROM identity.invitations WHERE tenant_id = $1 AND (email_digest = $2 OR expires_at <= $3)",
        caller.tenant.0,
        email_digest.bytes(),
        now
    )
    .execute(&mut *tx)
    .await?;
    // Of two at once the later one counts.
    sqlx::query!(
        "INSERT INTO identity.invitations
            (tenant_id, id, digest, email, email_digest, role, invited_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (tenant_id, email_digest) DO UPDATE
         SET id = excluded.id, digest = excluded.digest, role = excluded.role, invited_by = excluded.invited_by,
             created_at = excluded.created_at, expires_at = excluded.expires_at",
        caller.tenant.0,
        new.id.0,
        new.digest.bytes(),
        new.email.as_str(),
        email_digest.bytes(),
        new.role.to_string(),
        caller.account.0,
        now,
        new.expires_at
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}
