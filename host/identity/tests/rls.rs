//! What the module's database role sees, by raw SQL: no more than the transaction's settings name.
#![allow(clippy::unwrap_used, reason = "tests")]

use bitvault_platform::db::DbRole;
use bitvault_testing::TestDatabase;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// Two tenants, an account in each, a session in each; ids and digests are made of one digit.
const ROWS: &str = "
    INSERT INTO identity.tenants SELECT id, name, now() FROM (VALUES
        ('11111111-1111-1111-1111-111111111111'::uuid, 'one'), ('22222222-2222-2222-2222-222222222222', 'two')) t(id, name);
    INSERT INTO identity.accounts SELECT t.id, t.name || '@x', sha256(t.name::bytea), t.name, '$argon2id$x', now()
        FROM identity.tenants t;
    INSERT INTO identity.memberships SELECT id, id, 'owner', now() FROM identity.tenants;
    INSERT INTO identity.sessions SELECT id, id, id, sha256(name::bytea), now(), now(), now() FROM identity.tenants;
    INSERT INTO identity.refresh_tokens SELECT sha256(name::bytea), id, id, now() FROM identity.tenants;
    INSERT INTO identity.invitations
        SELECT id, id, sha256(name::bytea), name || '@y', sha256(name::bytea), 'guest', id, now(), now() FROM identity.tenants;
    INSERT INTO identity.promises SELECT id, id, id, NULL, id, name, 'viewer', id FROM identity.tenants;
    INSERT INTO identity.tokens
        SELECT id, id, id, name, sha256(name::bytea), true, false, now(), now() FROM identity.tenants";
const ONE: &str = "11111111-1111-1111-1111-111111111111";
const TABLES: [&str; 8] = [
    "tenants",
    "accounts",
    "memberships",
    "sessions",
    "refresh_tokens",
    "invitations",
    "tokens",
    "promises",
];

async fn role() -> (TestDatabase, PgConnection) {
    let database = TestDatabase::new().await.unwrap();
    let mut admin = PgConnection::connect(&database.admin_url()).await.unwrap();
    sqlx::raw_sql(ROWS).execute(&mut admin).await.unwrap();
    let role = PgConnection::connect(&database.role_url(DbRole::Identity))
        .await
        .unwrap();
    (database, role)
}

/// How many rows of each table a transaction with these settings sees.
async fn seen(role: &mut PgConnection, settings: &[(&str, &str)]) -> [i64; 8] {
    let mut tx = role.begin().await.unwrap();
    for (name, value) in settings {
        let sql = format!("SET LOCAL {name} = '{value}'");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
    }
    let mut counts = [0; 8];
    for (count, table) in counts.iter_mut().zip(TABLES) {
        let sql = format!("SELECT count(*) FROM identity.{table}");
        *count = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut *tx)
            .await
            .unwrap();
    }
    counts
}

#[tokio::test]
async fn a_setting_shows_the_rows_that_it_names() {
    let (_database, mut role) = role().await;
    // SHA-256 of `one`.
    let digest = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
    for (settings, expected) in [
        (vec![], [0, 0, 0, 0, 0, 0, 0, 0]),
        (vec![("app.tenant", ONE)], [1, 1, 1, 1, 1, 1, 1, 1]),
        (vec![("app.account", ONE)], [1, 1, 1, 1, 0, 0, 0, 0]),
        (vec![("app.token", digest)], [1, 0, 1, 1, 1, 1, 1, 0]),
        (vec![("app.email", digest)], [0, 1, 0, 0, 0, 0, 0, 0]),
        (vec![("app.tenant_name", "two")], [1, 0, 0, 0, 0, 0, 0, 0]),
    ] {
        assert_eq!(
            seen(&mut role, &settings).await,
            expected,
            "{settings:?}: {TABLES:?}"
        );
    }
    // What an ended transaction set shows nothing to the next.
    assert_eq!(seen(&mut role, &[]).await, [0; 8]);
}

#[tokio::test]
async fn rows_of_another_tenant_can_neither_be_written_nor_changed() {
    let (_database, mut role) = role().await;
    for (sql, refused) in [
        (
            "INSERT INTO identity.memberships VALUES ('22222222-2222-2222-2222-222222222222', '11111111-1111-1111-1111-111111111111', 'owner', now())",
            true,
        ),
        (
            "INSERT INTO identity.tenants VALUES ('33333333-3333-3333-3333-333333333333', 'three', now())",
            true,
        ),
        (
            "UPDATE identity.sessions SET tenant_id = '22222222-2222-2222-2222-222222222222'",
            true,
        ),
        (
            "UPDATE identity.accounts SET password_hash = '$argon2id$mine'",
            false,
        ),
        (
            "UPDATE identity.memberships SET role = 'owner' WHERE tenant_id = '22222222-2222-2222-2222-222222222222'",
            false,
        ),
        ("UPDATE identity.memberships SET tenant_id = '22222222-2222-2222-2222-222222222222'", true),
        (
            "UPDATE identity.tenants SET suspended_at = now() WHERE id = '22222222-2222-2222-2222-222222222222'",
            false,
        ),
        (
            "DELETE FROM identity.tokens WHERE tenant_id = '22222222-2222-2222-2222-222222222222'",
            false,
        ),
        (
            "INSERT INTO identity.tokens SELECT '22222222-2222-2222-2222-222222222222', gen_random_uuid(), account_id, 'x',
                sha256('x'), true, true, now(), now() FROM identity.memberships",
            true,
        ),
        // Its own only once rows have begun to go, and no other.
        ("DELETE FROM identity.tenants", false),
        (
            "DELETE FROM identity.sessions WHERE tenant_id = '22222222-2222-2222-2222-222222222222'",
            false,
        ),
        ("ALTER TABLE identity.accounts DISABLE ROW LEVEL SECURITY", true),
    ] {
        let mut tx = role.begin().await.unwrap();
        let set = format!("SET LOCAL app.tenant = '{ONE}'");
        sqlx::raw_sql(AssertSqlSafe(set)).execute(&mut *tx).await.unwrap();
        let outcome = sqlx::raw_sql(sql).execute(&mut *tx).await;
        assert_eq!(outcome.is_err(), refused, "{sql}");
        assert_eq!(outcome.map_or(0, |done| done.rows_affected()), 0, "{sql}");
    }
}

#[tokio::test]
async fn other_roles_of_the_daemon_have_no_way_in() {
    let (database, _role) = role().await;
    for other in [DbRole::Files, DbRole::Worker] {
        let mut connection = PgConnection::connect(&database.role_url(other)).await.unwrap();
        for table in TABLES {
            let sql = format!("SELECT 1 FROM identity.{table}");
            assert!(
                sqlx::raw_sql(AssertSqlSafe(sql))
                    .execute(&mut connection)
                    .await
                    .is_err(),
                "{other:?} {table}"
            );
        }
    }
}

#[tokio::test]
async fn every_table_of_the_schema_forces_row_level_security() {
    let (database, _role) = role().await;
    let mut admin = PgConnection::connect(&database.admin_url()).await.unwrap();
    let open: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'identity'::regnamespace
         AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    assert!(open.is_empty(), "{open:?}");
}
