use super::Files;
use super::list_grants::message;
use super::space_of::sharable;
use crate::domain::access::{Actor, GRANTS_PER_NODE, NodeRole, Subject, node_id};
use crate::error::Refusal;
use crate::store::grants::{self, GrantRow};
use crate::store::journal::{self, Change, ChangeKind};
use crate::store::{groups, nodes};
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Gives a subject a role on a node, in place of the one that it had there.
pub(super) async fn put_grant(files: &Files, ctx: &Ctx, request: v1::PutGrantRequest) -> Result<v1::Grant> {
    let actor = Actor::of(ctx)?;
    let node = node_id(&request.node_id, actor)?;
    let subject = Subject::parse(&request.subject_id)?;
    let role = NodeRole::parse(&request.role).ok_or(Refusal::NodeRoleInvalid)?;
    let now = files.core.clock.now();
    let mut tx = files.core.begin(ctx).await?;
    let mut changes = Vec::new();
    if actor.home() == Ok(node) {
        changes = nodes::ensure_homes(&mut tx, &[node.0], now).await?;
    }
    nodes::lock(&mut tx, &[node.0]).await?;
    let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &[node.0]).await?;
    let facts = sharable(&mut tx, actor, &mut lineage, node).await?;
    if let Subject::Group(group) = subject
        && !groups::hold(&mut tx, group).await?
    {
        return Err(Refusal::GroupNotFound.into());
    }
    let present = grants::on(&mut tx, &[node.0]).await?;
    let before = present.iter().find(|grant| grant.subject == subject);
    if let Some(same) = before.filter(|grant| grant.role == role) {
        let answer = message(same);
        journal::append(&mut tx, &changes, now).await?;
        tx.commit().await?;
        return Ok(answer);
    }
    if before.is_none() && present.len() >= GRANTS_PER_NODE {
        return Err(Refusal::TooManyGrants(GRANTS_PER_NODE).into());
    }
    grants::put(&mut tx, actor, node, subject, role, now).await?;
    let change = Change::of(node, ChangeKind::Shared, facts.revision, actor.account);
    changes.push(change.inherited(facts.inherits));
    journal::append(&mut tx, &changes, now).await?;
    tx.commit().await?;
    files.core.relay.nudge();
    Ok(message(&GrantRow {
        node,
        subject,
        role,
        granted_at: now,
        granted_by: actor.account,
    }))
}
