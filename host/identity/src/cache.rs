//! Who holds which access token, for a few seconds, so that a burst of requests costs one look into the database.
//!
//! What ends a token here (signing out, losing a membership, another password, a suspended tenant) forgets it here at
//! once; in another process it ends within [`LIFETIME`]. A refresh leaves the former access token to run out of the
//! cache, so that requests under way end well.

use bitvault_platform::ids::{AccountId, SessionId, TenantId};
use bitvault_platform::token::Digest;
use bitvault_platform::{Role, Scopes};
use moka::sync::Cache;
use std::time::Duration;
use time::OffsetDateTime;

/// Longest time that an ended token still works in a process that did not end it.
const LIFETIME: Duration = Duration::from_secs(5);
/// Most tokens that are remembered.
const ENTRIES: u64 = 10_000;

/// Who an access token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) tenant: TenantId,
    pub(crate) account: AccountId,
    pub(crate) session: SessionId,
    pub(crate) role: Role,
    pub(crate) expires_at: OffsetDateTime,
    /// What a personal access token is limited to; `None` for a session.
    pub(crate) scopes: Option<Scopes>,
    /// The tenant is suspended or on its way out.
    pub(crate) closed: bool,
}

/// The cache.
#[derive(Debug)]
pub(crate) struct Principals(Cache<Digest, Holder>);

impl Principals {
    pub(crate) fn new() -> Self {
        Self(
            Cache::builder()
                .max_capacity(ENTRIES)
                .time_to_live(LIFETIME)
                .build(),
        )
    }

    pub(crate) fn get(&self, token: &Digest) -> Option<Holder> {
        self.0.get(token)
    }

    pub(crate) fn put(&self, token: Digest, holder: Holder) {
        self.0.insert(token, holder);
    }

    pub(crate) fn forget(&self, token: &Digest) {
        self.0.invalidate(token);
    }

    /// Forgets every token whose holder matches. Looks at all that are remembered: for rare events.
    pub(crate) fn forget_where(&self, matches: impl Fn(&Holder) -> bool) {
        for (token, holder) in &self.0 {
            if matches(&holder) {
                self.0.invalidate(&*token);
            }
        }
    }
}
