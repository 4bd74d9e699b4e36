//! The only SQL of this module, with the functions of the migrations that it calls. Functions take a transaction, or a
//! `TenantRead` where they are one statement by themselves, and set-sized arguments: a batch costs as many statements as
//! one item.
//!
//! Lock order, everywhere: nodes by id, then objects and uploads by object id, then blobs by id, then quotas by node id, then
//! the rows of usage, then the journal's counter, which is last and held to the commit. Triggers change quotas and usage when
//! versions come or go or nodes move. Nothing is sent to the store while a lock is held.
//!
//! Plans are made when tables are empty and kept, so a query must be right without statistics: a join by key is a
//! LATERAL with LIMIT 1 (or OFFSET 0), which stays a look-up per row, and rows that were found are changed by their ctid.
//! The roles avoid sequential scans and hash joins (migration 0004). Otherwise Postgres reads all rows of a tenant for a
//! batch of ten. A test looks at the plans.

pub(crate) mod astray;
pub(crate) mod blobs;
pub(crate) mod children;
pub(crate) mod collect;
pub(crate) mod commits;
pub(crate) mod conflicts;
pub(crate) mod contents;
pub(crate) mod copies;
pub(crate) mod erase;
pub(crate) mod favourites;
pub(crate) mod feed;
pub(crate) mod fsck;
pub(crate) mod grants;
pub(crate) mod groups;
pub(crate) mod high_water;
pub(crate) mod idempotency;
pub(crate) mod index;
pub(crate) mod journal;
pub(crate) mod metadata;
pub(crate) mod moves;
pub(crate) mod nodes;
pub(crate) mod outbox;
pub(crate) mod promises;
pub(crate) mod quotas;
pub(crate) mod removal;
pub(crate) mod retention;
pub(crate) mod sight;
pub(crate) mod spaces;
pub(crate) mod thinning;
pub(crate) mod trash;
pub(crate) mod uploads;
pub(crate) mod usage;
pub(crate) mod verify;
pub(crate) mod versions;

use bitvault_platform::{Error, Result};
use uuid::Uuid;

/// Ids in their order, each once: that in which rows are locked.
pub(crate) fn sorted(ids: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// A size or count from a column that a CHECK keeps from being negative.
pub(crate) fn unsigned(value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|cause| Error::internal("read a size", cause))
}

/// A size for a column. Sizes are validated long before they come here.
pub(crate) fn signed(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|cause| Error::internal("write a size", cause))
}
