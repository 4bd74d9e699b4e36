//! Conflicts as a caller sees them.

use crate::domain::access::{Actor, NodeRole};
use crate::domain::lineage::Lineage;
use crate::error::Refusal;
use crate::service::wire;
use crate::store::conflicts::{self, ConflictRow, Made};
use crate::store::nodes::{self, NodeView};
use crate::store_client::timestamp;
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{NodeId, VersionId};
use bitvault_proto::v1;
use std::collections::HashMap;
use uuid::Uuid;

/// Nodes of conflicts, and what a caller may do with them.
pub(super) struct Sides {
    pub(super) lineage: Lineage,
    pub(super) views: HashMap<NodeId, NodeView>,
}

impl Sides {
    /// Reads both files of each of these conflicts.
    pub(super) async fn of(tx: &mut TenantTx, actor: Actor, rows: &[ConflictRow]) -> Result<Self> {
        let mut ids: Vec<Uuid> = rows.iter().flat_map(|row| [row.original.0, row.copy.0]).collect();
        ids.sort_unstable();
        ids.dedup();
        let (lineage, views) = nodes::lineage_and_views(tx, &[actor.account.0], &ids).await?;
        // A node that stands above another one is answered once for each.
        let views = views.into_iter().map(|view| (view.id, view)).collect();
        Ok(Self { lineage, views })
    }

    /// Whether the caller sees both files, in the trash or not.
    pub(super) fn are_seen(&self, actor: Actor, row: &ConflictRow) -> bool {
        let sees = |id| {
            let may = self
                .lineage
                .permit(actor.account, id, NodeRole::Viewer, Refusal::NodeNotFound);
            may.is_ok()
        };
        sees(row.original) && sees(row.copy)
    }

    /// Whether somebody still has to settle it: both files are there, and the copy was not given another name.
    pub(super) fn are_open(&mut self, row: &ConflictRow) -> bool {
        row.resolved.is_none()
            && self.lineage.live(row.original).is_some()
            && self.lineage.live(row.copy).is_some()
            && self
                .views
                .get(&row.copy)
                .is_some_and(|copy| copy.name_key == row.copy_key)
    }

    /// Grows with each change of either file: their own revisions only grow, so that the sum is the same only while both are.
    pub(super) fn revision(&self, row: &ConflictRow) -> i64 {
        let of = |id| self.views.get(&id).map_or(0, |view| view.revision);
        of(row.original) + of(row.copy)
    }
}

/// These conflicts as they are answered; those with a side that is gone are left out.
pub(super) async fn show(
    tx: &mut TenantTx,
    rows: Vec<ConflictRow>,
    sides: &Sides,
) -> Result<Vec<v1::Conflict>> {
    let views = rows
        .iter()
        .flat_map(|row| [sides.views.get(&row.original), sides.views.get(&row.copy)]);
    let versions: Vec<Uuid> = views
        .flatten()
        .filter_map(|view| Some(view.version_id?.0))
        .collect();
    let made = conflicts::made(tx, &versions).await?;
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        let (Some(original), Some(copy)) = (sides.views.get(&row.original), sides.views.get(&row.copy))
        else {
            continue;
        };
        shown.push(v1::Conflict {
            id: row.id.to_string(),
            revision: sides.revision(&row),
            theirs: Some(side(original, &made)?),
            mine: Some(side(copy, &made)?),
            base_version: row.base.map(|base| base.to_string()),
            device: row.device,
            created_at: Some(timestamp(row.created_at)),
            created_by: Some(row.created_by.to_string()),
            resolved: row.resolved.map(|how| v1::ConflictResolution {
                keep: how.keep.told().into(),
                at: Some(timestamp(how.at)),
                by: Some(how.by.to_string()),
            }),
        });
    }
    Ok(shown)
}

fn side(view: &NodeView, made: &HashMap<VersionId, Made>) -> Result<v1::ConflictSide> {
    let made = view.version_id.and_then(|version| made.get(&version));
    Ok(v1::ConflictSide {
        changed_at: Some(timestamp(made.map_or(view.updated_at, |made| made.at))),
        changed_by: made.and_then(|made| made.by).map(|account| account.to_string()),
        device: made.and_then(|made| made.device.clone()),
        node: Some(wire::node(view.clone())?),
    })
}
