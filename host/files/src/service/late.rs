//! Uploads that commit without having reserved what they take.

use super::check_uploads::Checked;
use super::room::Room;
use crate::domain::lineage::Lineage;
use crate::error::Refusal;
use crate::store::sight::LockedUpload;
use crate::store::{quotas, signed};
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{NodeId, ObjectId, UploadId};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Uploads that have not reserved their bytes of every quota that their target counts for now: their time was over, or the
/// quota or the target's place is newer than they. They must fit as if they started now. What is reserved always fits, also
/// when the limit was lowered meanwhile.
#[derive(Default)]
pub(super) struct Late {
    missing: HashMap<ObjectId, Vec<NodeId>>,
    room: Room,
}

impl Late {
    pub(super) async fn of(
        tx: &mut TenantTx,
        items: &[Checked],
        locked: &HashMap<UploadId, LockedUpload>,
        lineage: &Lineage,
    ) -> Result<Self> {
        let open = |item: &&Checked| {
            let state = locked.get(&item.row.id).map(|locked| locked.state);
            state.is_some_and(|state| state.may_commit().is_ok())
        };
        // An upload may stand in several items.
        let wanted: HashSet<(ObjectId, NodeId)> = items
            .iter()
            .filter(open)
            .flat_map(|item| {
                lineage
                    .quotas(item.row.target.node())
                    .map(|quota| (item.row.object, quota))
            })
            .collect();
        if wanted.is_empty() {
            return Ok(Self::default());
        }
        let objects: Vec<Uuid> = wanted.iter().map(|(object, _)| object.0).collect();
        let reserved = quotas::reserved(tx, &objects).await?;
        let mut missing: HashMap<ObjectId, Vec<NodeId>> = HashMap::new();
        for (object, quota) in wanted {
            if !reserved.contains(&(object, quota)) {
                missing.entry(object).or_default().push(quota);
            }
        }
        let room = Room::of(tx, missing.values().flatten().copied()).await?;
        Ok(Self { missing, room })
    }

    /// Takes what the upload has not reserved.
    pub(super) fn take(
        &mut self,
        item: &Checked,
        lineage: &Lineage,
    ) -> Result<std::result::Result<(), Refusal>> {
        let Some(quotas) = self.missing.get(&item.row.object) else {
            return Ok(Ok(()));
        };
        let taken = self
            .room
            .take(item.actor, lineage, quotas, signed(item.row.size)?);
        Ok(taken.map(|_| ()))
    }
}
