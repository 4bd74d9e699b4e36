use super::GuestInvitations;
use bitvault_platform::ids::{AccountId, SessionId, TenantId};
use bitvault_platform::{Code, Ctx, Error, Principal, Role};

/// Who asks something of a tenant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) tenant: TenantId,
    pub(crate) account: AccountId,
    pub(crate) session: SessionId,
    pub(crate) role: Role,
    /// It shows a personal access token.
    by_token: bool,
}

impl Caller {
    pub(crate) fn of(ctx: &Ctx) -> Result<Self, Error> {
        let account = ctx.account_id()?;
        match ctx.principal() {
            Principal::Account { session, role, .. } => Ok(Self {
                tenant: ctx.tenant()?,
                account,
                session: *session,
                role: *role,
                by_token: ctx.scopes().is_some(),
            }),
            _ => Err(Error::internal("read the caller", "an account without a session")),
        }
    }

    /// Whether it runs the tenant.
    pub(crate) fn is_admin(self) -> bool {
        self.role >= Role::Admin
    }

    /// Refuses who does not run the tenant.
    pub(crate) fn require_admin(self) -> Result<Self, Error> {
        if self.is_admin() {
            return Ok(self);
        }
        Err(Error::new(
            Code::Denied,
            "admin_only",
            "this needs the role admin or owner: ask one who has it",
        ))
    }

    /// Refuses who does not own the tenant.
    pub(crate) fn require_owner(self) -> Result<Self, Error> {
        if self.role == Role::Owner {
            return Ok(self);
        }
        Err(Error::new(
            Code::Denied,
            "owner_only",
            "this needs the role owner: ask one who has it",
        ))
    }

    /// Refuses personal access tokens: what is asked for would let a token outlive itself.
    pub(crate) fn require_session(self) -> Result<Self, Error> {
        if !self.by_token {
            return Ok(self);
        }
        Err(Error::new(
            Code::Denied,
            "session_required",
            "a personal access token can't do this: sign in with the password",
        ))
    }

    /// Whether the caller may invite people and see to its invitations: admins, and members where the tenant lets them
    /// invite guests.
    pub(crate) fn may_invite(self, settled: GuestInvitations) -> Result<(), Error> {
        if settled == GuestInvitations::Members && self.role >= Role::Member {
            return Ok(());
        }
        self.require_admin().map(|_| ())
    }

    /// Whether the caller may invite somebody to this role.
    pub(crate) fn may_invite_to(self, role: Role, settled: GuestInvitations) -> Result<(), Error> {
        if role == Role::Guest {
            return self.may_invite(settled);
        }
        self.may_decide(role)
    }

    /// Whether the caller may give or take this role: an admin every one but that of an owner.
    pub(crate) fn may_decide(self, role: Role) -> Result<(), Error> {
        self.require_admin()?;
        if role == Role::Owner {
            self.require_owner()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitvault_platform::Scopes;

    fn caller(role: Role) -> Ctx {
        Ctx::account(TenantId::new(), AccountId::new(), SessionId::new(), role)
    }

    #[test]
    fn admins_decide_about_everybody_but_owners() {
        for (role, decides) in [
            (Role::Guest, [false, false, false, false]),
            (Role::Member, [false, false, false, false]),
            (Role::Admin, [true, true, true, false]),
            (Role::Owner, [true, true, true, true]),
        ] {
            let caller = Caller::of(&caller(role)).unwrap();
            let may = [Role::Guest, Role::Member, Role::Admin, Role::Owner]
                .map(|other| caller.may_decide(other).is_ok());
            assert_eq!(may, decides, "{role}");
        }
    }

    #[test]
    fn members_invite_guests_where_the_tenant_lets_them() {
        use GuestInvitations::{Admins, Members};
        for (role, settled, guests, members) in [
            (Role::Guest, Members, false, false),
            (Role::Member, Admins, false, false),
            (Role::Member, Members, true, false),
            (Role::Admin, Admins, true, true),
        ] {
            let caller = Caller::of(&caller(role)).unwrap();
            assert_eq!(caller.may_invite(settled).is_ok(), guests, "{role}");
            for (to, may) in [
                (Role::Guest, guests),
                (Role::Member, members),
                (Role::Owner, false),
            ] {
                assert_eq!(caller.may_invite_to(to, settled).is_ok(), may, "{role} {to}");
            }
        }
    }

    #[test]
    fn a_token_is_no_session_and_nobody_is_no_caller() {
        let scopes = Scopes {
            read: true,
            write: true,
        };
        let token = Caller::of(&caller(Role::Owner).limited_to(scopes)).unwrap();
        assert_eq!(token.require_session().unwrap_err().reason(), "session_required");
        assert!(
            Caller::of(&caller(Role::Owner))
                .unwrap()
                .require_session()
                .is_ok()
        );
        assert!(Caller::of(&Ctx::anonymous()).is_err());
        assert!(Caller::of(&Ctx::system("x").within(TenantId::new())).is_err());
    }
}
