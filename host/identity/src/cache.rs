//! Who holds which access token, for a few seconds, so that a burst of requests costs one look into the database.
//!
//! What ends a token here (signing out, losing a membership, another password, a suspended tenant) forgets it here at
//! once; in another process as soon as the hint comes, and without one within [`LIFETIME`]. A refresh leaves the former access token to run out of the
//! cache, so that requests under way end well.

use bitvault_platform::hints::{Hint, Hints, Whose};
use bitvault_platform::ids::{AccountId, SessionId, TenantId};
use bitvault_platform::token::Digest;
use bitvault_platform::{Role, Scopes};
use moka::sync::Cache;
use std::sync::OnceLock;
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
pub(crate) struct Principals {
    known: Cache<Digest, Holder>,
    hints: OnceLock<Hints>,
}

impl Principals {
    pub(crate) fn new() -> Self {
        Self {
            known: Cache::builder()
                .max_capacity(ENTRIES)
                .time_to_live(LIFETIME)
                .build(),
            hints: OnceLock::new(),
        }
    }

    /// From now on tells other processes what ends here, and hears what ends there.
    pub(crate) fn share(&self, hints: &Hints) {
        let known = self.known.clone();
        hints.listen(move |hint| match hint {
            Hint::Access(whose) => forget(&known, whose),
            Hint::Missed => known.invalidate_all(),
            Hint::Changed(_) => {}
        });
        // Once is enough.
        let _ = self.hints.set(hints.clone());
    }

    pub(crate) fn get(&self, token: &Digest) -> Option<Holder> {
        self.known.get(token)
    }

    pub(crate) fn put(&self, token: Digest, holder: Holder) {
        self.known.insert(token, holder);
    }

    /// What these accounts may do changed: their tokens are looked up again, here and in every other process.
    pub(crate) fn look_again(&self, whose: Whose) {
        forget(&self.known, whose);
        if let Some(hints) = self.hints.get() {
            hints.tell(Hint::Access(whose));
        }
    }
}

/// Looks at all that are remembered: for rare events.
fn forget(known: &Cache<Digest, Holder>, whose: Whose) {
    for (token, holder) in known {
        if whose.names(holder.tenant, holder.account) {
            known.invalidate(&*token);
        }
    }
}
