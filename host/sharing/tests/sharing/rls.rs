//! What the module's database role sees, by raw SQL.

use crate::support::{World, download};
use bitvault_platform::db::DbRole;
use bitvault_platform::token::Digest;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

#[tokio::test(flavor = "multi_thread")]
async fn the_role_sees_a_tenants_links_or_the_one_whose_token_is_held() {
    let world = World::new().await;
    let (_, token) = world.link(download("root")).await;
    world.link(download("root")).await;
    let mut role = PgConnection::connect(&world.database.role_url(DbRole::Sharing))
        .await
        .unwrap();
    let held = format!("SET LOCAL app.token = '{}'", Digest::of(&token).hex());
    let inside = format!("SET LOCAL app.tenant = '{}'", world.tenant.0);
    for (settings, seen) in [
        ("SELECT 1", 0),
        ("SET LOCAL app.tenant = '00000000-0000-7000-8000-000000000001'", 0),
        (held.as_str(), 1),
        (inside.as_str(), 2),
    ] {
        let mut tx = role.begin().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(settings.to_owned()))
            .execute(&mut *tx)
            .await
            .unwrap();
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM sharing.links")
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        assert_eq!(count, seen, "{settings}");
        // A token shows a link and changes none.
        let changed = sqlx::query("UPDATE sharing.links SET downloads = 0")
            .execute(&mut *tx)
            .await
            .unwrap();
        assert_eq!(
            changed.rows_affected(),
            if settings == inside { 2 } else { 0 },
            "{settings}"
        );
    }
    for denied in [
        "UPDATE sharing.links SET node_id = tenant_id",
        "UPDATE sharing.links SET account_id = tenant_id",
        "UPDATE sharing.links SET tenant_id = id",
        "SELECT count(*) FROM files.nodes",
        "SELECT count(*) FROM identity.accounts",
    ] {
        let error = sqlx::query(denied).execute(&mut role).await.unwrap_err();
        assert_eq!(
            error
                .as_database_error()
                .and_then(|error| error.code())
                .as_deref(),
            Some("42501"),
            "{denied}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_token_nor_password_stands_in_the_database() {
    let world = World::new().await;
    let mut link = download("root");
    link.password = Some("canary-password".to_owned());
    link.idempotency_key = Some("key".to_owned());
    let (_, token) = world.link(link).await;
    let mut admin = PgConnection::connect(&world.database.admin_url()).await.unwrap();
    let row: String = sqlx::query_scalar("SELECT to_jsonb(l)::text FROM sharing.links l")
        .fetch_one(&mut admin)
        .await
        .unwrap();
    assert!(!row.contains(&token) && !row.contains("canary"), "{row}");
    assert!(row.contains(&Digest::of(&token).hex()));
}
