use super::{DatabaseConfig, DbRole};
use crate::ids::TenantId;
use crate::{Ctx, Error};
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Postgres, Transaction};
use std::ops::{Deref, DerefMut};
use tracing::Instrument as _;

/// The pool of one role. Cheap to clone. It gives out transactions and single reads, never bare connections.
#[derive(Debug, Clone)]
pub struct Database {
    pub(super) pool: PgPool,
}

impl Database {
    /// A pool that connects when it is first used, so that a daemon starts while its database is away.
    pub fn connect_lazy(config: &DatabaseConfig, role: DbRole) -> Result<Self, Error> {
        let pool = PgPoolOptions::new()
            .max_connections(config.max_connections)
            .acquire_timeout(config.acquire_timeout)
            // A broken connection shows itself at its first use; a ping before each would cost a round trip.
            .test_before_acquire(false)
            .connect_lazy_with(config.role_options(role)?);
        Ok(Self { pool })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Closes every connection once it is free.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A transaction of a cross-tenant role, without a tenant: policies of that role say which rows it sees.
    pub async fn worker(&self) -> Result<WorkerTx, Error> {
        Ok(WorkerTx {
            tx: begin(&self.pool, "BEGIN".to_owned()).await?,
        })
    }

    /// A transaction with settings that policies read, beside the tenant: `(name, value)`, such as
    /// `("app.token", hash)`. Values are restricted to what needs no quoting: ASCII letters, digits, `-` and `_`.
    pub async fn with_settings(&self, settings: &[(&str, &str)]) -> Result<WorkerTx, Error> {
        let mut sql = String::from("BEGIN");
        for (name, value) in settings {
            let plain = |text: &str| {
                text.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            };
            if !plain(name) || !plain(value) {
                return Err(Error::internal(
                    "begin a transaction",
                    format!("setting {name} holds special characters"),
                ));
            }
            sql.push_str("; SET LOCAL ");
            sql.push_str(name);
            sql.push_str(" = '");
            sql.push_str(value);
            sql.push('\'');
        }
        Ok(WorkerTx {
            tx: begin(&self.pool, sql).await?,
        })
    }
}

/// Begins with one round trip. A connection that turns out dead is replaced once: the pool hands out connections
/// without testing them.
///
/// Runs as a task of its own, because a caller may go away meanwhile: sqlx rolls back only what it knows to have begun,
/// so a `BEGIN` given up on its way would leave the next user of the connection a transaction with our settings in it.
/// The task brings it to its end, and then drops it properly.
async fn begin(pool: &PgPool, sql: String) -> Result<Transaction<'static, Postgres>, Error> {
    let pool = pool.clone();
    tokio::spawn(async move { begin_here(&pool, sql).await }.in_current_span())
        .await
        .map_err(|error| Error::internal("begin a transaction", error))?
}

async fn begin_here(pool: &PgPool, sql: String) -> Result<Transaction<'static, Postgres>, Error> {
    match pool.begin_with(AssertSqlSafe(sql.clone())).await {
        Ok(tx) => Ok(tx),
        Err(error) if is_dead(&error) => Ok(pool.begin_with(AssertSqlSafe(sql)).await?),
        Err(error) => Err(error.into()),
    }
}

/// Whether the connection was found dead.
pub(super) fn is_dead(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_) | sqlx::Error::Protocol(_))
}

/// A transaction within one tenant: row-level security shows that tenant's rows and accepts only them. Dropped without
/// [`TenantTx::commit`], it is rolled back.
#[derive(Debug)]
#[must_use = "a transaction that is dropped is rolled back"]
pub struct TenantTx {
    tx: Transaction<'static, Postgres>,
    tenant: TenantId,
}

impl TenantTx {
    /// Begins, for the tenant of `ctx`. The setting ends with the transaction, so a pooled connection carries nothing
    /// on to the next tenant.
    pub async fn begin(database: &Database, ctx: &Ctx) -> Result<Self, Error> {
        let tenant = ctx.tenant()?;
        let sql = format!("BEGIN; SET LOCAL app.tenant = '{}'", tenant.0);
        Ok(Self {
            tx: begin(&database.pool, sql).await?,
            tenant,
        })
    }

    /// Begins, for reading only: every statement sees the tenant as it is when the first one runs.
    pub async fn begin_snapshot(database: &Database, ctx: &Ctx) -> Result<Self, Error> {
        let tenant = ctx.tenant()?;
        let sql = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL app.tenant = '{}'",
            tenant.0
        );
        Ok(Self {
            tx: begin(&database.pool, sql).await?,
            tenant,
        })
    }

    /// The tenant it is bound to, for the keys of rows.
    pub fn tenant(&self) -> TenantId {
        #[cfg(feature = "failpoints")]
        if let Some(other) = super::filters::filtered() {
            return other;
        }
        self.tenant
    }

    /// Makes it durable.
    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.tx.commit().await?)
    }
}

impl Deref for TenantTx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.tx
    }
}

impl DerefMut for TenantTx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
}

/// A transaction without a tenant, of a role whose policies are narrow by themselves.
#[derive(Debug)]
#[must_use = "a transaction that is dropped is rolled back"]
pub struct WorkerTx {
    tx: Transaction<'static, Postgres>,
}

impl WorkerTx {
    /// Makes it durable.
    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.tx.commit().await?)
    }
}

impl Deref for WorkerTx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.tx
    }
}

impl DerefMut for WorkerTx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
}
