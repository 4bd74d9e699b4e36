//! Reads content back once whose hash is the client's word: multipart uploads all of whose parts were bound to hashes.
//!
//! What can't be read is told and left to the next scan, and the rest goes on: it may be put back, and fsck names what is missing.

use crate::Files;
use crate::store::{unsigned, verify};
use bitvault_platform::Result;

impl Files {
    /// Reads back until a scan's share of bytes is used up; answers how many blobs.
    pub async fn verify_once(&self) -> Result<u64> {
        let core = &self.core;
        let mut left = core.config.verify.bytes_per_scan.as_u64();
        let mut count = 0;
        let mut unreadable = Vec::new();
        while left > 0 {
            let mut tx = core.worker.worker().await?;
            let next = verify::next(&mut tx, &unreadable).await?;
            tx.commit().await?;
            let Some(blob) = next else { break };
            left = left.saturating_sub(unsigned(blob.length)?.max(1));
            let read = match core.store.hash(blob.tenant, blob.key.clone()).await {
                Ok(read) => read,
                Err(error) => {
                    // A store that answers nothing else either is down, and ends the scan.
                    core.store
                        .sizes(Some(blob.tenant), vec![blob.key.clone()])
                        .await?;
                    tracing::error!(key = blob.key, %error, "content can't be read back: `bitvaultd fsck` tells what is missing");
                    metrics::counter!("bitvault_files_content_unreadable_total").increment(1);
                    unreadable.push(blob.blob.0);
                    continue;
                }
            };
            let matches = read.sha256 == blob.sha256;
            let mut tx = core.worker.worker().await?;
            verify::record(&mut tx, &blob, matches, core.clock.now()).await?;
            if !matches {
                for version in verify::flag_versions(&mut tx, &blob).await? {
                    tracing::error!(%version, key = blob.key, "content does not have the hash that was declared");
                }
                metrics::counter!("bitvault_files_content_mismatches_total").increment(1);
            }
            tx.commit().await?;
            count += 1;
        }
        Ok(count)
    }
}
