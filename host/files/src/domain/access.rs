//! Who may act on files. Denied unless a rule here allows it.
//!
//! A caller is let in as an account ([`Actor::of`]); what it may do with a node is its [`NodeRole`] there, which
//! [`Lineage::require`](super::lineage::Lineage::require) finds from grants.
//!
//! A public link's visitor is let in by [`Actor::or_visitor`] only: by the few verbs that a link is for, each of which then
//! asks [`Lineage::require_for`](super::lineage::Lineage::require_for). Every other verb refuses it at the door.

use crate::error::Refusal;
use bitvault_platform::ids::{AccountId, GroupId, NodeId, TenantId};
use bitvault_platform::{Code, Ctx, Error, LinkAccess, Principal, Result, Role};
use std::fmt;
use uuid::Uuid;

/// Most grants on one node; more people than that belong in a group.
pub(crate) const GRANTS_PER_NODE: usize = 1000;

/// A caller that was let in: a working account of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Actor {
    pub(crate) tenant: TenantId,
    pub(crate) account: AccountId,
    /// What it is in the tenant.
    pub(crate) role: Role,
    /// The caller is a visitor of this link, which the account made.
    pub(crate) link: Option<Link>,
}

/// The reach of a public link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    /// What it is on; it reaches nothing above or beside that.
    pub(crate) node: NodeId,
    pub(crate) access: LinkAccess,
}

impl Link {
    /// Whether the link is for what needs `role` on a node within it; `top`: on the link's own node.
    pub(crate) fn covers(self, role: NodeRole, top: bool) -> bool {
        match self.access {
            LinkAccess::View | LinkAccess::Download => role == NodeRole::Viewer,
            // Files are added to that folder and to no other; nothing is seen.
            LinkAccess::Drop => role == NodeRole::Editor && top,
        }
    }
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
                link: None,
            }),
            Principal::Link { .. } => Err(Error::new(
                Code::Denied,
                "denied",
                "a link is not for this: sign in",
            )),
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

    /// Lets in visitors of a public link as well, for the verbs that a link is for.
    pub(crate) fn or_visitor(ctx: &Ctx) -> Result<Self> {
        match ctx.principal() {
            Principal::Link {
                account,
                node,
                access,
            } => Ok(Self {
                tenant: ctx.tenant()?,
                account: *account,
                // A visitor has no tree of its own.
                role: Role::Guest,
                link: Some(Link {
                    node: *node,
                    access: *access,
                }),
            }),
            _ => Self::of(ctx),
        }
    }

    /// The top of what the caller names paths from: the link's node, or its home.
    pub(crate) fn top(&self) -> Result<NodeId, Refusal> {
        match self.link {
            Some(link) => Ok(link.node),
            None => self.home(),
        }
    }

    /// Whether the caller may read content where it sees a file.
    pub(crate) fn may_read(&self) -> bool {
        !matches!(self.link, Some(Link { access, .. }) if access != LinkAccess::Download)
    }

    /// Whether what it adds gets a free name when its own is taken: who may not see a folder learns no names from it.
    pub(crate) fn is_blind(&self) -> bool {
        matches!(
            self.link,
            Some(Link {
                access: LinkAccess::Drop,
                ..
            })
        )
    }

    /// Lets in who runs the tenant.
    pub(crate) fn require_admin(&self) -> Result<(), Refusal> {
        if self.is_admin() {
            Ok(())
        } else {
            Err(Refusal::AdminOnly)
        }
    }

    /// Whether it runs the tenant.
    pub(crate) fn is_admin(&self) -> bool {
        self.role >= Role::Admin
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

/// To whom a role can be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Account(AccountId),
    Group(GroupId),
}

impl Subject {
    /// `acc_…` or `grp_…`.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        match (text.parse(), text.parse()) {
            (Ok(account), _) => Ok(Self::Account(account)),
            (_, Ok(group)) => Ok(Self::Group(group)),
            _ => Err(Refusal::SubjectInvalid),
        }
    }

    /// As it stands in the database.
    pub(crate) fn stored(kind: &str, id: Uuid) -> Result<Self> {
        match kind {
            "account" => Ok(Self::Account(AccountId(id))),
            "group" => Ok(Self::Group(GroupId(id))),
            other => Err(Error::internal("read a subject's kind", other)),
        }
    }

    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Account(_) => "account",
            Self::Group(_) => "group",
        }
    }

    pub(crate) fn uuid(self) -> Uuid {
        match self {
            Self::Account(id) => id.0,
            Self::Group(id) => id.0,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => id.fmt(f),
            Self::Group(id) => id.fmt(f),
        }
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
        let link = Ctx::link(tenant, AccountId::new(), NodeId::new(), LinkAccess::Download);
        assert_eq!(refused(&link), Code::Denied);
        let visitor = Actor::or_visitor(&link).unwrap();
        assert!(visitor.home().is_err() && visitor.top().is_ok());
    }

    #[test]
    fn a_link_covers_what_it_is_for() {
        use LinkAccess::{Download, Drop, View};
        use NodeRole::{Commenter, Editor, Owner, Viewer};
        for (access, role, top, covered) in [
            (View, Viewer, true, true),
            (View, Viewer, false, true),
            (View, Commenter, true, false),
            (Download, Viewer, false, true),
            (Download, Editor, true, false),
            (Drop, Viewer, true, false),
            (Drop, Editor, true, true),
            (Drop, Editor, false, false),
            (Drop, Owner, true, false),
        ] {
            let link = Link {
                node: NodeId::new(),
                access,
            };
            assert_eq!(link.covers(role, top), covered, "{access:?} {role:?} {top}");
        }
    }
}
