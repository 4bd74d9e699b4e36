//! Who may act on files. Denied unless a rule here allows it.

use bitvault_platform::ids::{AccountId, NodeId, TenantId};
use bitvault_platform::{Code, Ctx, Error, Principal, Result, Role};

/// A caller that was let in: a working account of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Actor {
    pub(crate) tenant: TenantId,
    pub(crate) account: AccountId,
}

impl Actor {
    /// Lets in members, admins and owners of the tenant; they may act on all of its nodes. A guest sees only what was
    /// shared with it, and nothing is shared yet.
    pub(crate) fn of(ctx: &Ctx) -> Result<Self> {
        let tenant = ctx.tenant()?;
        match ctx.principal() {
            Principal::Account {
                account,
                role: Role::Member | Role::Admin | Role::Owner,
                ..
            } => Ok(Self {
                tenant,
                account: *account,
            }),
            Principal::Account {
                role: Role::Guest, ..
            }
            | Principal::System(_) => Err(Error::new(
                Code::Denied,
                "denied",
                "you may not do this: ask an administrator of the tenant for access",
            )),
            Principal::Anonymous => {
                ctx.account_id()?;
                Err(Error::internal(
                    "authorise a call",
                    "an anonymous caller has an account",
                ))
            }
        }
    }
}

/// The root of a tenant: it has the tenant's own id.
pub(crate) fn root(tenant: TenantId) -> NodeId {
    NodeId(tenant.0)
}

/// A node's id on the wire; `root` is an alias.
pub(crate) fn node_id(text: &str, tenant: TenantId) -> Result<NodeId> {
    match text {
        "root" => Ok(root(tenant)),
        _ => text.parse(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitvault_platform::ids::SessionId;

    #[test]
    fn members_admins_and_owners_are_let_in_and_nobody_else() {
        let tenant = TenantId::new();
        let account = |role| Ctx::account(tenant, AccountId::new(), SessionId::new(), role);
        for role in [Role::Member, Role::Admin, Role::Owner] {
            assert!(Actor::of(&account(role)).is_ok(), "{role}");
        }
        let refused = |ctx: &Ctx| Actor::of(ctx).unwrap_err().code();
        assert_eq!(refused(&account(Role::Guest)), Code::Denied);
        assert_eq!(refused(&Ctx::system("x").within(tenant)), Code::Denied);
        assert_eq!(refused(&Ctx::anonymous()), Code::Unauthenticated);
    }
}
