//! Who waits for changes. A change of a tenant wakes everybody there who waits; each then looks for itself.
//!
//! Woken by the bus, when the change was made in this process, by a hint when it was made in another one, and by a look at the heads of the journals of those tenants in
//! which somebody waits, one look for all.

use bitvault_platform::ids::TenantId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The tenants in which somebody waits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiting(Arc<Mutex<HashMap<TenantId, Tenant>>>);

#[derive(Debug)]
struct Tenant {
    wake: watch::Sender<()>,
    waiters: usize,
    /// The journal's epoch and head as they were seen last.
    head: Option<(i64, i64)>,
}

impl Waiting {
    fn tenants(&self) -> MutexGuard<'_, HashMap<TenantId, Tenant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins those who wait. Every change from now on is noticed, also one before the first [`Waiter::woken`].
    pub(crate) fn join(&self, tenant: TenantId) -> Waiter {
        let mut tenants = self.tenants();
        let there = tenants.entry(tenant).or_insert_with(|| Tenant {
            wake: watch::Sender::new(()),
            waiters: 0,
            head: None,
        });
        there.waiters += 1;
        Waiter {
            woken: there.wake.subscribe(),
            tenant,
            waiting: self.clone(),
        }
    }

    /// Wakes whoever waits in a tenant.
    pub(crate) fn wake(&self, tenant: TenantId) {
        if let Some(there) = self.tenants().get(&tenant) {
            there.wake.send_replace(());
        }
    }

    /// Wakes everybody.
    pub(crate) fn wake_all(&self) {
        for there in self.tenants().values() {
            there.wake.send_replace(());
        }
    }

    /// The tenants in which somebody waits.
    pub(crate) fn list(&self) -> Vec<TenantId> {
        self.tenants().keys().copied().collect()
    }

    /// How many wait.
    pub(crate) fn count(&self) -> usize {
        self.tenants().values().map(|tenant| tenant.waiters).sum()
    }

    /// Takes note of a head, and wakes whoever waits there if it is not the one that was seen before. The first one wakes as
    /// well: the journal may have moved on between somebody's look and this one.
    pub(crate) fn see(&self, tenant: TenantId, epoch: i64, seq: i64) {
        if let Some(there) = self.tenants().get_mut(&tenant)
            && there.head.replace((epoch, seq)) != Some((epoch, seq))
        {
            there.wake.send_replace(());
        }
    }
}

/// One who waits. Dropped, it waits no more.
#[derive(Debug)]
pub(crate) struct Waiter {
    woken: watch::Receiver<()>,
    tenant: TenantId,
    waiting: Waiting,
}

impl Waiter {
    /// Returns once something may have changed since it joined or was woken last.
    pub(crate) async fn woken(&mut self) {
        // The sender lives as long as this one waits.
        let _closed = self.woken.changed().await;
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut tenants = self.waiting.tenants();
        if let Some(there) = tenants.get_mut(&self.tenant) {
            there.waiters -= 1;
            if there.waiters == 0 {
                tenants.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    async fn is_woken(waiter: &mut Waiter) -> bool {
        tokio::time::timeout(Duration::from_millis(20), waiter.woken())
            .await
            .is_ok()
    }

    #[tokio::test]
    async fn a_change_wakes_those_of_its_tenant_and_a_head_that_stays_wakes_nobody() {
        let waiting = Waiting::default();
        let (one, other) = (TenantId::new(), TenantId::new());
        let (mut first, mut second) = (waiting.join(one), waiting.join(other));
        waiting.wake(one);
        assert!(is_woken(&mut first).await);
        assert!(!is_woken(&mut first).await);
        assert!(!is_woken(&mut second).await);
        waiting.see(other, 1, 7);
        assert!(is_woken(&mut second).await, "the first look");
        waiting.see(other, 1, 7);
        assert!(!is_woken(&mut second).await);
        for head in [(1, 8), (2, 8)] {
            waiting.see(other, head.0, head.1);
            assert!(is_woken(&mut second).await, "{head:?}");
        }
    }

    #[tokio::test]
    async fn a_tenant_is_forgotten_with_the_last_who_waits_there() {
        let waiting = Waiting::default();
        let tenant = TenantId::new();
        let (first, second) = (waiting.join(tenant), waiting.join(tenant));
        assert_eq!((waiting.count(), waiting.list()), (2, vec![tenant]));
        drop(first);
        assert_eq!(waiting.list(), [tenant]);
        drop(second);
        assert!(waiting.list().is_empty());
        waiting.wake(tenant);
    }
}
