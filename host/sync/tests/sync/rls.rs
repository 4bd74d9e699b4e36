//! Row-level security, by raw SQL as the role that the module logs in as.

use crate::support::World;
use bitvault_platform::db::DbRole;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

#[tokio::test(flavor = "multi_thread")]
async fn the_modules_role_sees_and_changes_one_tenant_only() {
    let world = World::new().await;
    let other = world.another_tenant();
    for one in [&world, &other] {
        let ctx = one.ctx();
        one.mkdir(&ctx, "root", "a").await;
        one.device(&ctx, "laptop", None).await.unwrap();
        one.snapshot(&ctx).await;
    }
    let mut role = PgConnection::connect(&world.database.role_url(DbRole::Sync))
        .await
        .unwrap();
    for table in ["devices", "keys", "root_sets"] {
        let count = format!("SELECT count(*) FROM sync.{table}");
        let seen: i64 = sqlx::query_scalar(AssertSqlSafe(count.clone()))
            .fetch_one(&mut role)
            .await
            .unwrap();
        assert_eq!(seen, 0, "{table}: without a tenant nothing is seen");
        let mut tx = role.begin().await.unwrap();
        let set = format!("SET LOCAL app.tenant = '{}'", world.tenant.0);
        sqlx::raw_sql(AssertSqlSafe(set)).execute(&mut *tx).await.unwrap();
        let seen: i64 = sqlx::query_scalar(AssertSqlSafe(count))
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        assert_eq!(seen, 1, "{table}");
        let take = format!("DELETE FROM sync.{table} WHERE tenant_id = '{}'", other.tenant.0);
        let taken = sqlx::raw_sql(AssertSqlSafe(take))
            .execute(&mut *tx)
            .await
            .unwrap();
        assert_eq!(taken.rows_affected(), 0, "{table}");
    }
    let mut tx = role.begin().await.unwrap();
    let set = format!("SET LOCAL app.tenant = '{}'", world.tenant.0);
    sqlx::raw_sql(AssertSqlSafe(set)).execute(&mut *tx).await.unwrap();
    let insert = format!(
        "INSERT INTO sync.keys (tenant_id, key) VALUES ('{}', sha256('x'))",
        uuid::Uuid::new_v4()
    );
    assert!(
        sqlx::raw_sql(AssertSqlSafe(insert))
            .execute(&mut *tx)
            .await
            .is_err()
    );
    for sql in [
        "SELECT 1 FROM files.nodes",
        "UPDATE sync.keys SET key = sha256('x')",
    ] {
        let mut role = PgConnection::connect(&world.database.role_url(DbRole::Sync))
            .await
            .unwrap();
        assert!(sqlx::raw_sql(sql).execute(&mut role).await.is_err(), "{sql}");
    }
}
