//! The only SQL of the module. Each function is one transaction; the settings it begins with are what its policies show.

mod accounts;
mod sessions;
mod tenants;

pub(crate) use accounts::{MemberRow, NewAccount};
pub(crate) use sessions::{NewSession, Refreshed, Tokens};

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
