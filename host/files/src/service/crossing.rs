//! Folders that go to another tree, or to where other quotas hold: the one place for every verb that gives nodes other
//! folders.
//!
//! Space is counted per tree (ADR 0114) and per quota (ADR 0120), so a folder that leaves one or comes into one takes along
//! what is below it. All of that is locked first: what came, changed or went there meanwhile would be counted in the place
//! that the folder leaves. Elsewhere nothing below is looked at.
//!
//! What crosses is known once it is judged, under the locks of the nodes themselves. So the first attempt ends there, and
//! the next one takes all locks in their order. Nobody makes us look below a folder that is not theirs to move.

use crate::domain::lineage::Lineage;
use crate::store::{moves, nodes};
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// The folders that cross, as the attempts before this one found them.
#[derive(Debug, Default)]
pub(super) struct Crossing {
    folders: BTreeSet<Uuid>,
}

/// A node that gets another folder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Going {
    pub(super) node: NodeId,
    pub(super) is_folder: bool,
    pub(super) to: NodeId,
}

/// Where something counts: in which tree, and for which quotas, which the nearest one tells, as those above follow from it.
type Place = (Option<NodeId>, Option<NodeId>);

/// The places of nodes, and of what lies in them, as they are before anything moves.
pub(super) struct Places(HashMap<NodeId, (Place, Place)>);

impl Places {
    pub(super) fn of(lineage: &Lineage, root: NodeId, ids: &[Uuid]) -> Self {
        let of = |id: NodeId| {
            let tree = lineage.tree(id, root);
            let above = lineage.quotas(id).find(|quota| *quota != id);
            (id, ((tree, above), (tree, lineage.quotas(id).next())))
        };
        Self(ids.iter().map(|id| of(NodeId(*id))).collect())
    }

    fn of_node(&self, id: NodeId) -> Place {
        self.0.get(&id).map(|(itself, _)| *itself).unwrap_or_default()
    }

    fn within(&self, id: NodeId) -> Place {
        self.0.get(&id).map(|(_, within)| *within).unwrap_or_default()
    }
}

impl Crossing {
    /// What is to be locked with these nodes, in the order of the ids: they, and all that is below the folders that cross.
    pub(super) async fn locks(&self, tx: &mut TenantTx, mut ids: Vec<Uuid>) -> Result<Vec<Uuid>> {
        ids.extend(self.below(tx).await?);
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// Whether all is locked that has to be, `locks` being what is. Else the folders that cross are known now: try again.
    ///
    /// What came meanwhile is locked here when that keeps the order: new nodes have higher ids.
    pub(super) async fn is_locked(
        &mut self,
        tx: &mut TenantTx,
        places: &Places,
        going: &[Going],
        locks: &[Uuid],
    ) -> Result<bool> {
        let met: HashSet<Place> = going
            .iter()
            .flat_map(|node| [places.of_node(node.node), places.within(node.to)])
            .collect();
        let folders = going.iter().filter(|node| node.is_folder);
        let crossing: BTreeSet<Uuid> = folders.map(|node| node.node.0).collect();
        if met.len() < 2 || crossing.is_empty() {
            return Ok(true);
        }
        if !crossing.is_subset(&self.folders) {
            self.folders.extend(crossing);
            return Ok(false);
        }
        let mut locked: HashSet<Uuid> = locks.iter().copied().collect();
        let mut highest = locks.iter().max().copied();
        loop {
            let below = self.below(tx).await?;
            let missing: Vec<Uuid> = below.into_iter().filter(|id| !locked.contains(id)).collect();
            let Some(lowest) = missing.first().copied() else {
                return Ok(true);
            };
            if Some(lowest) < highest {
                return Ok(false);
            }
            nodes::lock(tx, &missing).await?;
            highest = missing.last().copied();
            locked.extend(missing);
        }
    }

    /// All that is below the folders that cross, in the order of the ids.
    pub(super) async fn below(&self, tx: &mut TenantTx) -> Result<Vec<Uuid>> {
        if self.folders.is_empty() {
            return Ok(Vec::new());
        }
        let folders: Vec<Uuid> = self.folders.iter().copied().collect();
        moves::subtrees(tx, &folders).await
    }
}
