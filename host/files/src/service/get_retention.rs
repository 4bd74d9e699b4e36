use super::Files;
use crate::domain::access::{Actor, NodeRole, node_id, root};
use crate::domain::retention::Policy;
use crate::error::Refusal;
use crate::store::{nodes, retention};
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result, Role};
use bitvault_proto::v1;

/// Answers which versions are kept of a file, of what is in a folder, or in the tenant where no folder says otherwise.
pub(super) async fn get_retention(
    files: &Files,
    ctx: &Ctx,
    request: v1::GetRetentionRequest,
) -> Result<v1::Retention> {
    let actor = Actor::of(ctx)?;
    let node = target(request.node_id.as_deref(), actor)?;
    let mut tx = files.core.begin(ctx).await?;
    // A home is always there, even before it has a row.
    if node != root(actor.tenant) && actor.home() != Ok(node) {
        let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &[node.0]).await?;
        lineage.require(actor.account, node, NodeRole::Viewer, Refusal::NodeNotFound)?;
    }
    let answer = effective(files, &mut tx, actor, node).await?;
    tx.commit().await?;
    Ok(answer)
}

/// The node that is meant: without one the root of the tenant, for its administrators only.
pub(super) fn target(id: Option<&str>, actor: Actor) -> Result<NodeId> {
    match (id, actor.role) {
        (Some(id), _) => {
            let node = node_id(id, actor)?;
            // The tenant's root is shown to nobody.
            if node == root(actor.tenant) {
                return Err(Refusal::NodeNotFound.into());
            }
            Ok(node)
        }
        (None, Role::Admin | Role::Owner) => Ok(root(actor.tenant)),
        (None, Role::Guest | Role::Member) => Err(Refusal::AdminOnly.into()),
    }
}

/// What holds at a node, and from where.
pub(super) async fn effective(
    files: &Files,
    tx: &mut TenantTx,
    actor: Actor,
    node: NodeId,
) -> Result<v1::Retention> {
    let top = root(actor.tenant);
    // A home without a row stands below the root all the same.
    let found = retention::nearest(tx, &[node.0, top.0]).await?;
    let (source, policy) = match found.get(&node).or_else(|| found.get(&top)) {
        Some((at, policy)) if *at == top => (v1::RetentionSource::Tenant, *policy),
        Some((at, policy)) if *at == node => (v1::RetentionSource::Own, *policy),
        Some((_, policy)) => (v1::RetentionSource::Inherited, *policy),
        None => (v1::RetentionSource::Default, files.default_policy()),
    };
    Ok(v1::Retention {
        policy: Some(message(policy)),
        source: source.into(),
    })
}

fn message(policy: Policy) -> v1::RetentionPolicy {
    v1::RetentionPolicy {
        max_count: policy.max_count,
        max_age_days: policy.max_age_days,
        thin: policy.thin,
    }
}
