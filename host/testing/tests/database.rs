//! What the platform makes of a real server: one that several daemons migrate at once.

#![allow(clippy::unwrap_used, reason = "helpers of tests; a panic is how a test fails")]

use bitvault_platform::db::migrate;
use bitvault_testing::TestDatabase;
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
