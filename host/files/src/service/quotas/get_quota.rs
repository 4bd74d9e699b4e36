use super::{one, permit, target};
use crate::domain::access::{Actor, NodeRole};
use crate::service::Files;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Answers the limit that is set on a folder itself, to who sees the folder and to who runs the tenant.
pub(super) async fn get_quota(files: &Files, ctx: &Ctx, request: v1::GetQuotaRequest) -> Result<v1::Quota> {
    let actor = Actor::of(ctx)?;
    let node = target(&request.node_id, actor)?;
    let mut tx = files.core.begin(ctx).await?;
    // A home is always there, even before it has a row.
    if actor.home() != Ok(node) {
        permit(&mut tx, actor, node, NodeRole::Viewer).await?;
    }
    let quota = one(&mut tx, node).await?;
    tx.commit().await?;
    Ok(quota)
}
