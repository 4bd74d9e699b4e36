use super::Files;
use crate::failpoints;
use crate::store::erase;
use bitvault_platform::db::WorkerTx;
use bitvault_platform::ids::TenantId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::internal::v1;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long one call goes on.
const WITHIN: Duration = Duration::from_secs(20);
/// Rows that one transaction takes.
const BATCH: i64 = 1000;
/// Tables that need an order of their own; rows of all others go first, and name none of each other's that matter.
const ORDERED: [&str; 4] = ["nodes", "versions", "blobs", "objects"];

/// Removes everything that this module holds of the tenant of the call, in bounded transactions. It may die between any
/// two of them: each leaves what a later call finds and removes. Objects are given up to the collector, which removes
/// them from the store after its grace; their rows go in a call after that.
///
/// Called once nobody gets into the tenant any more.
pub(super) async fn erase_tenant(files: &Files, ctx: &Ctx) -> Result<v1::EraseTenantResponse> {
    ctx.require_system()?;
    let mut eraser = Eraser {
        files,
        tenant: ctx.tenant()?,
        until: Instant::now() + WITHIN,
        removed: 0,
    };
    let done = eraser.run().await?;
    Ok(v1::EraseTenantResponse {
        done,
        removed: eraser.removed,
    })
}

struct Eraser<'a> {
    files: &'a Files,
    tenant: TenantId,
    until: Instant,
    removed: u64,
}

impl Eraser<'_> {
    /// Whether nothing is left.
    async fn run(&mut self) -> Result<bool> {
        let mut tx = self.begin().await?;
        let tables = erase::tables(&mut tx).await?;
        drop(tx);
        let others: Vec<_> = tables
            .iter()
            .filter(|table| !ORDERED.iter().any(|name| erase::is(table, name)))
            .collect();
        loop {
            let before = self.removed;
            for table in &others {
                self.rows(table).await?;
            }
            self.nodes().await?;
            self.rows("files.blobs").await?;
            self.objects().await?;
            if self.removed == before || self.is_over() {
                break;
            }
        }
        let mut tx = self.begin().await?;
        for table in &tables {
            if erase::holds(&mut tx, table, self.tenant).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn begin(&self) -> Result<WorkerTx> {
        erase::begin(&self.files.core.worker, self.tenant).await
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Rows of a table, as long as nothing else names them: those wait for the next round.
    async fn rows(&mut self, table: &str) -> Result<()> {
        while !self.is_over() {
            let mut tx = self.begin().await?;
            let Some(gone) = erase::rows(&mut tx, table, self.tenant, BATCH).await? else {
                return Ok(());
            };
            tx.commit().await?;
            failpoints::hit(failpoints::ERASE_AFTER_BATCH)?;
            self.removed += gone;
            if gone == 0 {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn nodes(&mut self) -> Result<()> {
        let mut after = Uuid::nil();
        loop {
            if self.is_over() {
                return Ok(());
            }
            let mut tx = self.begin().await?;
            let Some(last) = erase::flatten(&mut tx, self.tenant, after, BATCH).await? else {
                break;
            };
            tx.commit().await?;
            failpoints::hit(failpoints::ERASE_AFTER_BATCH)?;
            after = last;
        }
        while !self.is_over() {
            let mut tx = self.begin().await?;
            let gone = erase::nodes(&mut tx, self.tenant, BATCH).await?;
            tx.commit().await?;
            failpoints::hit(failpoints::ERASE_AFTER_BATCH)?;
            self.removed += gone;
            if gone == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Objects whose blobs are gone: to the collector, and out once it is done with them.
    async fn objects(&mut self) -> Result<()> {
        let mut tx = self.begin().await?;
        if erase::holds(&mut tx, "files.blobs", self.tenant).await? {
            return Ok(());
        }
        drop(tx);
        let now = self.files.core.clock.now();
        while !self.is_over() {
            let mut tx = self.begin().await?;
            let given_up = erase::give_up(&mut tx, self.tenant, now, BATCH).await?;
            let gone = erase::forget(&mut tx, self.tenant, BATCH).await?;
            tx.commit().await?;
            failpoints::hit(failpoints::ERASE_AFTER_BATCH)?;
            self.removed += gone;
            if given_up + gone == 0 {
                break;
            }
        }
        Ok(())
    }
}
