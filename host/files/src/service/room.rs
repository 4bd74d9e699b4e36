//! Whether there is room below the quotas above a node. Where there is no quota, which the lineage tells, none of this costs
//! a statement.
//!
//! Uploads reserve when they start and settle when they commit: [`Room`]. What grows without an upload, by a copy, a restored
//! version, or a move, is written first and looked at then, in the same transaction: [`fits`].

use crate::domain::access::Actor;
use crate::domain::lineage::Lineage;
use crate::domain::quota::Level;
use crate::error::Refusal;
use crate::store::{quotas, sorted};
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Error, Result};
use std::collections::HashMap;
use uuid::Uuid;

/// Quotas that are locked, and how far they are used: what is taken here counts for those that come after.
#[derive(Debug, Default)]
pub(super) struct Room(HashMap<NodeId, Level>);

impl Room {
    /// Locks these quotas, in the order of the ids, and looks at them then.
    pub(super) async fn of(tx: &mut TenantTx, ids: impl Iterator<Item = NodeId>) -> Result<Self> {
        let ids = sorted(ids.map(|id| id.0));
        if ids.is_empty() {
            return Ok(Self::default());
        }
        quotas::lock(tx, &ids).await?;
        let levels = quotas::levels(tx, &ids).await?;
        Ok(Self(
            levels.into_iter().map(|level| (level.node, level)).collect(),
        ))
    }

    /// Takes so many bytes of each of these quotas; answers those that are there. All or nothing.
    pub(super) fn take(
        &mut self,
        actor: Actor,
        lineage: &Lineage,
        ids: &[NodeId],
        bytes: i64,
    ) -> Result<Vec<NodeId>, Refusal> {
        // What adds nothing is no harm, however full it is.
        if bytes == 0 {
            return Ok(Vec::new());
        }
        let there: Vec<NodeId> = ids.iter().copied().filter(|id| self.0.contains_key(id)).collect();
        for id in &there {
            if let Some(level) = self.0.get(id)
                && !level.has_room(bytes)
            {
                return Err(level.refusal(actor, lineage));
            }
        }
        for id in &there {
            if let Some(level) = self.0.get_mut(id) {
                level.reserved = level.reserved.saturating_add(bytes);
            }
        }
        Ok(there)
    }
}

/// Refuses, so that all is undone, when what this transaction wrote let one of these quotas grow beyond its limit.
pub(crate) async fn fits(
    tx: &mut TenantTx,
    actor: Actor,
    lineage: &Lineage,
    ids: impl Iterator<Item = NodeId>,
) -> Result<()> {
    let ids = sorted(ids.map(|id| id.0));
    if ids.is_empty() {
        return Ok(());
    }
    match quotas::outgrown(tx, &ids).await?.first() {
        Some(level) => Err(level.refusal(actor, lineage).into()),
        None => Ok(()),
    }
}

/// The refusal of what let these quotas grow beyond their limit.
pub(super) async fn refusal(
    tx: &mut TenantTx,
    actor: Actor,
    lineage: &Lineage,
    outgrown: &[Uuid],
) -> Result<Refusal> {
    let levels = quotas::levels(tx, outgrown).await?;
    let level = levels.first();
    let level = level.ok_or_else(|| Error::internal("read a quota", "one that was outgrown is not there"))?;
    Ok(level.refusal(actor, lineage))
}
