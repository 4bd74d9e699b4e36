//! Files that are read for their hash, side by side.

use bitvault_planner::{Operation, Sha256};
use futures::StreamExt as _;
use futures::future::ready;

use super::turn::Turn;
use super::{Engine, EngineError, Round};
use crate::fs::FsError;
use crate::scan::path_of;

/// So many files are hashed again at most after a crash.
const HASHES_KEPT: usize = 1000;

impl Engine {
    pub(super) async fn hash(
        &mut self,
        operations: Vec<Operation>,
        round: &mut Round,
    ) -> Result<(), EngineError> {
        // Of a first sync it is hundreds of thousands: only some of them have their paths at a time.
        let mut operations = operations.into_iter();
        let mut turn = self.begin_turn();
        loop {
            let some: Vec<_> = operations.by_ref().take(HASHES_KEPT).collect();
            if some.is_empty() {
                return Ok(());
            }
            self.left.add(&some);
            self.hash_some(some, &mut turn, round).await?;
            if turn.is_over() {
                round.is_over = true;
                self.left.add(operations.as_slice());
                return Ok(());
            }
        }
    }

    /// What is read may be in memory only, and what follows from it is written as synced: it is made durable first.
    async fn hash_some(
        &mut self,
        operations: Vec<Operation>,
        turn: &mut Turn,
        round: &mut Round,
    ) -> Result<(), EngineError> {
        let io = self.io.clone();
        let io = &io;
        let jobs: Vec<_> = operations
            .into_iter()
            .filter_map(|operation| match operation {
                Operation::Hash { local, expected } => Some((operation, local, expected)),
                _ => None,
            })
            .map(|(operation, local, expected)| {
                (operation, local, expected, path_of(self.kept.trees(), local))
            })
            .collect();
        let over = turn.over.clone();
        let results = futures::stream::iter(jobs)
            .take_while(|_| ready(!over.is_cancelled()))
            .map(|(operation, local, expected, path)| async move {
                let hash = async {
                    io.wait_for_tick(&expected).await;
                    let path = path.ok_or(FsError::Changed)?;
                    io.fs.open(&path, expected).await?.hash().await
                };
                (operation, local, expected, hash.await)
            })
            .buffer_unordered(self.config.limits.hashes.max(1))
            .take_until(io.ending.cancelled());
        let mut results = std::pin::pin!(results);
        let mut read = Vec::new();
        while let Some((operation, local, expected, result)) = self.next_of(&mut results).await? {
            let result: Result<Sha256, FsError> = result;
            self.left.remove(&operation);
            match result {
                Ok(content) => {
                    self.kept.hashed(local, expected, content);
                    round.done += 1;
                    read.extend(path_of(self.kept.trees(), local));
                }
                Err(error) => self.fs_refused(&operation, error, round)?,
            }
            turn.is_over();
        }
        io.fs.settle(&read).await?;
        self.flush()
    }
}
