//! Who calls: one value that travels with every call between modules.
//!
//! The gateway makes it from a verified token, [`crate::rpc`] carries it as signed metadata, services read it with
//! [`Ctx::of`]. A process without the signing key can't make one, so a worker can't name itself another tenant.

use crate::ids::{AccountId, NodeId, SessionId, TenantId};
use crate::{Code, Error};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// The tenant that a call is about and who makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ctx {
    tenant: Option<TenantId>,
    principal: Principal,
    /// What the caller's token is limited to; a session is not limited.
    scopes: Option<Scopes>,
}

/// What a personal access token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scopes {
    /// Calls that change nothing.
    pub read: bool,
    /// Every other call.
    pub write: bool,
}

/// Who makes a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// Nobody has signed in: only what opens a session may be called.
    Anonymous,
    /// A signed-in account.
    Account {
        /// The account.
        account: AccountId,
        /// The session that its token belongs to.
        session: SessionId,
        /// Its role in the tenant.
        role: Role,
    },
    /// A visitor of a public link, whoever that is: it acts for the account that made the link, on one node and below.
    Link {
        /// The account that made the link.
        account: AccountId,
        /// What the link is on.
        node: NodeId,
        /// What the link is for.
        access: LinkAccess,
    },
    /// A part of the daemon itself, by name: `gateway`, `collector`, `bootstrap`.
    System(String),
}

/// What a public link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkAccess {
    /// Look at and list.
    View,
    /// Read as well.
    Download,
    /// Add files to the folder, and see nothing of it.
    Drop,
}

/// An account's role in a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees what was shared with it.
    Guest,
    /// Works with files.
    Member,
    /// Runs the tenant.
    Admin,
    /// Owns the tenant.
    Owner,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Guest => "guest",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        })
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "guest" => Ok(Self::Guest),
            "member" => Ok(Self::Member),
            "admin" => Ok(Self::Admin),
            "owner" => Ok(Self::Owner),
            _ => Err(Error::invalid_field(
                "role_invalid",
                "role",
                "use owner, admin, member or guest",
            )),
        }
    }
}

impl Ctx {
    /// Nobody: for the calls that open a session.
    pub fn anonymous() -> Self {
        Self {
            tenant: None,
            principal: Principal::Anonymous,
            scopes: None,
        }
    }

    /// A signed-in account in its tenant.
    pub fn account(tenant: TenantId, account: AccountId, session: SessionId, role: Role) -> Self {
        Self {
            tenant: Some(tenant),
            principal: Principal::Account {
                account,
                session,
                role,
            },
            scopes: None,
        }
    }

    /// A visitor of a public link that `account` made.
    pub fn link(tenant: TenantId, account: AccountId, node: NodeId, access: LinkAccess) -> Self {
        Self {
            tenant: Some(tenant),
            principal: Principal::Link {
                account,
                node,
                access,
            },
            scopes: None,
        }
    }

    /// The same caller, limited to what its personal access token is for.
    #[must_use]
    pub fn limited_to(mut self, scopes: Scopes) -> Self {
        self.scopes = Some(scopes);
        self
    }

    /// A part of the daemon, across tenants.
    pub fn system(component: &str) -> Self {
        Self {
            tenant: None,
            principal: Principal::System(component.to_owned()),
            scopes: None,
        }
    }

    /// The same caller, acting within one tenant. Only the system may choose its tenant.
    #[must_use]
    pub fn within(mut self, tenant: TenantId) -> Self {
        if matches!(self.principal, Principal::System(_)) {
            self.tenant = Some(tenant);
        }
        self
    }

    /// Who calls.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What the caller's token is limited to; `None` for a session and for the daemon.
    pub fn scopes(&self) -> Option<Scopes> {
        self.scopes
    }

    /// The tenant, or `unauthenticated`.
    pub fn tenant(&self) -> Result<TenantId, Error> {
        self.tenant.ok_or_else(unauthenticated)
    }

    /// The signed-in account, or `unauthenticated`.
    pub fn account_id(&self) -> Result<AccountId, Error> {
        match self.principal {
            Principal::Account { account, .. } => Ok(account),
            _ => Err(unauthenticated()),
        }
    }

    /// Refuses everybody but parts of the daemon: for internal calls.
    pub fn require_system(&self) -> Result<(), Error> {
        match self.principal {
            Principal::System(_) => Ok(()),
            _ => Err(Error::new(
                Code::Denied,
                "internal_call",
                "this call is made by the daemon only",
            )),
        }
    }

    /// The caller of a request that a module serves; `unauthenticated` when the transport attached none.
    pub fn of<T>(request: &tonic::Request<T>) -> Result<Self, Error> {
        request
            .extensions()
            .get::<Self>()
            .cloned()
            .ok_or_else(unauthenticated)
    }

    /// A request to another module in this caller's name.
    pub fn request<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        request.extensions_mut().insert(self.clone());
        request
    }
}

fn unauthenticated() -> Error {
    Error::new(
        Code::Unauthenticated,
        "token_missing",
        "sign in first: send `Authorization: Bearer …`",
    )
}

/// The wire form of a [`Ctx`]: what is signed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claims {
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    tenant: Option<Uuid>,
    #[serde(rename = "p")]
    principal: WirePrincipal,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    scopes: Option<Scopes>,
    /// Unix seconds after which the assertion is void.
    #[serde(rename = "x")]
    pub(crate) expires: i64,
}

#[derive(Serialize, Deserialize)]
enum WirePrincipal {
    #[serde(rename = "n")]
    Anonymous,
    #[serde(rename = "a")]
    Account(Uuid, Uuid, Role),
    #[serde(rename = "l")]
    Link(Uuid, Uuid, LinkAccess),
    #[serde(rename = "s")]
    System(String),
}

impl Claims {
    pub(crate) fn new(ctx: &Ctx, expires: i64) -> Self {
        let principal = match &ctx.principal {
            Principal::Anonymous => WirePrincipal::Anonymous,
            Principal::Account {
                account,
                session,
                role,
            } => WirePrincipal::Account(account.0, session.0, *role),
            Principal::Link {
                account,
                node,
                access,
            } => WirePrincipal::Link(account.0, node.0, *access),
            Principal::System(component) => WirePrincipal::System(component.clone()),
        };
        Self {
            tenant: ctx.tenant.map(|tenant| tenant.0),
            principal,
            scopes: ctx.scopes,
            expires,
        }
    }

    pub(crate) fn into_ctx(self) -> Ctx {
        let principal = match self.principal {
            WirePrincipal::Anonymous => Principal::Anonymous,
            WirePrincipal::Account(account, session, role) => Principal::Account {
                account: AccountId(account),
                session: SessionId(session),
                role,
            },
            WirePrincipal::Link(account, node, access) => Principal::Link {
                account: AccountId(account),
                node: NodeId(node),
                access,
            },
            WirePrincipal::System(component) => Principal::System(component),
        };
        Ctx {
            tenant: self.tenant.map(TenantId),
            principal,
            scopes: self.scopes,
        }
    }
}
