use super::Store;
use crate::EmailAddress;
use crate::domain::{Caller, PROMISES_MOST, Page, Promise, too_many_promises};
use crate::store::members::already_member;
use bitvault_platform::ids::{AccountId, InvitationId, NodeId, TenantId};
use bitvault_platform::token::Digest;
use bitvault_platform::{Code, Error, Role};
use sqlx::PgConnection;
use std::collections::HashMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// An invitation to be made.
#[derive(Debug)]
pub(crate) struct NewInvitation<'a> {
    pub(crate) id: InvitationId,
    pub(crate) digest: Digest,
    pub(crate) email: &'a EmailAddress,
    /// Nothing: as an open invitation of the address says, else guest.
    pub(crate) role: Option<Role>,
    pub(crate) expires_at: OffsetDateTime,
    /// What it carries.
    pub(crate) promises: Vec<Promise>,
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
    /// What it carries.
    pub(crate) grants: Vec<(NodeId, String)>,
}

impl Store {
    /// Invites an address that belongs to nobody who could sign in to the tenant already. It replaces an open
    /// invitation of the same address. Answers what was written.
    pub(crate) async fn create_invitation(
        &self,
        caller: Caller,
        new: &NewInvitation<'_>,
        now: OffsetDateTime,
    ) -> Result<InvitationRow, Error> {
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
        let row = replace(&mut tx, caller, new, now).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Open invitations in the order in which they were made: of one inviter, or all.
    pub(crate) async fn invitations(
        &self,
        tenant: TenantId,
        by: Option<AccountId>,
        page: Page,
        now: OffsetDateTime,
    ) -> Result<Vec<InvitationRow>, Error> {
        let setting = tenant.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &setting)]).await?;
        let rows = sqlx::query!(
            r#"SELECT id AS "id: InvitationId", email, role, invited_by AS "invited_by: AccountId", created_at, expires_at
               FROM identity.invitations
               WHERE tenant_id = $1 AND id > $2 AND expires_at > $3 AND ($4::uuid IS NULL OR invited_by = $4)
               ORDER BY id LIMIT $5"#,
            tenant.0,
            page.after,
            now,
            by.map(|account| account.0),
            page.rows()
        )
        .fetch_all(&mut *tx)
        .await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id.0).collect();
        let mut carried = carried(&mut tx, tenant, &ids).await?;
        let rows = rows.into_iter().map(|row| InvitationRow {
            grants: carried.remove(&row.id).unwrap_or_default(),
            id: row.id,
            email: row.email,
            role: row.role,
            invited_by: row.invited_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
        });
        Ok(rows.collect())
    }

    /// Takes an invitation back, with all that it carries: of one inviter, or anybody's. False when there is none.
    pub(crate) async fn revoke_invitation(
        &self,
        tenant: TenantId,
        id: InvitationId,
        by: Option<AccountId>,
    ) -> Result<bool, Error> {
        let setting = tenant.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &setting)]).await?;
        let done = sqlx::query!(
            "DELETE FROM identity.invitations
             WHERE tenant_id = $1 AND id = $2 AND ($3::uuid IS NULL OR invited_by = $3)",
            tenant.0,
            id.0,
            by.map(|account| account.0)
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }
}

/// Writes an invitation in the place of an older one of the same address. One that carries roles which somebody else promised
/// stays, and so does somebody else's when the caller is no admin, and the offer to own the tenant, unless the caller owns it:
/// the link is shown to who invites, and would give what others have promised to whoever that is.
pub(super) async fn replace(
    tx: &mut PgConnection,
    caller: Caller,
    new: &NewInvitation<'_>,
    now: OffsetDateTime,
) -> Result<InvitationRow, Error> {
    let (tenant, email_digest) = (caller.tenant, new.email.digest());
    sqlx::query!(
        "DELETE FROM identity.invitations WHERE tenant_id = $1 AND expires_at <= $2",
        tenant.0,
        now
    )
    .execute(&mut *tx)
    .await?;
    // Who is no admin invites guests, whatever it was when it did so before.
    let role = match new.role {
        None if caller.is_admin() => None,
        role => Some(role.unwrap_or(Role::Guest)),
    };
    // Of two at once the later one counts. Another id takes what is carried along.
    let written = sqlx::query!(
        "INSERT INTO identity.invitations AS open
            (tenant_id, id, digest, email, email_digest, role, invited_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, coalesce($6, 'guest'), $7, $8, $9)
         ON CONFLICT (tenant_id, email_digest) DO UPDATE
         SET id = excluded.id, digest = excluded.digest, role = coalesce($6, open.role), invited_by = excluded.invited_by,
             created_at = excluded.created_at, expires_at = excluded.expires_at
         WHERE (open.invited_by = excluded.invited_by
                OR $10 AND NOT EXISTS (SELECT FROM identity.promises p
                                       WHERE p.tenant_id = open.tenant_id AND p.invitation_id = open.id))
           AND ($6 IS NOT NULL OR open.role <> 'owner' OR $11)
         RETURNING email, role",
        tenant.0,
        new.id.0,
        new.digest.bytes(),
        new.email.as_str(),
        email_digest.bytes(),
        role.map(|role| role.to_string()),
        caller.account.0,
        now,
        new.expires_at,
        caller.is_admin(),
        caller.role == Role::Owner
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or_else(invitation_open)?;
    promise(&mut *tx, caller, new).await?;
    let grants = carried(&mut *tx, tenant, &[new.id.0]).await?.remove(&new.id);
    let grants = grants.unwrap_or_default();
    if grants.len() > PROMISES_MOST {
        return Err(too_many_promises());
    }
    Ok(InvitationRow {
        id: new.id,
        email: written.email,
        role: written.role,
        invited_by: caller.account,
        created_at: now,
        expires_at: new.expires_at,
        grants,
    })
}

/// Adds what an invitation carries to what it carried.
async fn promise(tx: &mut PgConnection, caller: Caller, new: &NewInvitation<'_>) -> Result<(), Error> {
    let ids: Vec<Uuid> = new.promises.iter().map(|promise| promise.id.0).collect();
    let nodes: Vec<Uuid> = new.promises.iter().map(|promise| promise.node.0).collect();
    let names: Vec<String> = new.promises.iter().map(|promise| promise.name.clone()).collect();
    let roles: Vec<String> = new
        .promises
        .iter()
        .map(|promise| promise.role.name().to_owned())
        .collect();
    sqlx::query!(
        "INSERT INTO identity.promises (tenant_id, id, invitation_id, node_id, node_name, role, promised_by)
         SELECT $1, made.id, $2, made.node, made.name, made.role, $3
         FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::text[]) AS made(id, node, name, role)
         ON CONFLICT (tenant_id, invitation_id, node_id) DO UPDATE
         SET node_name = excluded.node_name, role = excluded.role",
        caller.tenant.0,
        new.id.0,
        caller.account.0,
        &ids,
        &nodes,
        &names,
        &roles
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// What invitations carry.
async fn carried(
    tx: &mut PgConnection,
    tenant: TenantId,
    invitations: &[Uuid],
) -> Result<HashMap<InvitationId, Vec<(NodeId, String)>>, Error> {
    let rows = sqlx::query!(
        r#"SELECT p.invitation_id AS "invitation!: InvitationId", p.node_id AS "node!: NodeId", p.role AS "role!"
           FROM unnest($2::uuid[]) AS wanted(id)
           CROSS JOIN LATERAL (SELECT id, invitation_id, node_id, role FROM identity.promises
                               WHERE tenant_id = $1 AND invitation_id = wanted.id OFFSET 0) p
           ORDER BY p.id"#,
        tenant.0,
        invitations
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut carried: HashMap<InvitationId, Vec<(NodeId, String)>> = HashMap::new();
    for row in rows {
        carried
            .entry(row.invitation)
            .or_default()
            .push((row.node, row.role));
    }
    Ok(carried)
}

fn invitation_open() -> Error {
    Error::new(
        Code::Conflict,
        "invitation_open",
        "somebody else has invited this address: wait until it is accepted, or have it taken back first",
    )
}
