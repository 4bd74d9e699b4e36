use super::Files;
use crate::domain::access::{Actor, NodeRole, node_id, root};
use crate::domain::lineage::NodeFacts;
use crate::error::Refusal;
use crate::store::journal::{self, Change, ChangeKind};
use crate::store::{nodes, trash};
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;
use time::OffsetDateTime;

/// Moves a node to the trash, or removes one that is there with everything below it. Moving what is in the trash already
/// changes nothing.
pub(super) async fn delete_node(
    files: &Files,
    ctx: &Ctx,
    request: v1::DeleteNodeRequest,
) -> Result<v1::DeleteNodeResponse> {
    let actor = Actor::of(ctx)?;
    let id = node_id(&request.id, actor)?;
    let now = files.core.clock.now();
    let mut tx = files.core.begin(ctx).await?;
    // For good: everything below as well, in one order, so that two requests can't wait for each other.
    let subtree = if request.permanent {
        trash::lock_subtree(&mut tx, id).await?
    } else {
        nodes::lock(&mut tx, &[id.0]).await?;
        Vec::new()
    };
    let account = actor.account;
    let mut lineage = nodes::lineage(&mut tx, &[account.0], &[id.0]).await?;
    let reachable = lineage.live(id).is_some();
    let needs = if request.permanent {
        NodeRole::Owner
    } else {
        NodeRole::Editor
    };
    let node = lineage.permit(account, id, needs, Refusal::NodeNotFound)?.clone();
    match node.parent_id {
        None => return Err(Refusal::RootFixed.into()),
        Some(above) if above == root(actor.tenant) => return Err(Refusal::RootFixed.into()),
        // To take something out of a folder is to change that folder.
        Some(folder) => lineage.permit(account, folder, NodeRole::Editor, Refusal::FolderNotYours)?,
    };
    if request.revision.is_some_and(|seen| seen != node.revision) {
        return Err(Refusal::RevisionConflict(node.revision).into());
    }
    let changes = match (request.permanent, node.trashed) {
        (false, true) => return Ok(v1::DeleteNodeResponse {}),
        (false, false) if !reachable => return Err(Refusal::NodeNotFound.into()),
        (false, false) => vec![to_trash(&mut tx, actor, &node, now).await?],
        (true, true) => remove(&mut tx, actor, subtree, now).await?,
        (true, false) => return Err(Refusal::NotInTrash.into()),
    };
    journal::append(&mut tx, &changes, now).await?;
    tx.commit().await?;
    files.core.relay.nudge();
    Ok(v1::DeleteNodeResponse {})
}

async fn to_trash(tx: &mut TenantTx, actor: Actor, node: &NodeFacts, now: OffsetDateTime) -> Result<Change> {
    let revision = trash::trash(tx, actor, node.id, now).await?;
    Ok(Change::of(node.id, ChangeKind::Trashed, revision, actor.account))
}

async fn remove(
    tx: &mut TenantTx,
    actor: Actor,
    subtree: Vec<(NodeId, i64)>,
    now: OffsetDateTime,
) -> Result<Vec<Change>> {
    let ids: Vec<_> = subtree.iter().map(|(id, _)| id.0).collect();
    trash::remove(tx, &ids, now).await?;
    Ok(subtree
        .into_iter()
        .map(|(node, revision)| Change::of(node, ChangeKind::Deleted, revision, actor.account))
        .collect())
}
