use super::{Files, indexed, node_ids};
use crate::domain::access::root;
use crate::store::{index, nodes};
use bitvault_platform::{Ctx, Result};
use bitvault_proto::internal::v1 as internal;
use uuid::Uuid;

/// Answers what nodes are now. Those that are gone, or in the trash, are left out, and so is the tenant's root.
pub(super) async fn describe_nodes(
    files: &Files,
    ctx: &Ctx,
    request: internal::DescribeNodesRequest,
) -> Result<internal::DescribeNodesResponse> {
    ctx.require_system()?;
    let ids: Vec<Uuid> = node_ids(&request.ids)?.into_iter().map(|id| id.0).collect();
    let mut tx = files.core.begin(ctx).await?;
    let mut lineage = nodes::lineage(&mut tx, &[], &ids).await?;
    let found = index::described(&mut tx, &ids).await?;
    tx.commit().await?;
    let root = root(ctx.tenant()?);
    let nodes = found.into_iter().map(|node| indexed(&mut lineage, root, node));
    let nodes = nodes.filter_map(Result::transpose).collect::<Result<_>>()?;
    Ok(internal::DescribeNodesResponse { nodes })
}
