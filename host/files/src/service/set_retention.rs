use super::Files;
use super::get_retention::{effective, target};
use crate::domain::access::{Actor, NodeRole, root};
use crate::domain::retention::{LIMIT_MAX, Policy};
use crate::error::Refusal;
use crate::store::{journal, nodes, retention, thinning};
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Sets which versions are kept of the files below a folder, or in the whole tenant. Without any limit: all of them.
pub(super) async fn set_retention(
    files: &Files,
    ctx: &Ctx,
    request: v1::SetRetentionRequest,
) -> Result<v1::Retention> {
    let actor = Actor::of(ctx)?;
    let node = target(request.node_id.as_deref(), actor)?;
    let policy = policy(request.policy.unwrap_or_default())?;
    let now = files.core.clock.now();
    let mut tx = files.core.begin(ctx).await?;
    let home: &[_] = if actor.home() == Ok(node) { &[node.0] } else { &[] };
    let taken_in = nodes::ensure_homes(&mut tx, home, now).await?;
    permit(&mut tx, actor, node).await?;
    retention::set(&mut tx, actor, node, &policy, now).await?;
    thinning::policy_changed(&mut tx, now).await?;
    let answer = effective(files, &mut tx, actor, node).await?;
    journal::append(&mut tx, &taken_in, now).await?;
    tx.commit().await?;
    files.core.thin.nudge();
    Ok(answer)
}

/// Lets owners of a folder in, and administrators to the tenant's root, as [`target`] has checked. Locks the node.
pub(super) async fn permit(tx: &mut TenantTx, actor: Actor, node: NodeId) -> Result<()> {
    nodes::lock(tx, &[node.0]).await?;
    if node == root(actor.tenant) {
        return Ok(());
    }
    let mut lineage = nodes::lineage(tx, &[actor.account.0], &[node.0]).await?;
    let found = lineage.require(actor.account, node, NodeRole::Owner, Refusal::NodeNotFound)?;
    if !found.is_folder {
        return Err(Refusal::NotAFolder.into());
    }
    Ok(())
}

fn policy(from: v1::RetentionPolicy) -> Result<Policy, Refusal> {
    for (limit, field) in [(from.max_count, "max_count"), (from.max_age_days, "max_age_days")] {
        if limit.is_some_and(|limit| !(1..=LIMIT_MAX).contains(&limit)) {
            return Err(Refusal::RetentionInvalid(field));
        }
    }
    Ok(Policy {
        max_count: from.max_count,
        max_age_days: from.max_age_days,
        thin: from.thin,
    })
}
