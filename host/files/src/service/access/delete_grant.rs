use super::Files;
use super::space_of::sharable;
use crate::domain::access::{Actor, NodeRole, Subject, node_id};
use crate::error::Refusal;
use crate::store::journal::{self, Change, ChangeKind};
use crate::store::{grants, nodes};
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Takes a role on a node back, at once. Anybody may give up its own.
pub(super) async fn delete_grant(
    files: &Files,
    ctx: &Ctx,
    request: v1::DeleteGrantRequest,
) -> Result<v1::DeleteGrantResponse> {
    let actor = Actor::of(ctx)?;
    let node = node_id(&request.node_id, actor)?;
    let subject = Subject::parse(&request.subject_id)?;
    let now = files.core.clock.now();
    let mut tx = files.core.begin(ctx).await?;
    nodes::lock(&mut tx, &[node.0]).await?;
    let account = actor.account;
    let mut lineage = nodes::lineage(&mut tx, &[account.0], &[node.0]).await?;
    let facts = if subject == Subject::Account(account) {
        lineage
            .require(account, node, NodeRole::Viewer, Refusal::NodeNotFound)?
            .clone()
    } else {
        sharable(&mut tx, actor, &mut lineage, node).await?
    };
    if !grants::delete(&mut tx, node, subject).await? {
        return Err(Refusal::GrantNotFound.into());
    }
    let change = Change::of(node, ChangeKind::Shared, facts.revision, account).inherited(facts.inherits);
    journal::append(&mut tx, &[change], now).await?;
    tx.commit().await?;
    files.core.relay.nudge();
    Ok(v1::DeleteGrantResponse {})
}
