use super::Files;
use super::list_grants::effective;
use super::space_of::sharable;
use crate::domain::access::{Actor, node_id, root};
use crate::error::Refusal;
use crate::store::journal::{self, Change, ChangeKind};
use crate::store::{grants, nodes};
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Says whether roles given above a node count there, and answers the grants that count from now on.
pub(super) async fn set_inheritance(
    files: &Files,
    ctx: &Ctx,
    request: v1::SetInheritanceRequest,
) -> Result<v1::ListGrantsResponse> {
    let actor = Actor::of(ctx)?;
    let node = node_id(&request.node_id, actor)?;
    let now = files.core.clock.now();
    let mut tx = files.core.begin(ctx).await?;
    nodes::lock(&mut tx, &[node.0]).await?;
    let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &[node.0]).await?;
    let facts = sharable(&mut tx, actor, &mut lineage, node).await?;
    // Nothing is given above the top of a tree.
    if facts.parent_id.is_none_or(|above| above == root(actor.tenant)) {
        return Err(Refusal::RootFixed.into());
    }
    if facts.inherits != request.inherits {
        let revision = grants::set_inherits(&mut tx, actor, node, request.inherits, now).await?;
        lineage = nodes::lineage(&mut tx, &[actor.account.0], &[node.0]).await?;
        let answer = effective(&mut tx, actor, &lineage, node).await?;
        let change = Change::of(node, ChangeKind::Shared, revision, actor.account);
        let change = change.inherited(!request.inherits);
        journal::append(&mut tx, &[change], now).await?;
        tx.commit().await?;
        files.core.relay.nudge();
        return Ok(answer);
    }
    let answer = effective(&mut tx, actor, &lineage, node).await?;
    tx.commit().await?;
    Ok(answer)
}
