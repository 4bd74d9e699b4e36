use super::Files;
use crate::domain::access::{Actor, NodeRole, node_id};
use crate::error::Refusal;
use crate::store::metadata::{self, MetadataRow};
use crate::store::{journal, nodes};
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Answers the tags and fields of a node.
pub(super) async fn get_metadata(
    files: &Files,
    ctx: &Ctx,
    request: v1::GetMetadataRequest,
) -> Result<v1::Metadata> {
    let actor = Actor::of(ctx)?;
    let node = node_id(&request.node_id, actor)?;
    let now = files.core.clock.now();
    let mut tx = files.core.begin(ctx).await?;
    let taken_in = if actor.home() == Ok(node) {
        nodes::ensure_homes(&mut tx, &[node.0], now).await?
    } else {
        Vec::new()
    };
    let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &[node.0]).await?;
    lineage.require(actor.account, node, NodeRole::Viewer, Refusal::NodeNotFound)?;
    let row = metadata::of(&mut tx, node).await?;
    journal::append(&mut tx, &taken_in, now).await?;
    tx.commit().await?;
    Ok(message(node, row))
}

pub(super) fn message(node: NodeId, row: MetadataRow) -> v1::Metadata {
    v1::Metadata {
        node_id: node.to_string(),
        revision: row.revision,
        tags: row.tags,
        fields: row.fields.0,
    }
}
