//! What daemons tell each other so that none has to wait for its next look: that something changed in a tenant, and that what
//! somebody may do has changed.
//!
//! A hint may be lost, come late, twice or in another order, and a hint that nobody sent may come as well: each only makes a
//! daemon look sooner at what Postgres says. So they travel through Redis (or Valkey), which keeps nothing for us: without it,
//! or while it is away, everything works as it does with one look a period. See ADR 0123.
//!
//! Called by identity and by the bus to tell, and by identity, search and sync to listen.

mod redis;
mod wire;

pub use redis::Config;

use crate::bus::{Event, Handler};
use crate::ids::{AccountId, TenantId};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::mpsc;

/// Hints that wait to be told; more are dropped, as every hint may be.
const WAITING: usize = 4096;

/// One hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hint {
    /// Something in the tenant changed.
    Changed(TenantId),
    /// What these accounts may do changed, or whether they may come in at all.
    Access(Whose),
    /// Hints may have been missed: anything may have changed.
    Missed,
}

/// Accounts in tenants: what is not named is any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Whose {
    /// In this tenant only.
    pub tenant: Option<TenantId>,
    /// This account only.
    pub account: Option<AccountId>,
}

impl Whose {
    /// Everybody in a tenant.
    pub fn tenant(tenant: TenantId) -> Self {
        Self {
            tenant: Some(tenant),
            account: None,
        }
    }

    /// One account in a tenant.
    pub fn member(tenant: TenantId, account: AccountId) -> Self {
        Self {
            tenant: Some(tenant),
            account: Some(account),
        }
    }

    /// One account in all its tenants.
    pub fn account(account: AccountId) -> Self {
        Self {
            tenant: None,
            account: Some(account),
        }
    }

    /// Whether this account in this tenant is meant.
    pub fn names(&self, tenant: TenantId, account: AccountId) -> bool {
        self.tenant.is_none_or(|named| named == tenant) && self.account.is_none_or(|named| named == account)
    }
}

type Listener = Box<dyn Fn(Hint) + Send + Sync>;

/// Where hints are told and heard. Clones share one. Without a Redis it carries nothing.
#[derive(Clone, Default)]
pub struct Hints(Option<Arc<Shared>>);

struct Shared {
    redis: redis::Redis,
    waiting: mpsc::Sender<Hint>,
    /// Taken by whoever runs it.
    to_tell: tokio::sync::Mutex<mpsc::Receiver<Hint>>,
    listeners: RwLock<Vec<Listener>>,
}

impl fmt::Debug for Hints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Hints(Redis)"
        } else {
            "Hints(none)"
        })
    }
}

impl Hints {
    /// Through the Redis that is configured; nothing connects before [`Hints::run`].
    pub fn through(config: &Config) -> crate::Result<Self> {
        let (waiting, to_tell) = mpsc::channel(WAITING);
        Ok(Self(Some(Arc::new(Shared {
            redis: redis::Redis::new(config)?,
            waiting,
            to_tell: tokio::sync::Mutex::new(to_tell),
            listeners: RwLock::default(),
        }))))
    }

    /// Tells the other daemons. Never waits and never fails.
    pub fn tell(&self, hint: Hint) {
        if let Some(shared) = &self.0
            && shared.waiting.try_send(hint).is_err()
        {
            metrics::counter!("bitvault_hints_dropped_total").increment(1);
        }
    }

    /// Calls this with each hint of another daemon. It must not block.
    pub fn listen(&self, listener: impl Fn(Hint) + Send + Sync + 'static) {
        if let Some(shared) = &self.0 {
            let mut listeners = shared.listeners.write().unwrap_or_else(PoisonError::into_inner);
            listeners.push(Box::new(listener));
        }
    }

    /// Carries hints until `stop`, and connects again whenever the connection is lost.
    pub async fn run(self, stop: tokio_util::sync::CancellationToken) {
        if let Some(shared) = &self.0 {
            let mut to_tell = shared.to_tell.lock().await;
            shared
                .redis
                .run(&mut to_tell, &stop, |hint| shared.hear(hint))
                .await;
        }
    }
}

/// As a handler of the bus: each event that this daemon relays is a change for the others.
#[async_trait::async_trait]
impl Handler for Hints {
    async fn handle(&self, event: &Event) -> crate::Result<()> {
        self.tell(Hint::Changed(event.tenant));
        Ok(())
    }
}

impl Shared {
    fn hear(&self, hint: Hint) {
        for listener in &*self.listeners.read().unwrap_or_else(PoisonError::into_inner) {
            listener(hint);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_redis_nothing_is_kept() {
        let hints = Hints::default();
        hints.listen(|_| panic!("nobody tells"));
        hints.tell(Hint::Missed);
    }

    #[test]
    fn what_is_not_named_is_any() {
        let (tenant, other) = (TenantId::new(), TenantId::new());
        let account = AccountId::new();
        assert!(Whose::default().names(tenant, account));
        assert!(Whose::tenant(tenant).names(tenant, account));
        assert!(!Whose::tenant(other).names(tenant, account));
        assert!(Whose::account(account).names(other, account));
        assert!(!Whose::member(tenant, AccountId::new()).names(tenant, account));
    }
}
