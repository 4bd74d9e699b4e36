use crate::domain::access::{Actor, NodeRole};
use crate::error::Refusal;
use crate::service::wire;
use crate::store::nodes;
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use bitvault_proto::v1;
use std::collections::HashMap;
use uuid::Uuid;

/// Those of the nodes that the caller may see and that are not in the trash.
pub(super) async fn seen(
    tx: &mut TenantTx,
    actor: Actor,
    ids: &[NodeId],
) -> Result<HashMap<NodeId, v1::Node>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let (mut lineage, views) = nodes::lineage_and_views(tx, &[actor.account.0], &ids).await?;
    let mut seen = HashMap::with_capacity(ids.len());
    for view in views {
        let id = view.id;
        let may = lineage.require(actor.account, id, NodeRole::Viewer, Refusal::NodeNotFound);
        if may.is_ok() {
            seen.insert(id, wire::node(view)?);
        }
    }
    Ok(seen)
}
