use super::Files;
use super::get_metadata::message;
use crate::domain::access::{Actor, NodeRole, node_id};
use crate::domain::metadata::{Edit, require_few};
use crate::error::Refusal;
use crate::service::idempotent::Key;
use crate::store::journal::{self, Change, ChangeKind};
use crate::store::{metadata, nodes};
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Adds and removes tags and fields of a node; answers what is there from now on.
pub(super) async fn update_metadata(
    files: &Files,
    ctx: &Ctx,
    mut request: v1::UpdateMetadataRequest,
) -> Result<v1::Metadata> {
    let actor = Actor::of(ctx)?;
    let key = Key::new(request.idempotency_key.take(), "UpdateMetadata", &request)?;
    let node = node_id(&request.node_id, actor)?;
    let edit = Edit::new(&request)?;
    let now = files.core.clock.now();
    let mut tx = files.core.begin(ctx).await?;
    let mut changes = Vec::new();
    if actor.home() == Ok(node) {
        changes = nodes::ensure_homes(&mut tx, &[node.0], now).await?;
    }
    nodes::lock(&mut tx, &[node.0]).await?;
    // Under the lock: a repeat that came while the first request ran finds what that one kept.
    if let Some(key) = &key
        && let Some(answer) = key.replay(&mut tx, actor).await?
    {
        return Ok(answer);
    }
    let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &[node.0]).await?;
    let facts = lineage.require(actor.account, node, NodeRole::Editor, Refusal::NodeNotFound)?;
    if request.revision.is_some_and(|seen| seen != facts.revision) {
        return Err(Refusal::RevisionConflict(facts.revision).into());
    }
    let row = metadata::edit(&mut tx, actor, node, &edit, now).await?;
    require_few(row.tags.len(), row.fields.len())?;
    changes.push(Change::of(node, ChangeKind::Updated, row.revision, actor.account));
    let answer = message(node, row);
    if let Some(key) = &key
        && !key.keep(&mut tx, actor, &answer, now).await?
    {
        // The same request would have waited for the node's lock, so this was one about another node.
        return Err(Refusal::IdempotencyKeyReused.into());
    }
    journal::append(&mut tx, &changes, now).await?;
    tx.commit().await?;
    files.core.relay.nudge();
    Ok(answer)
}
