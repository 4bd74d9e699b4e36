use super::{Files, wire};
use crate::domain::access::{Actor, NodeRole, node_id};
use crate::domain::lineage::Lineage;
use crate::error::Refusal;
use crate::store::nodes::NodeView;
use crate::store::{journal, nodes, sight};
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
    let (lineage, view) = sight::look(&files.core.read(ctx)?, actor.account, id).await?;
    let found = shown(actor, lineage, view);
    if found.is_ok() || actor.home() != Ok(id) {
        return found;
    }
    let mut tx = files.core.begin(ctx).await?;
    let now = files.core.clock.now();
    let taken_in = nodes::ensure_homes(&mut tx, &[id.0], now).await?;
    let (lineage, mut views) = nodes::lineage_and_views(&mut tx, &[actor.account.0], &[id.0]).await?;
    journal::append(&mut tx, &taken_in, now).await?;
    tx.commit().await?;
    shown(actor, lineage, views.pop())
}

/// The node of this lineage, if it may be seen.
pub(super) fn shown(actor: Actor, mut lineage: Lineage, view: Option<NodeView>) -> Result<v1::Node> {
    let view = view.ok_or(Refusal::NodeNotFound)?;
    lineage.require_for(actor, view.id, NodeRole::Viewer, Refusal::NodeNotFound)?;
    wire::node_for(actor, view)
}
