//! Letting somebody in by an invitation, who holds no session yet: the token of the link shows its row.

use super::{Store, broken};
use crate::store::sessions::{self, Tokens};
use bitvault_platform::ids::{AccountId, InvitationId, TenantId};
use bitvault_platform::token::Digest;
use bitvault_platform::{Code, Error};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// What a link's token leads to.
#[derive(Debug, Clone)]
pub(crate) struct Invited {
    pub(crate) tenant: TenantId,
    pub(crate) id: InvitationId,
    pub(crate) email: String,
    pub(crate) email_digest: Digest,
    pub(crate) role: String,
    pub(crate) invited_by: AccountId,
    pub(crate) expires_at: OffsetDateTime,
    /// The tenant is suspended or on its way out.
    pub(crate) closed: bool,
}

/// How the account behind an accepted invitation comes to be.
#[derive(Debug)]
pub(crate) enum Entry<'a> {
    /// It is made.
    New {
        display_name: &'a str,
        password_hash: &'a str,
    },
    /// It waits for its password.
    Pending {
        account: AccountId,
        display_name: Option<&'a str>,
        password_hash: &'a str,
    },
    /// It has a password, which was shown; `password_hash` is what that was compared with.
    Known {
        account: AccountId,
        password_hash: &'a str,
    },
}

impl Store {
    /// The invitation of this token, however old.
    pub(crate) async fn invited(&self, token: Digest) -> Result<Option<Invited>, Error> {
        let mut tx = self
            .database
            .with_settings(&[("app.token", &token.hex())])
            .await?;
        let row = sqlx::query!(
            r#"SELECT i.tenant_id, i.id, i.email, i.email_digest, i.role, i.invited_by, i.expires_at,
                      (t.suspended_at IS NOT NULL OR t.delete_after IS NOT NULL) AS "closed!"
               FROM identity.invitations i JOIN identity.tenants t ON t.id = i.tenant_id
               WHERE i.digest = $1"#,
            token.bytes()
        )
        .fetch_optional(&mut *tx)
        .await?;
        row.map(|row| {
            Ok(Invited {
                tenant: TenantId(row.tenant_id),
                id: InvitationId(row.id),
                email: row.email,
                email_digest: Digest::from_row(&row.email_digest)
                    .ok_or_else(|| broken("an invitation's address"))?,
                role: row.role,
                invited_by: AccountId(row.invited_by),
                expires_at: row.expires_at,
                closed: row.closed,
            })
        })
        .transpose()
    }

    /// Uses the invitation up, lets the account in, makes due what was promised, and begins a session, all or nothing.
    /// Answers the account, and whether anything is due. `None` when the invitation was used or taken back meanwhile.
    pub(crate) async fn accept(
        &self,
        invited: &Invited,
        entry: Entry<'_>,
        tokens: Tokens,
        now: OffsetDateTime,
    ) -> Result<Option<(AccountId, bool)>, Error> {
        let account = match entry {
            Entry::New { .. } => AccountId::new(),
            Entry::Pending { account, .. } | Entry::Known { account, .. } => account,
        };
        let (tenant, own) = (invited.tenant.0.to_string(), account.0.to_string());
        let mut tx = self
            .database
            .with_settings(&[
                ("app.tenant", &tenant),
                ("app.account", &own),
                ("app.email", &invited.email_digest.hex()),
            ])
            .await?;
        let role = sqlx::query_scalar!(
            "SELECT role FROM identity.invitations WHERE tenant_id = $1 AND id = $2 AND expires_at > $3 FOR UPDATE",
            invited.tenant.0,
            invited.id.0,
            now
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(role) = role else { return Ok(None) };
        match entry {
            Entry::New {
                display_name,
                password_hash,
            } => make(&mut tx, account, invited, display_name, password_hash, now).await?,
            Entry::Pending {
                display_name,
                password_hash,
                ..
            } => {
                set_first_password(&mut tx, account, invited.tenant, display_name, password_hash).await?;
            }
            Entry::Known { password_hash, .. } => {
                sessions::hold_password(&mut tx, account, password_hash).await?;
            }
        }
        sqlx::query!(
            "INSERT INTO identity.memberships (tenant_id, account_id, role, created_at)
             VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, account_id) DO NOTHING",
            invited.tenant.0,
            account.0,
            role,
            now
        )
        .execute(&mut *tx)
        .await?;
        // Due before the invitation goes, and what it still carries with it.
        let due = sqlx::query!(
            "UPDATE identity.promises SET invitation_id = NULL, account_id = $3
             WHERE tenant_id = $1 AND invitation_id = $2",
            invited.tenant.0,
            invited.id.0,
            account.0
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "DELETE FROM identity.invitations WHERE tenant_id = $1 AND id = $2",
            invited.tenant.0,
            invited.id.0
        )
        .execute(&mut *tx)
        .await?;
        sessions::begin(&mut tx, invited.tenant, account, tokens, now).await?;
        tx.commit().await?;
        Ok(Some((account, due.rows_affected() > 0)))
    }
}

async fn make(
    tx: &mut PgConnection,
    account: AccountId,
    invited: &Invited,
    display_name: &str,
    password_hash: &str,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let made = sqlx::query!(
        "INSERT INTO identity.accounts (id, email, email_digest, display_name, password_hash, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (email_digest) DO NOTHING",
        account.0,
        invited.email,
        invited.email_digest.bytes(),
        display_name,
        password_hash,
        now
    )
    .execute(&mut *tx)
    .await?;
    if made.rows_affected() == 0 {
        return Err(account_changed());
    }
    Ok(())
}

/// Gives a waiting account its password. An account that another tenant counts on is not given away by this tenant's
/// link. Locked first: whoever adds a membership waits, or is seen here.
async fn set_first_password(
    tx: &mut PgConnection,
    account: AccountId,
    tenant: TenantId,
    display_name: Option<&str>,
    password_hash: &str,
) -> Result<(), Error> {
    let waits = sqlx::query_scalar!(
        "SELECT id FROM identity.accounts WHERE id = $1 AND NOT password_set FOR UPDATE",
        account.0
    )
    .fetch_optional(&mut *tx)
    .await?;
    if waits.is_none() {
        return Err(account_changed());
    }
    let elsewhere = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM identity.memberships WHERE account_id = $1 AND tenant_id <> $2) AS "elsewhere!""#,
        account.0,
        tenant.0
    )
    .fetch_one(&mut *tx)
    .await?;
    if elsewhere {
        return Err(Error::new(
            Code::Conflict,
            "account_pending",
            "another invitation of this address has to be accepted first: it sets the password",
        ));
    }
    sqlx::query!(
        "UPDATE identity.accounts
         SET password_hash = $2, password_set = true, display_name = coalesce($3, display_name) WHERE id = $1",
        account.0,
        password_hash,
        display_name
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

fn account_changed() -> Error {
    Error::new(
        Code::Conflict,
        "account_changed",
        "the account has changed at this moment: open the link again",
    )
}
