//! Who may act on files. Denied unless a rule here allows it.
//!
//! A caller is let in by its role in the tenant ([`Actor::of`]); what it may do with a node is its [`NodeRole`] there,
//! which [`Lineage::require`](super::lineage::Lineage::require) finds from grants.

use crate::error::Refusal;
use bitvault_platform::ids::{AccountId, NodeId, TenantId};
use bitvault_platform::{Code, Ctx, Error, Principal, Result, Role};

/// A caller that was let in: a working account of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Actor {
    pub(crate) tenant: TenantId,
    pub(crate) account: AccountId,
    /// What it is in the tenant.
    pub(crate) role: Role,
}

impl Actor {
    /// Lets in accounts, whatever their role in the tenant: it gives them no role on a node of somebody else.
    pub(crate) fn of(ctx: &Ctx) -> Result<Self> {
        let tenant = ctx.tenant()?;
        match ctx.principal() {
            Principal::Account { account, role, .. } => Ok(Self {
                tenant,
                account: *account,
                role: *role,
            }),
            Principal::System(_) => Err(Error::new(
                Code::Denied,
                "denied",
                "only an account may do this: sign in as one",
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

    /// The top of the caller's own tree. Guests have none.
    pub(crate) fn home(&self) -> Result<NodeId, Refusal> {
        match self.role {
            Role::Guest => Err(Refusal::NoHome),
            Role::Member | Role::Admin | Role::Owner => Ok(NodeId(self.account.0)),
        }
    }
}

/// What somebody may do with a node and with what lies below it. Each may do all that the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum NodeRole {
    /// See, list, read, old versions too.
    Viewer,
    /// Comment.
    Commenter,
    /// Add, change, move, trash and restore.
    Editor,
    /// Share, and delete for good.
    Owner,
}

impl NodeRole {
    /// Every role, the least first.
    pub(crate) const ALL: [Self; 4] = [Self::Viewer, Self::Commenter, Self::Editor, Self::Owner];

    /// As it stands in the database and in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Commenter => "commenter",
            Self::Editor => "editor",
            Self::Owner => "owner",
        }
    }

    /// The role of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// The root of a tenant: it has the tenant's own id. The trees of the tenant stand below it; it is shown to nobody.
pub(crate) fn root(tenant: TenantId) -> NodeId {
    NodeId(tenant.0)
}

/// A node's id on the wire; `root` is an alias of the caller's home.
pub(crate) fn node_id(text: &str, actor: Actor) -> Result<NodeId> {
    match text {
        "root" => Ok(actor.home()?),
        _ => text.parse(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitvault_platform::ids::SessionId;

    #[test]
    fn accounts_are_let_in_and_nobody_else() {
        let tenant = TenantId::new();
        let account = |role| Ctx::account(tenant, AccountId::new(), SessionId::new(), role);
        for role in [Role::Guest, Role::Member, Role::Admin, Role::Owner] {
            let actor = Actor::of(&account(role)).unwrap();
            assert_eq!(actor.home().is_ok(), role != Role::Guest, "{role}");
        }
        let refused = |ctx: &Ctx| Actor::of(ctx).unwrap_err().code();
        assert_eq!(refused(&Ctx::system("x").within(tenant)), Code::Denied);
        assert_eq!(refused(&Ctx::anonymous()), Code::Unauthenticated);
    }
}
