//! Tenants, accounts, memberships, invitations, passwords, sessions and personal access tokens: who may sign in, and who a
//! token stands for.
//!
//! Owns the schema `identity`. Serves the public `SessionService` and `TenantService` and, for the gateway and the daemon's
//! administration, the internal `IdentityService`. Calls other modules to have them remove what they hold of a tenant that
//! is deleted, and files about the nodes that an invitation shares.
//!
//! Invariants: a password exists only as an argon2id hash, a token only as its SHA-256; hashing runs on blocking
//! threads, at most so many at once, behind a bounded queue; an unknown account costs and answers the same as a wrong
//! password; the second use of a refresh token ends its session; a tenant always has an owner; an invitation is good
//! once, and never gives away an account that has a password or belongs to another tenant; what it carries is given at most
//! once, and as long as who promised it owns it.

mod cache;
mod config;
mod domain;
mod files;
mod jobs;
mod mail;
mod promises;
mod service;
mod store;

pub use bitvault_platform::password::{Argon2Config, Password};
pub use config::{Config, DeletionConfig, MailConfig, ThrottleConfig};
pub use domain::{EmailAddress, TenantName};
pub use jobs::Holders;

use bitvault_platform::db::Database;
use bitvault_platform::hints::Hints;
use bitvault_platform::password::{Hasher, HasherConfig};
use bitvault_platform::rpc::Transport;
use bitvault_platform::throttle::{Limit, Throttle};
use bitvault_platform::{Clock, Error};
use bitvault_proto::internal::v1::identity_service_server::IdentityServiceServer;
use bitvault_proto::v1::session_service_server::SessionServiceServer;
use bitvault_proto::v1::tenant_service_server::TenantServiceServer;
use std::sync::{Arc, OnceLock};
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
    hasher: Hasher,
    /// By address, then by account.
    throttle: Throttle<2>,
    cache: cache::Principals,
    mailer: Option<mail::Mailer>,
    /// Where people reach the web app, without a slash at the end.
    public_url: String,
    /// The module files; set once, after both are made.
    files: OnceLock<files::Files>,
}

impl Identity {
    /// Checks the configuration and makes the module; nothing connects yet. Takes as long as hashing one password.
    /// `public_url` is where people reach the web app: links in invitations lead there.
    pub fn new(config: Config, database: Database, clock: Clock, public_url: &str) -> Result<Self, Error> {
        config.check()?;
        let slow = &config.throttle;
        let limits = [
            Limit {
                burst: slow.address_burst,
                interval: slow.address_interval,
            },
            Limit {
                burst: slow.account_burst,
                interval: slow.account_interval,
            },
        ];
        let hashing = HasherConfig {
            argon2: config.argon2.clone(),
            concurrent: config.max_concurrent_hashes,
            waiting: config.max_waiting_hashes,
        };
        Ok(Self(Arc::new(Parts {
            hasher: Hasher::new(&hashing)?,
            throttle: Throttle::new(limits, clock.clone()),
            mailer: config.mail.as_ref().map(mail::Mailer::new).transpose()?,
            public_url: public_url.trim_end_matches('/').to_owned(),
            cache: cache::Principals::new(),
            files: OnceLock::new(),
            store: store::Store::new(database),
            clock,
            config,
        })))
    }

    /// Tells other processes whose access changed here, and hears of what changed there.
    pub fn share(&self, hints: &Hints) {
        self.0.cache.share(hints);
    }

    /// Says where the module files is. Files asks this module as well, so that one of them has to be told later; invitations
    /// that share nodes need it.
    pub fn reach_files(&self, transport: &Transport) {
        // Once is enough.
        let _ = self.0.files.set(files::Files::new(transport));
    }

    fn files(&self) -> Result<&files::Files, Error> {
        let files = self.0.files.get();
        files.ok_or_else(|| Error::internal("ask the module files", "nobody said where it is"))
    }

    /// Whether anybody can sign in yet; while nobody can, a first start makes an account.
    pub async fn has_accounts(&self) -> Result<bool, Error> {
        self.0.store.has_accounts().await
    }

    /// All services as one server, to be put behind [`bitvault_platform::rpc::guard`].
    pub fn routes(&self) -> Routes {
        Routes::new(SessionServiceServer::new(self.clone()))
            .add_service(TenantServiceServer::new(self.clone()))
            .add_service(IdentityServiceServer::new(self.clone()))
            .prepare()
    }
}
