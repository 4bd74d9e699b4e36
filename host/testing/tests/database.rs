//! What the platform makes of a real server: one that several daemons migrate, that is too old, that is full.

#![allow(clippy::unwrap_used, reason = "helpers of tests; a panic is how a test fails")]

use bitvault_platform::db::{DbRole, check_server, migrate};
use bitvault_platform::{Code, Error};
use bitvault_testing::TestDatabase;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::task::LocalSet;

/// Daemons that start at once.
const DAEMONS: usize = 16;

#[tokio::test(flavor = "multi_thread")]
async fn daemons_that_start_at_once_migrate_one_after_the_other() {
    let database = TestDatabase::new().await.unwrap();
    let at_once = LocalSet::new();
    let starts: Vec<_> = (0..DAEMONS)
        .map(|_| {
            let config = database.config();
            at_once.spawn_local(async move { migrate(&config).await })
        })
        .collect();
    at_once.await;
    for start in starts {
        start.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_too_old_is_refused_without_a_migration_too() {
    let database = TestDatabase::new().await.unwrap();
    let config = database.config();
    check_server(&config, DbRole::Identity).await.unwrap();
    let mut admin = PgConnection::connect(&database.admin_url()).await.unwrap();
    // The server's own answer is hidden from the role behind one of another age.
    let name: String = sqlx::query_scalar("SELECT current_database()")
        .fetch_one(&mut admin)
        .await
        .unwrap();
    let sql = format!(
        "CREATE SCHEMA aged;
         GRANT USAGE ON SCHEMA aged TO bitvault_identity;
         CREATE FUNCTION aged.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT '140011' $$;
         ALTER ROLE bitvault_identity IN DATABASE {name} SET search_path = aged, pg_catalog"
    );
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut admin)
        .await
        .unwrap();
    let error = check_server(&config, DbRole::Identity).await.unwrap_err();
    assert_eq!(error.reason(), "postgres_too_old");
    assert!(error.message().contains("Postgres 14"), "{error}");
    assert!(error.message().contains("15 or newer"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_with_the_next_step() {
    let database = TestDatabase::new().await.unwrap();
    let mut admin = PgConnection::connect(&database.admin_url()).await.unwrap();
    let full =
        "DO $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$";
    let error = Error::from(sqlx::raw_sql(full).execute(&mut admin).await.unwrap_err());
    assert_eq!(
        (error.code(), error.reason()),
        (Code::Unavailable, "database_full")
    );
    assert!(error.message().contains("free space"), "{error}");
}
