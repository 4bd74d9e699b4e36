use super::{permit, target};
use crate::domain::access::{Actor, NodeRole};
use crate::service::Files;
use crate::store::{journal, nodes, quotas};
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Takes the limit of a folder, a home or a space away, if there is one.
pub(super) async fn delete_quota(
    files: &Files,
    ctx: &Ctx,
    request: v1::DeleteQuotaRequest,
) -> Result<v1::DeleteQuotaResponse> {
    let actor = Actor::of(ctx)?;
    let node = target(&request.node_id, actor)?;
    let now = files.core.clock.now();
    let mut tx = files.core.begin(ctx).await?;
    let home: &[_] = if actor.home() == Ok(node) { &[node.0] } else { &[] };
    let taken_in = nodes::ensure_homes(&mut tx, home, now).await?;
    nodes::lock(&mut tx, &[node.0]).await?;
    permit(&mut tx, actor, node, NodeRole::Owner).await?;
    quotas::clear(&mut tx, node).await?;
    journal::append(&mut tx, &taken_in, now).await?;
    tx.commit().await?;
    Ok(v1::DeleteQuotaResponse {})
}
