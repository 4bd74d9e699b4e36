//! A caller that goes away while its transaction begins leaves nothing on the connection.
#![allow(clippy::unwrap_used, reason = "tests")]

use bitvault_platform::db::{Database, DbRole};
use bitvault_testing::TestDatabase;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

#[tokio::test]
async fn a_transaction_given_up_while_it_begins_leaves_no_settings_behind() {
    let database = TestDatabase::new().await.unwrap();
    let mut config = database.config();
    config.max_connections = 1;
    let pool = Database::connect_lazy(&config, DbRole::Identity).unwrap();
    pool.ping().await.unwrap();
    for round in 0..20 {
        {
            let mut begun = pin!(pool.with_settings(&[("app.token", "canary")]));
            // Given up at each point where it waits: for the connection, for the answer.
            let mut polls = 0;
            poll_fn(|context| {
                polls += 1;
                let ready = begun.as_mut().poll(context).is_ready();
                if ready || polls > round % 4 {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
        }
        let mut next = pool.worker().await.unwrap();
        let left: String = sqlx::query_scalar("SELECT coalesce(current_setting('app.token', true), '')")
            .fetch_one(&mut *next)
            .await
            .unwrap();
        assert_eq!(left, "", "round {round}");
    }
}
