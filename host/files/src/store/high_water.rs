//! The high-water mark of the database, across tenants.

use bitvault_platform::Result;
use bitvault_platform::db::WorkerTx;
use uuid::Uuid;

/// What tells this database from others.
pub(crate) async fn database(tx: &mut WorkerTx) -> Result<Uuid> {
    Ok(sqlx::query_scalar!("SELECT id FROM files.high_water")
        .fetch_one(&mut **tx)
        .await?)
}

/// The mark. Nobody else moves it until this transaction ends.
pub(crate) async fn lock(tx: &mut WorkerTx) -> Result<i64> {
    Ok(
        sqlx::query_scalar!("SELECT mark FROM files.high_water FOR UPDATE")
            .fetch_one(&mut **tx)
            .await?,
    )
}

/// Moves the mark.
pub(crate) async fn raise(tx: &mut WorkerTx, to: i64) -> Result<()> {
    sqlx::query!("UPDATE files.high_water SET mark = $1", to)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Begins another epoch of every journal; answers how many there are. Each waits for what is being written to it. The epoch is drawn:
/// the next number may have been given out before, in a state that is lost.
pub(crate) async fn begin_epochs(tx: &mut WorkerTx) -> Result<u64> {
    let done = sqlx::query!(
        "UPDATE files.journal_heads
         SET epoch = 2 + ('x' || substr(md5(gen_random_uuid()::text), 1, 15))::bit(60)::bigint"
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}
