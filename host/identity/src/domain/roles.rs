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

    /// Refuses who does not run the tenant.
    pub(crate) fn require_admin(self) -> Result<Self, Error> {
        if self.role >= Role::Admin {
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
