use super::{DatabaseConfig, DbRole};
use crate::{Code, Error};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// The SQL of `migrations/`, compiled in. Expand/contract: an older binary runs on a newer schema.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

/// Oldest Postgres that is served, as in `server_version_num`.
const POSTGRES_MIN: i32 = 150_000;

/// Key of the advisory lock that one migration holds from begin to end: "BitVault" in ASCII.
const LOCK: i64 = 0x4269_7456_6175_6c74;

/// Brings the schema up to date as its owner, and sets the passwords of the daemon's roles. Safe to run by several
/// processes at once: one after the other does it.
pub async fn migrate(config: &DatabaseConfig) -> Result<(), Error> {
    let mut owner = PgConnection::connect_with(&config.owner_options()?).await?;
    require_supported(&mut owner).await?;
    // It ends with the connection, also after an error.
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(LOCK)
        .execute(&mut owner)
        .await?;
    MIGRATOR.run(&mut owner).await.map_err(|cause| match cause {
        sqlx::migrate::MigrateError::VersionMissing(version) => Error::new(
            Code::Invalid,
            "schema_newer",
            format!("the database was migrated to step {version} by a newer BitVault: run that one or newer"),
        ),
        sqlx::migrate::MigrateError::Execute(cause) => cause.into(),
        cause => Error::internal("migrate the database", cause),
    })?;
    // Tables that came with this release.
    sqlx::query("SELECT app.admit_eraser()")
        .execute(&mut owner)
        .await?;
    for role in DbRole::ALL {
        // The name is one of ours and the password is hex: nothing to escape.
        let sql = format!(
            "ALTER ROLE {} LOGIN PASSWORD '{}'",
            role.name(),
            config.role_password(role)?
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut owner).await?;
    }
    owner.close().await?;
    Ok(())
}

/// Refuses a server that is too old, where nobody migrates at start.
pub async fn check_server(config: &DatabaseConfig, role: DbRole) -> Result<(), Error> {
    let mut connection = PgConnection::connect_with(&config.role_options(role)?).await?;
    require_supported(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

async fn require_supported(connection: &mut PgConnection) -> Result<(), Error> {
    let version: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::int")
        .fetch_one(connection)
        .await?;
    if version >= POSTGRES_MIN {
        return Ok(());
    }
    Err(Error::new(
        Code::Invalid,
        "postgres_too_old",
        format!(
            "this is Postgres {}; BitVault needs {} or newer: upgrade the server",
            version / 10_000,
            POSTGRES_MIN / 10_000
        ),
    ))
}
