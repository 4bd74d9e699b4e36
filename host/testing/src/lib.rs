//! What tests of the host's modules run on: a throwaway Postgres, with a fresh migrated database for each test.
//!
//! Invariants: the cluster listens on loopback, is shared by the tests of one binary that run at the same time, and ends
//! with the last of them, or with the process. As root it runs as the user `postgres`. Nothing outlives the tests.

pub mod plans;
mod server;
pub mod told;
pub mod turns;

use bitvault_platform::db::{Database, DatabaseConfig, DbRole, OwnerConfig, migrate};
use server::Server;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::error::Error;
use std::sync::{Arc, Weak};
use tokio::sync::Mutex;
use turns::Turns;

/// The database that others are copied from.
const TEMPLATE: &str = "template_bitvault";

static SHARED: Mutex<Weak<Server>> = Mutex::const_new(Weak::new());

/// A database of one test, migrated, empty. Keep it as long as anything uses it.
#[derive(Debug, Clone)]
pub struct TestDatabase {
    server: Arc<Server>,
    name: String,
    turns: Option<Arc<Turns>>,
}

impl TestDatabase {
    /// A fresh database on the cluster that is running, or on a new one.
    pub async fn new() -> Result<Self, Box<dyn Error + Send + Sync>> {
        let server = shared().await?;
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        let mut admin = PgConnection::connect(&server.url("postgres")).await?;
        let sql = format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut admin).await?;
        admin.close().await?;
        Ok(Self {
            server,
            name,
            turns: None,
        })
    }

    /// A fresh one whose pools are one connection each, and whose round trips are counted.
    pub async fn counted() -> Result<Self, Box<dyn Error + Send + Sync>> {
        let database = Self::new().await?;
        let turns = Turns::before(database.server.port()).await?;
        Ok(Self {
            turns: Some(Arc::new(turns)),
            ..database
        })
    }

    /// The round trips of its pools.
    ///
    /// # Panics
    ///
    /// When they are not counted.
    #[allow(clippy::expect_used, reason = "a test's mistake")]
    pub fn turns(&self) -> &Turns {
        self.turns.as_deref().expect("round trips are counted")
    }

    /// Connection string of the administrator, who owns the tables and is bound by no policy.
    pub fn admin_url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Connection string of a role of the daemon.
    pub fn role_url(&self, role: DbRole) -> String {
        self.server.url_as(role.name(), &self.name)
    }

    /// The section `[database]` that leads here.
    pub fn config(&self) -> DatabaseConfig {
        let port = self
            .turns
            .as_ref()
            .map_or(self.server.port(), |turns| turns.port());
        let mut config = config(port, &self.name);
        if self.turns.is_some() {
            // What one has prepared another one would have to prepare again.
            config.max_connections = 1;
        }
        config
    }

    /// The pool of a role.
    pub fn pool(&self, role: DbRole) -> Result<Database, bitvault_platform::Error> {
        Database::connect_lazy(&self.config(), role)
    }
}

fn config(port: u16, database: &str) -> DatabaseConfig {
    let mut config = DatabaseConfig::at(server::url(port, "", database));
    // The cluster trusts everybody on loopback; the passwords are derived and set as always.
    config.role_secret = Some("a secret of tests, of no use elsewhere".into());
    config.owner = Some(OwnerConfig {
        user: "postgres".to_owned(),
        password: None,
        password_file: None,
    });
    config
}

async fn shared() -> Result<Arc<Server>, Box<dyn Error + Send + Sync>> {
    let mut shared = SHARED.lock().await;
    if let Some(server) = shared.upgrade() {
        return Ok(server);
    }
    let server = Arc::new(tokio::task::spawn_blocking(Server::start).await??);
    let mut admin = PgConnection::connect(&server.url("postgres")).await?;
    let sql = format!("CREATE DATABASE {TEMPLATE}");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut admin).await?;
    admin.close().await?;
    migrate(&config(server.port(), TEMPLATE)).await?;
    *shared = Arc::downgrade(&server);
    Ok(server)
}
