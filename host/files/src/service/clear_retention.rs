use super::Files;
use super::get_retention::target;
use super::set_retention::permit;
use crate::domain::access::Actor;
use crate::store::{journal, nodes, retention, thinning};
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Takes the policy of a folder or of the tenant away: what holds above it holds again.
pub(super) async fn clear_retention(
    files: &Files,
    ctx: &Ctx,
    request: v1::ClearRetentionRequest,
) -> Result<v1::ClearRetentionResponse> {
    let actor = Actor::of(ctx)?;
    let node = target(request.node_id.as_deref(), actor)?;
    let now = files.core.clock.now();
    let mut tx = files.core.begin(ctx).await?;
    let mut changes = Vec::new();
    if actor.home() == Ok(node) {
        changes = nodes::ensure_homes(&mut tx, &[node.0], now).await?;
    }
    permit(&mut tx, actor, node).await?;
    retention::clear(&mut tx, node).await?;
    thinning::policy_changed(&mut tx, now).await?;
    journal::append(&mut tx, &changes, now).await?;
    tx.commit().await?;
    files.core.thin.nudge();
    Ok(v1::ClearRetentionResponse {})
}
