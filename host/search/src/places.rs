//! Where callers were last found to see something, so that a search looks there at once. Files says with each answer where it is
//! now; a search that looked elsewhere is made again. So what is remembered may be wrong at any time.

use bitvault_platform::ids::{AccountId, NodeId, TenantId};
use bitvault_platform::{Ctx, Result};
use moka::sync::Cache;
use std::collections::BTreeSet;
use std::time::Duration;

/// Most callers that are remembered: a few kilobytes at most for each.
const ENTRIES: u64 = 10_000;
/// Forgotten after so long without a search.
const IDLE: Duration = Duration::from_secs(3600);

/// Nodes at and below which somebody may find something.
pub(crate) type Nodes = BTreeSet<NodeId>;

/// Whose places: an account's in a tenant, or below one folder that it named.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Whose {
    tenant: TenantId,
    account: AccountId,
    within: Option<String>,
}

impl Whose {
    pub(crate) fn of(ctx: &Ctx, within: Option<String>) -> Result<Self> {
        Ok(Self {
            tenant: ctx.tenant()?,
            account: ctx.account_id()?,
            within,
        })
    }

    /// The folder that was named.
    pub(crate) fn within(&self) -> Option<&str> {
        self.within.as_deref()
    }

    /// Where to look when nothing is known: in the folder, or in the home, which has its account's id.
    fn guess(&self) -> Nodes {
        let home = NodeId(self.account.0);
        let node = match self.within.as_deref() {
            None | Some("root") => Some(home),
            Some(text) => text.parse().ok(),
        };
        node.into_iter().collect()
    }
}

/// What is remembered.
#[derive(Debug)]
pub(crate) struct Places(Cache<Whose, Nodes>);

impl Default for Places {
    fn default() -> Self {
        let cache = Cache::builder().max_capacity(ENTRIES).time_to_idle(IDLE);
        Self(cache.build())
    }
}

impl Places {
    pub(crate) fn get(&self, whose: &Whose) -> Nodes {
        self.0.get(whose).unwrap_or_else(|| whose.guess())
    }

    /// What is guessed right needs no memory.
    pub(crate) fn put(&self, whose: &Whose, nodes: &Nodes) {
        if *nodes == whose.guess() {
            self.0.invalidate(whose);
        } else {
            self.0.insert(whose.clone(), nodes.clone());
        }
    }
}
