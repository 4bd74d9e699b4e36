use super::Database;
use super::tx::is_dead;
use crate::ids::TenantId;
use crate::{Ctx, Error};
use sqlx::postgres::{PgPool, PgRow};
use sqlx::query::Map;
use sqlx::{IntoArguments, Postgres};
use uuid::Uuid;

/// Reads within one tenant, each a single statement that is a transaction of its own: one round trip, where a
/// [`TenantTx`](super::TenantTx) takes one more to begin and one to end.
///
/// The statement itself names the tenant to row-level security, for its own transaction only: it calls a function of the schema with
/// `app.within($1, $2)` for the tenant (migration 0123). One that does not sees nothing. Statements see the database as it is
/// when each begins, as they do in a [`TenantTx`](super::TenantTx); what has to be seen as of one moment belongs into one statement.
#[derive(Debug, Clone)]
pub struct TenantRead {
    pool: PgPool,
    tenant: TenantId,
}

impl TenantRead {
    /// Reads of the tenant of `ctx`.
    pub fn new(database: &Database, ctx: &Ctx) -> Result<Self, Error> {
        Ok(Self {
            pool: database.pool.clone(),
            tenant: ctx.tenant()?,
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

    /// All rows of a statement, which is made of the arguments of `app.within`, in their order: the tenant that row-level security is to show,
    /// and the one that filters name. It only reads: it runs again when its connection turns out dead.
    pub async fn fetch_all<'q, O, F, A>(
        &self,
        statement: impl Fn(Uuid, Uuid) -> Map<'q, Postgres, F, A>,
    ) -> Result<Vec<O>, Error>
    where
        O: Send + Unpin,
        F: FnMut(PgRow) -> Result<O, sqlx::Error> + Send,
        A: Send + IntoArguments<Postgres> + 'q,
    {
        let make = || statement(self.tenant.0, self.tenant().0);
        match make().fetch_all(&self.pool).await {
            Err(error) if is_dead(&error) => Ok(make().fetch_all(&self.pool).await?),
            rows => Ok(rows?),
        }
    }
}
