use super::{Store, broken};
use crate::EmailAddress;
use crate::domain::{Caller, Page};
use crate::store::invitations::{self, InvitationRow, NewInvitation};
use bitvault_platform::ids::{AccountId, TenantId};
use bitvault_platform::{Code, Error, Role};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// A member as others see it.
#[derive(Debug, Clone)]
pub(crate) struct Fellow {
    pub(crate) account: AccountId,
    pub(crate) email: String,
    pub(crate) display_name: String,
    pub(crate) role: Role,
    pub(crate) joined_at: OffsetDateTime,
    /// Nobody has set a password yet.
    pub(crate) pending: bool,
}

/// A member to be added.
#[derive(Debug)]
pub(crate) struct NewMember<'a> {
    pub(crate) email: &'a EmailAddress,
    /// For a new account.
    pub(crate) display_name: &'a str,
    /// For a new account: `Some` of the password that was given, else one that nobody knows.
    pub(crate) password_hash: Option<&'a str>,
    pub(crate) nobodys_hash: &'a str,
    pub(crate) role: Role,
    /// Made when the account has no password.
    pub(crate) invitation: &'a NewInvitation<'a>,
}

impl Store {
    /// Members in the order of their accounts, or only one of them.
    pub(crate) async fn members(
        &self,
        tenant: TenantId,
        page: Page,
        only: Option<AccountId>,
    ) -> Result<Vec<Fellow>, Error> {
        let setting = tenant.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &setting)]).await?;
        let rows = sqlx::query!(
            "SELECT m.account_id, m.role, m.created_at, a.email, a.display_name, a.password_set
             FROM identity.memberships m
             CROSS JOIN LATERAL (SELECT email, display_name, password_set FROM identity.accounts
                                 WHERE id = m.account_id LIMIT 1) a
             WHERE m.tenant_id = $1 AND m.account_id > $2 AND ($3::uuid IS NULL OR m.account_id = $3)
             ORDER BY m.account_id LIMIT $4",
            tenant.0,
            page.after,
            only.map(|account| account.0),
            page.rows()
        )
        .fetch_all(&mut *tx)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Fellow {
                    account: AccountId(row.account_id),
                    email: row.email,
                    display_name: row.display_name,
                    role: role(&row.role)?,
                    joined_at: row.created_at,
                    pending: !row.password_set,
                })
            })
            .collect()
    }

    /// Adds a member: an account that exists, or a new one. Adding it again with the same role changes nothing. Answers it,
    /// with the invitation that was written for an account that has no password.
    pub(crate) async fn add_member(
        &self,
        caller: Caller,
        new: NewMember<'_>,
        now: OffsetDateTime,
    ) -> Result<(Fellow, Option<InvitationRow>), Error> {
        let fresh = AccountId::new();
        let digest = new.email.digest();
        let (tenant, own) = (caller.tenant.0.to_string(), fresh.0.to_string());
        let mut tx = self
            .database
            .with_settings(&[
                ("app.tenant", &tenant),
                ("app.account", &own),
                ("app.email", &digest.hex()),
            ])
            .await?;
        sqlx::query!(
            "INSERT INTO identity.accounts
                (id, email, email_digest, display_name, password_hash, password_set, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (email_digest) DO NOTHING",
            fresh.0,
            new.email.as_str(),
            digest.bytes(),
            new.display_name,
            new.password_hash.unwrap_or(new.nobodys_hash),
            new.password_hash.is_some(),
            now
        )
        .execute(&mut *tx)
        .await?;
        let account = sqlx::query!(
            "SELECT id, email, display_name, password_set FROM identity.accounts WHERE email_digest = $1",
            digest.bytes()
        )
        .fetch_one(&mut *tx)
        .await?;
        if new.password_hash.is_some() && account.id != fresh.0 {
            return Err(Error::new(
                Code::Conflict,
                "account_exists",
                "this address has an account already: add it without a password",
            ));
        }
        let membership = sqlx::query!(
            "WITH added AS (
                 INSERT INTO identity.memberships (tenant_id, account_id, role, created_at)
                 VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, account_id) DO NOTHING
                 RETURNING role, created_at
             )
             SELECT role AS \"role!\", created_at AS \"created_at!\" FROM added
             UNION ALL
             SELECT role, created_at FROM identity.memberships WHERE tenant_id = $1 AND account_id = $2",
            caller.tenant.0,
            account.id,
            new.role.to_string(),
            now
        )
        .fetch_optional(&mut *tx)
        .await?
        // Added by somebody else at this very moment: not to be seen yet.
        .ok_or_else(already_member)?;
        if role(&membership.role)? != new.role {
            return Err(already_member());
        }
        let invitation = if account.password_set {
            None
        } else {
            Some(invitations::replace(&mut tx, caller, new.invitation, now).await?)
        };
        tx.commit().await?;
        let fellow = Fellow {
            account: AccountId(account.id),
            email: account.email,
            display_name: account.display_name,
            role: new.role,
            joined_at: membership.created_at,
            pending: !account.password_set,
        };
        Ok((fellow, invitation))
    }

    /// Gives a member another role.
    pub(crate) async fn change_role(
        &self,
        caller: Caller,
        account: AccountId,
        to: Role,
    ) -> Result<(), Error> {
        let tenant = caller.tenant.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &tenant)]).await?;
        let from = lock_member(&mut tx, caller, account).await?;
        caller.may_decide(from)?;
        caller.may_decide(to)?;
        if from == Role::Owner && to != Role::Owner {
            keep_an_owner(&mut tx, caller.tenant, account).await?;
        }
        sqlx::query!(
            "UPDATE identity.memberships SET role = $3 WHERE tenant_id = $1 AND account_id = $2",
            caller.tenant.0,
            account.0,
            to.to_string()
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }

    /// Takes an account out of the tenant; its sessions and tokens there go with the membership.
    pub(crate) async fn remove_member(&self, caller: Caller, account: AccountId) -> Result<(), Error> {
        let tenant = caller.tenant.0.to_string();
        let mut tx = self.database.with_settings(&[("app.tenant", &tenant)]).await?;
        let role = lock_member(&mut tx, caller, account).await?;
        caller.may_decide(role)?;
        if role == Role::Owner {
            keep_an_owner(&mut tx, caller.tenant, account).await?;
        }
        sqlx::query!(
            "DELETE FROM identity.memberships WHERE tenant_id = $1 AND account_id = $2",
            caller.tenant.0,
            account.0
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }
}

/// The member's role, with the tenant locked: changes of roles come one after the other, so that two owners can't
/// unmake each other.
async fn lock_member(tx: &mut PgConnection, caller: Caller, account: AccountId) -> Result<Role, Error> {
    sqlx::query!(
        "SELECT id FROM identity.tenants WHERE id = $1 FOR NO KEY UPDATE",
        caller.tenant.0
    )
    .fetch_one(&mut *tx)
    .await?;
    let found = sqlx::query_scalar!(
        "SELECT role FROM identity.memberships WHERE tenant_id = $1 AND account_id = $2",
        caller.tenant.0,
        account.0
    )
    .fetch_optional(&mut *tx)
    .await?;
    found.ok_or_else(member_not_found).and_then(|text| role(&text))
}

/// Refuses when nobody but this account owns the tenant.
async fn keep_an_owner(tx: &mut PgConnection, tenant: TenantId, account: AccountId) -> Result<(), Error> {
    let another = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM identity.memberships
                          WHERE tenant_id = $1 AND role = 'owner' AND account_id <> $2) AS "another!""#,
        tenant.0,
        account.0
    )
    .fetch_one(&mut *tx)
    .await?;
    if another {
        return Ok(());
    }
    Err(Error::new(
        Code::Conflict,
        "last_owner",
        "this is the tenant's last owner: make somebody else an owner first",
    ))
}

fn role(text: &str) -> Result<Role, Error> {
    text.parse().map_err(|_| broken("a membership's role"))
}

pub(crate) fn member_not_found() -> Error {
    Error::new(Code::NotFound, "member_not_found", "no such member")
}

pub(crate) fn already_member() -> Error {
    Error::new(
        Code::Conflict,
        "already_member",
        "this address belongs to a member already: change its role instead",
    )
}
