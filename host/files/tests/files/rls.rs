//! Row-level security, from the catalogue and by raw SQL as each role that the daemon logs in as.

use crate::support::{World, config};
use bitvault_platform::db::{Database, DbRole, TenantRead};
use bitvault_platform::ids::TenantId;
use bitvault_testing::TestDatabase;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use std::time::Duration;
use uuid::Uuid;

/// Tables of the modules without a tenant_id, each with its reason. They too have FORCE and policies.
const ABOVE_TENANTS: [(&str, &str); 3] = [
    ("identity.tenants", "it is the list of tenants"),
    (
        "identity.accounts",
        "a person has one account and belongs to any number of tenants",
    ),
    ("files.high_water", "it is of the whole database"),
];

async fn connect(database: &TestDatabase, role: DbRole) -> PgConnection {
    PgConnection::connect(&database.role_url(role)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_the_modules_has_forced_policies_and_a_tenant() {
    let database = TestDatabase::new().await.unwrap();
    let mut admin = PgConnection::connect(&database.admin_url()).await.unwrap();
    let sql = "SELECT n.nspname || '.' || c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS forced,
                      EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid) AS policies,
                      EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
                              AND a.attnotnull) AS tenant
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
                 AND NOT (n.nspname = 'public' AND c.relname = '_sqlx_migrations')";
    let rows = sqlx::query(sql).fetch_all(&mut admin).await.unwrap();
    assert!(rows.len() >= 10);
    for row in rows {
        let name: String = row.get("name");
        let excused = ABOVE_TENANTS.iter().any(|(table, _)| *table == name);
        assert!(row.get::<bool, _>("tenant") || excused, "{name} has no tenant_id");
        assert!(
            row.get::<bool, _>("forced"),
            "{name} has no forced row-level security"
        );
        assert!(row.get::<bool, _>("policies"), "{name} has no policy");
    }
}

/// Keys of tenant tables that are of all tenants, each with its reason.
const ACROSS_TENANTS: [(&str, &str); 5] = [
    ("identity.sessions_access_digest_key", TOKEN),
    ("identity.refresh_tokens_pkey", TOKEN),
    ("identity.invitations_digest_key", TOKEN),
    ("identity.tokens_digest_key", TOKEN),
    (
        "identity.memberships.memberships_account_id_fkey",
        "accounts are above tenants",
    ),
];
const TOKEN: &str =
    "the digest of a random token, by which the tenant is found: nobody can guess one that is taken";

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_foreign_keys_of_tenant_tables_begin_with_the_tenant() {
    let database = TestDatabase::new().await.unwrap();
    let mut admin = PgConnection::connect(&database.admin_url()).await.unwrap();
    let sql = "SELECT i.indexrelid::regclass::text AS name
               FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
               WHERE i.indisunique AND i.indkey[0] <> a.attnum
               UNION ALL
               SELECT conrelid::regclass || '.' || conname
               FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attname = 'tenant_id'
               WHERE k.contype = 'f' AND NOT a.attnum = ANY (k.conkey)";
    let mut found: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut admin).await.unwrap();
    let mut excused = ACROSS_TENANTS.map(|(name, _)| name);
    found.sort_unstable();
    excused.sort_unstable();
    assert_eq!(found, excused);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemons_roles_own_nothing_and_bypass_nothing() {
    let database = TestDatabase::new().await.unwrap();
    let mut admin = PgConnection::connect(&database.admin_url()).await.unwrap();
    // The worker takes on the role of the eraser to remove a tenant, and no other role is anybody's to take on.
    for role in DbRole::ALL
        .map(DbRole::name)
        .into_iter()
        .chain(["bitvault_eraser"])
    {
        let sql = "SELECT count(*) FROM pg_roles r WHERE rolname = $1 AND NOT rolsuper AND NOT rolbypassrls
                   AND NOT rolcreaterole AND NOT rolcreatedb
                   AND NOT EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid)
                   AND NOT EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid
                                   AND NOT (r.rolname = 'bitvault_worker' AND m.roleid = 'bitvault_eraser'::regrole))";
        let fine: i64 = sqlx::query_scalar(sql)
            .bind(role)
            .fetch_one(&mut admin)
            .await
            .unwrap();
        assert_eq!(fine, 1, "{role}");
    }
}

/// What each role sees of a table, where it may look at all: with no tenant, and with another tenant.
#[tokio::test(flavor = "multi_thread")]
async fn raw_sql_without_the_tenant_shows_nothing() {
    let world = World::new().await;
    world.put("root", "secret.txt", b"secret").await.unwrap();
    let mut admin = PgConnection::connect(&world.database.admin_url()).await.unwrap();
    let sql = "SELECT a.attrelid::regclass::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
               WHERE c.relnamespace = 'files'::regnamespace AND c.relkind IN ('r', 'p') AND a.attname = 'tenant_id'";
    let tables: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut admin).await.unwrap();
    assert!(tables.len() >= 20, "{tables:?}");
    for role in DbRole::ALL.into_iter().filter(|role| *role != DbRole::Worker) {
        for settings in [
            "",
            "SET app.tenant = ''",
            "SET app.tenant = '00000000-0000-7000-8000-000000000001'",
        ] {
            let mut connection = connect(&world.database, role).await;
            sqlx::raw_sql(settings).execute(&mut connection).await.unwrap();
            for table in &tables {
                let sql = format!("SELECT count(*) FROM {table}");
                match sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql))
                    .fetch_one(&mut connection)
                    .await
                {
                    Ok(rows) => assert_eq!(rows, 0, "{} sees {table} with {settings:?}", role.name()),
                    Err(error) => assert_eq!(code(&error), "42501", "{table}: {error}"),
                }
            }
        }
    }
    // The role that works across tenants sees objects, and no name of anything.
    let mut worker = connect(&world.database, DbRole::Worker).await;
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM files.objects")
        .fetch_one(&mut worker)
        .await
        .unwrap();
    assert_eq!(count, 1);
    for sql in [
        "SELECT name FROM files.nodes",
        "SELECT name FROM files.uploads",
        "SELECT * FROM files.journal",
        "SELECT answer FROM files.idempotency",
        "UPDATE files.nodes SET name = 'x'",
        "DELETE FROM files.versions",
        "INSERT INTO files.outbox SELECT * FROM files.outbox",
    ] {
        let error = sqlx::raw_sql(sql).execute(&mut worker).await.unwrap_err();
        assert_eq!(code(&error), "42501", "{sql}: {error}");
    }
    // A committed object is out of its reach.
    for sql in [
        "UPDATE files.objects SET state = 'deleting'",
        "DELETE FROM files.objects",
    ] {
        let done = sqlx::raw_sql(sql).execute(&mut worker).await.unwrap();
        assert_eq!(done.rows_affected(), 0, "{sql}");
    }
}

fn code(error: &sqlx::Error) -> String {
    error
        .as_database_error()
        .and_then(|error| error.code())
        .unwrap_or_default()
        .into_owned()
}

/// As the module's role, in one tenant, against another tenant's rows.
#[tokio::test(flavor = "multi_thread")]
async fn foreign_keys_and_unique_keys_tell_nothing_about_another_tenant() {
    let world = World::new().await;
    let node = world.put("root", "secret.txt", b"secret").await.unwrap();
    let theirs: Uuid = node.id[4..].parse().unwrap();
    let mine = Uuid::new_v4();
    let mut connection = connect(&world.database, DbRole::Files).await;
    let sql = format!("SET app.tenant = '{mine}'");
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await
        .unwrap();
    let root = "INSERT INTO files.nodes (tenant_id, id, kind, name, name_key, created_at, updated_at)
                VALUES ($1, $1, 'folder', '', '', now(), now())";
    sqlx::query(root)
        .bind(mine)
        .execute(&mut connection)
        .await
        .unwrap();
    let insert =
        "INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, created_at, updated_at)
                  VALUES ($1, $2, $3, 'folder', 'secret.txt', 'secret.txt', now(), now())";
    // Into their tenant: refused by the policy.
    let error = sqlx::query(insert)
        .bind(world.tenant.0)
        .bind(Uuid::new_v4())
        .bind(world.tenant.0);
    assert_eq!(code(&error.execute(&mut connection).await.unwrap_err()), "42501");
    // Below their folder: refused in the same words as below a folder that does not exist.
    let mut errors = Vec::new();
    for parent in [world.tenant.0, Uuid::new_v4()] {
        let error = sqlx::query(insert).bind(mine).bind(Uuid::new_v4()).bind(parent);
        let error = error.execute(&mut connection).await.unwrap_err();
        errors.push((code(&error), error.to_string()));
    }
    assert_eq!(errors[0], errors[1]);
    // With the id of their node: taken in their tenant, free in mine.
    sqlx::query(insert)
        .bind(mine)
        .bind(theirs)
        .bind(mine)
        .execute(&mut connection)
        .await
        .unwrap();
    let touched = sqlx::raw_sql("UPDATE files.nodes SET revision = 99")
        .execute(&mut connection)
        .await
        .unwrap();
    assert_eq!(touched.rows_affected(), 2, "mine only");
    for sql in [
        "DELETE FROM files.journal",
        "UPDATE files.journal SET seq = 0",
        "SELECT * FROM files.outbox",
    ] {
        let error = sqlx::raw_sql(sql).execute(&mut connection).await.unwrap_err();
        assert_eq!(code(&error), "42501", "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooled_connection_carries_no_tenant_on() {
    let world = World::new().await;
    world.put("root", "a", b"a").await.unwrap();
    let mut connection = connect(&world.database, DbRole::Files).await;
    let sql = format!(
        "BEGIN; SET LOCAL app.tenant = '{}'; SELECT 1; COMMIT",
        world.tenant.0
    );
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await
        .unwrap();
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM files.nodes")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(count, 0);
}

/// How many nodes a read finds in the tenant that its filters name, when policies show the one that it is bound to.
async fn found(read: &TenantRead, named: Option<TenantId>) -> i64 {
    let rows = read
        .fetch_all(|bound, tenant| {
            sqlx::query(
                "SELECT count(*) FROM files.sight(app.within($1, $2), '{}', ARRAY[$2], false, '{}', '{}', '{}')",
            )
            .bind(bound)
            .bind(named.map_or(tenant, |named| named.0))
            .map(|row: PgRow| row.get::<i64, _>(0))
        })
        .await;
    rows.unwrap()[0]
}

/// What is left of a tenant on the only connection of a pool.
async fn left_on(pool: &Database) -> (Option<String>, i64) {
    let mut tx = pool.worker().await.unwrap();
    let sql = "SELECT nullif(current_setting('app.tenant', true), ''), count(*) FROM files.nodes";
    let row = sqlx::query(sql).fetch_one(&mut *tx).await.unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_read_shows_its_own_tenant_and_leaves_nothing_behind() {
    let world = World::on(TestDatabase::counted().await.unwrap(), config()).await;
    world.mkdir("root", "secret").await.unwrap();
    let pool = world.database.pool(DbRole::Files).unwrap();
    let read = TenantRead::new(&pool, &world.ctx()).unwrap();
    let stranger = TenantRead::new(&pool, &world.stranger()).unwrap();

    assert_eq!(found(&read, None).await, 1, "its root");
    assert_eq!(left_on(&pool).await, (None, 0));
    assert_eq!(found(&stranger, None).await, 0);
    assert_eq!(
        found(&stranger, Some(world.tenant)).await,
        0,
        "policies hold by themselves"
    );

    // Neither what fails nor whoever gives up leaves it to the next one.
    let fails = read.fetch_all(|bound, _| {
        sqlx::query("SELECT 1 / length(left(app.within($1, $1)::text, 0))")
            .bind(bound)
            .map(|_: PgRow| ())
    });
    fails.await.unwrap_err();
    assert_eq!(left_on(&pool).await, (None, 0));
    let sleeps = read.fetch_all(|bound, _| {
        sqlx::query("SELECT pg_sleep(length(app.within($1, $1)::text) / 100.0)")
            .bind(bound)
            .map(|_: PgRow| ())
    });
    tokio::time::timeout(Duration::from_millis(50), sleeps)
        .await
        .unwrap_err();
    assert_eq!(left_on(&pool).await, (None, 0));
}
