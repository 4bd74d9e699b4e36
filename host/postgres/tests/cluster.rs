//! Against the real server programs.

#![allow(clippy::unwrap_used, reason = "a test's helper fails the test")]

use bitvault_postgres::{Cluster, Config};
use sqlx::{Connection as _, PgConnection};
use std::path::Path;

fn config(parent: &Path) -> Config {
    Config {
        folder: parent.join("postgres"),
        bin: None,
        user: "postgres".to_owned(),
        owner: "bitvault_owner".to_owned(),
        password: "a-password".to_owned(),
        database: "bitvault".to_owned(),
        port: None,
        settings: vec![("shared_buffers".to_owned(), "16MB".to_owned())],
    }
}

async fn query(url: &str, sql: &'static str) -> Result<i64, sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query_scalar(sql).fetch_one(&mut connection).await
}

fn pid(parent: &Path) -> i32 {
    let text = std::fs::read_to_string(parent.join("postgres/postmaster.pid")).unwrap();
    text.lines().next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_made_adopted_started_again_and_stopped() {
    // A private folder (mode 700) as `mktemp -d` makes it: as root, Postgres's user could not pass through.
    let parent = tempfile::tempdir().unwrap();
    let first = Cluster::start(config(parent.path())).await.unwrap();
    let url = first.owner_url();
    query(&url, "WITH made AS (SELECT 1) SELECT count(*) FROM made")
        .await
        .unwrap();
    assert!(
        query(&url.replace("a-password", "another"), "SELECT 1::int8")
            .await
            .is_err()
    );
    let postmaster = pid(parent.path());

    // A second daemon after a kill of the first: the same server, nothing started.
    let second = Cluster::start(config(parent.path())).await.unwrap();
    assert_eq!(second.owner_url(), url);
    assert_eq!(pid(parent.path()), postmaster);
    drop(first);

    // The server itself is killed: supervision brings it back on the same port.
    let raw = rustix::process::Pid::from_raw(postmaster).unwrap();
    rustix::process::kill_process(raw, rustix::process::Signal::KILL).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let back = query(&url, "SELECT 1::int8").await.is_ok();
        if back && pid(parent.path()) != postmaster {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "Postgres did not come back");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    second.stop().await.unwrap();
    assert!(query(&url, "SELECT 1::int8").await.is_err());
    assert!(!parent.path().join("postgres/postmaster.pid").exists());
}
