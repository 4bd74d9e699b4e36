use super::{Files, wire};
use crate::domain::access::{Actor, NodeRole, node_id};
use crate::error::Refusal;
use crate::store::{journal, nodes};
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Answers a node that is not in the trash.
pub(super) async fn get_node(files: &Files, ctx: &Ctx, request: v1::GetNodeRequest) -> Result<v1::Node> {
    let actor = Actor::or_visitor(ctx)?;
    visible(files, ctx, actor, node_id(&request.id, actor)?).await
}

/// The node, unless it or a folder above it is in the trash, or the caller may not see it. A home is made when it is
/// looked at first.
pub(super) async fn visible(files: &Files, ctx: &Ctx, actor: Actor, id: NodeId) -> Result<v1::Node> {
    let mut tx = files.core.begin(ctx).await?;
    let mut found = shown(&mut tx, actor, id).await;
    if found.is_err() && actor.home() == Ok(id) {
        let now = files.core.clock.now();
        let taken_in = nodes::ensure_homes(&mut tx, &[id.0], now).await?;
        found = shown(&mut tx, actor, id).await;
        journal::append(&mut tx, &taken_in, now).await?;
    }
    tx.commit().await?;
    found
}

/// The node, if it may be seen.
pub(super) async fn shown(tx: &mut TenantTx, actor: Actor, id: NodeId) -> Result<v1::Node> {
    let (mut lineage, mut views) = nodes::lineage_and_views(tx, &[actor.account.0], &[id.0]).await?;
    lineage.require_for(actor, id, NodeRole::Viewer, Refusal::NodeNotFound)?;
    wire::node_for(actor, views.pop().ok_or(Refusal::NodeNotFound)?)
}
