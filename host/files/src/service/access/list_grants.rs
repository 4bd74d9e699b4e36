use super::Files;
use super::space_of::sharable;
use crate::domain::access::{Actor, NodeRole, node_id};
use crate::domain::lineage::Lineage;
use crate::error::Refusal;
use crate::store::grants::{self, GrantRow};
use crate::store::nodes;
use crate::store_client::timestamp;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Answers the grants that count on a node. Everybody who sees the node may see who else does.
pub(super) async fn list_grants(
    files: &Files,
    ctx: &Ctx,
    request: v1::ListGrantsRequest,
) -> Result<v1::ListGrantsResponse> {
    let actor = Actor::of(ctx)?;
    let node = node_id(&request.node_id, actor)?;
    let mut tx = files.core.begin(ctx).await?;
    let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &[node.0]).await?;
    if let Err(refusal) = lineage.require(actor.account, node, NodeRole::Viewer, Refusal::NodeNotFound) {
        sharable(&mut tx, actor, &mut lineage, node)
            .await
            .map_err(|_| refusal)?;
    }
    let answer = effective(&mut tx, actor, &lineage, node).await?;
    tx.commit().await?;
    Ok(answer)
}

/// The grants on a node and above it, without those that a cut keeps away.
pub(super) async fn effective(
    tx: &mut TenantTx,
    actor: Actor,
    lineage: &Lineage,
    node: NodeId,
) -> Result<v1::ListGrantsResponse> {
    let above = lineage.upwards(node);
    let ids: Vec<_> = above.iter().map(|facts| facts.id.0).collect();
    let found = grants::on(tx, &ids).await?;
    let mut cut = false;
    let mut items = Vec::new();
    for facts in &above {
        let here = found.iter().filter(|grant| grant.node == facts.id);
        let counts = here.filter(|grant| !cut || grant.role == NodeRole::Owner);
        items.extend(counts.map(message));
        cut |= !facts.inherits;
    }
    let inherits = above.first().is_some_and(|facts| facts.inherits);
    let role = lineage.role(actor.account, node);
    Ok(v1::ListGrantsResponse {
        items,
        inherits,
        role: role.map(|role| role.name().to_owned()),
    })
}

/// A grant as it is answered.
pub(super) fn message(grant: &GrantRow) -> v1::Grant {
    v1::Grant {
        node_id: grant.node.to_string(),
        subject_id: grant.subject.to_string(),
        role: grant.role.name().to_owned(),
        granted_at: Some(timestamp(grant.granted_at)),
        granted_by: grant.granted_by.to_string(),
    }
}
