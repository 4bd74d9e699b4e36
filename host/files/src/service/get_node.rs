use super::{Files, wire};
use crate::domain::access::{Actor, node_id, root};
use crate::error::Refusal;
use crate::store::nodes;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Answers a node that is not in the trash.
pub(super) async fn get_node(files: &Files, ctx: &Ctx, request: v1::GetNodeRequest) -> Result<v1::Node> {
    let actor = Actor::of(ctx)?;
    visible(files, ctx, node_id(&request.id, actor.tenant)?).await
}

/// The node, unless it or a folder above it is in the trash. The root is made when it is looked at first.
pub(super) async fn visible(files: &Files, ctx: &Ctx, id: NodeId) -> Result<v1::Node> {
    let is_root = id == root(ctx.tenant()?);
    let mut tx = files.core.begin(ctx).await?;
    let mut found = nodes::views(&mut tx, &[id.0]).await?;
    if found.is_empty() && is_root {
        nodes::ensure_root(&mut tx, files.core.clock.now()).await?;
        found = nodes::views(&mut tx, &[id.0]).await?;
    }
    let live = is_root || nodes::lineage(&mut tx, &[id.0]).await?.live(id).is_some();
    tx.commit().await?;
    match found.pop() {
        Some(view) if live => wire::node(view),
        _ => Err(Refusal::NodeNotFound.into()),
    }
}
