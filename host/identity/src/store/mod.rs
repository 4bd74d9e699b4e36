//! The only SQL of the module. Each function is one transaction; the settings it begins with are what its policies show.

mod acceptance;
mod accounts;
mod erase;
mod invitations;
mod members;
mod promises;
mod sessions;
mod tenants;
mod tokens;

pub(crate) use acceptance::{Entry, Invited};
pub(crate) use accounts::{MemberRow, NewAccount};
pub(crate) use invitations::{InvitationRow, NewInvitation};
pub(crate) use members::{Fellow, NewMember, member_not_found};
pub(crate) use promises::Due;
pub(crate) use sessions::{NewSession, Refreshed, Tokens};
pub(crate) use tenants::{Marked, TenantRow};
pub(crate) use tokens::TokenRow;

use bitvault_platform::Error;
use bitvault_platform::db::Database;

/// The module's tables.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    database: Database,
}

impl Store {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }
}

/// A row that the schema's own constraints rule out.
fn broken(what: &str) -> Error {
    Error::internal("read a row", format!("{what} breaks a constraint of its table"))
}
