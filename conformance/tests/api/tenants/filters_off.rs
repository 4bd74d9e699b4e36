//! The filters of our own SQL switched off: they name the other tenant, and everybody counts as an owner. What is left is
//! Postgres, which refuses.

use super::{MARK, make, rest, rpc, seen, stranger};
use anyhow::{Context as _, Result};
use bitvault_conformance::api::Caller;
use bitvault_conformance::daemon::{Daemon, EMAIL, PASSWORD};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

#[tokio::test(flavor = "multi_thread")]
async fn what_our_own_filters_let_through_postgres_refuses() {
    refused().await.unwrap();
}

async fn refused() -> Result<()> {
    let mut daemon = Daemon::lite()?;
    daemon.start().await?;
    let owner = Caller::sign_in(daemon.url(), EMAIL, PASSWORD).await?;
    let stranger = stranger(&daemon).await?;
    let mut owned = make(&owner).await?;
    // What Postgres refuses to write is our mistake, and answered so.
    owned.tolerates_failures = true;
    let tenant = owner.get("/v1/tenant").await?.ok()?;
    daemon.stop().await?;
    daemon.set_env("BITVAULT_FILTER_TENANT", tenant["id"].as_str().context("id")?);
    daemon.start().await?;
    let before = seen(&owner, &owned).await?;
    rest::every_route(&owner, &stranger, &owned).await?;
    rpc::every_method(daemon.url(), &stranger, &owned).await?;
    assert_eq!(
        seen(&owner, &owned).await?,
        before,
        "the other tenant changed something"
    );
    assert!(stranger.get("/v1/me").await?.status.is_success());
    only_postgres_was_left(&daemon, &stranger, owned.id("folders").context("id")?).await
}

/// Without the policies the stranger sees everything: nothing else stood in its way.
async fn only_postgres_was_left(daemon: &Daemon, stranger: &Caller, folder: &str) -> Result<()> {
    let path = format!("/v1/nodes/{folder}");
    assert_eq!(stranger.get(&path).await?.status, 404);
    let mut database = PgConnection::connect(daemon.database_url()).await?;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('files.%I', relname) FROM pg_class WHERE relnamespace = 'files'::regnamespace AND relrowsecurity",
    )
    .fetch_all(&mut database)
    .await?;
    for table in tables {
        let sql = format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut database).await?;
    }
    let node = stranger.get(&path).await?.ok()?;
    assert!(node["name"].as_str().context("name")?.contains(MARK), "{node}");
    Ok(())
}
