//! Tenants, accounts, memberships, passwords and sessions: who may sign in, and who a token stands for.
//!
//! Owns the schema `identity`. Serves the public `SessionService` and, for the gateway and the daemon's administration,
//! the internal `IdentityService`. Calls no other module.
//!
//! Invariants: a password exists only as an argon2id hash, a token only as its SHA-256; hashing runs on blocking
//! threads, at most so many at once, behind a bounded queue; an unknown account costs and answers the same as a wrong
//! password; the second use of a refresh token ends its session.

mod cache;
mod config;
mod domain;
mod hashing;
mod service;
mod store;
mod throttle;

pub use config::{Argon2Config, Config, ThrottleConfig};
pub use domain::{EmailAddress, Password, TenantName};

use bitvault_platform::db::Database;
use bitvault_platform::{Clock, Error};
use bitvault_proto::internal::v1::identity_service_server::IdentityServiceServer;
use bitvault_proto::v1::session_service_server::SessionServiceServer;
use std::sync::Arc;
use tonic::service::Routes;

/// Metadata key under which the gateway names the address that a request came from; failures are throttled by it.
pub const PEER_HEADER: &str = "bitvault-peer";

/// The running module. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Identity(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    config: Config,
    store: store::Store,
    clock: Clock,
    hasher: hashing::Hasher,
    throttle: throttle::Throttle,
    cache: cache::Principals,
}

impl Identity {
    /// Checks the configuration and makes the module; nothing connects yet. Takes as long as hashing one password.
    pub fn new(config: Config, database: Database, clock: Clock) -> Result<Self, Error> {
        config.check()?;
        Ok(Self(Arc::new(Parts {
            hasher: hashing::Hasher::new(&config)?,
            throttle: throttle::Throttle::new(&config.throttle, clock.clone()),
            cache: cache::Principals::new(),
            store: store::Store::new(database),
            clock,
            config,
        })))
    }

    /// Whether anybody can sign in yet; while nobody can, a first start makes an account.
    pub async fn has_accounts(&self) -> Result<bool, Error> {
        self.0.store.has_accounts().await
    }

    /// Both services as one server, to be put behind [`bitvault_platform::rpc::guard`].
    pub fn routes(&self) -> Routes {
        Routes::new(SessionServiceServer::new(self.clone()))
            .add_service(IdentityServiceServer::new(self.clone()))
            .prepare()
    }
}
