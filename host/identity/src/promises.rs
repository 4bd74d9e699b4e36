//! Keeping what invitations carried. A promise is due from the transaction that accepts the invitation on; who accepted has
//! it kept right away, and the job what that left undone. Files gives each at most once, so that it may be asked again after
//! an answer was lost.

use crate::Identity;
use bitvault_platform::Error;
use bitvault_platform::ids::{AccountId, PromiseId, TenantId};
use std::time::Duration;
use uuid::Uuid;

/// Promises that are looked up at a time.
const BATCH: i64 = 100;
/// How long an acceptance waits for what it was promised; the job does what is left then.
const WAIT: Duration = Duration::from_secs(5);

impl Identity {
    /// Keeps everything that is due; answers how many roles were given.
    pub async fn keep_promises_once(&self) -> Result<u64, Error> {
        let mut given = 0;
        for tenant in self.0.store.tenants_with_promises().await? {
            given += self.keep_promises(tenant, None).await?;
        }
        Ok(given)
    }

    /// Keeps what is due to an account that has just come, if that is soon done. It is let in whatever comes of it.
    pub(crate) async fn welcome(&self, tenant: TenantId, account: AccountId) {
        let kept = tokio::time::timeout(WAIT, self.keep_promises(tenant, Some(account))).await;
        match kept {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%error, %tenant, "keep what was promised later"),
            Err(_) => tracing::warn!(%tenant, "keeping what was promised takes long"),
        }
    }

    async fn keep_promises(&self, tenant: TenantId, account: Option<AccountId>) -> Result<u64, Error> {
        let (store, files) = (&self.0.store, self.files()?);
        let (mut given, mut after) = (0, PromiseId(Uuid::nil()));
        loop {
            let due = store.due_promises(tenant, account, after, BATCH).await?;
            let Some(last) = due.last() else { return Ok(given) };
            after = last.id;
            for promise in due {
                let kept = if promise.stands {
                    files.keep(tenant, &promise).await
                } else {
                    Ok(false)
                };
                match kept {
                    Ok(kept) => {
                        given += u64::from(kept);
                        store.forget_promise(tenant, promise.id).await?;
                    }
                    // One does not hold up the others.
                    Err(error) => tracing::warn!(%error, %tenant, "have a promise kept"),
                }
            }
        }
    }
}
