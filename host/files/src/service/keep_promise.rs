use super::Files;
use crate::domain::access::{Actor, GRANTS_PER_NODE, NodeRole, Subject};
use crate::error::Refusal;
use crate::store::journal::{self, Change, ChangeKind};
use crate::store::{grants, nodes, promises};
use bitvault_platform::ids::{AccountId, NodeId, PromiseId};
use bitvault_platform::{Ctx, Result, Role};
use bitvault_proto::internal::v1 as internal;

/// Gives a role that an invitation carried. The promise is crossed out in the same transaction, so that a repeated call
/// gives nothing, whatever has become of the grant meanwhile. It never lowers a role that the account has there.
pub(super) async fn keep_promise(
    files: &Files,
    ctx: &Ctx,
    request: internal::KeepPromiseRequest,
) -> Result<internal::KeepPromiseResponse> {
    ctx.require_system()?;
    let promise: PromiseId = request.promise_id.parse()?;
    let node: NodeId = request.node_id.parse()?;
    let account: AccountId = request.account_id.parse()?;
    let role = NodeRole::parse(&request.role).ok_or(Refusal::NodeRoleInvalid)?;
    let giver = Actor {
        tenant: ctx.tenant()?,
        account: request.promised_by.parse()?,
        // What it owns it may share, whatever it is in the tenant.
        role: Role::Guest,
        link: None,
    };
    let now = files.core.clock.now();
    let mut tx = files.core.begin(ctx).await?;
    if !promises::cross_out(&mut tx, promise, now).await? {
        return Ok(internal::KeepPromiseResponse { given: false });
    }
    nodes::lock(&mut tx, &[node.0]).await?;
    let mut lineage = nodes::lineage(&mut tx, &[giver.account.0], &[node.0]).await?;
    let owned = lineage.require(giver.account, node, NodeRole::Owner, Refusal::NodeNotFound);
    let Ok((revision, inherits)) = owned.map(|facts| (facts.revision, facts.inherits)) else {
        tx.commit().await?;
        return Ok(internal::KeepPromiseResponse { given: false });
    };
    let subject = Subject::Account(account);
    let present = grants::on(&mut tx, &[node.0]).await?;
    let before = present.iter().find(|grant| grant.subject == subject);
    let given = match before {
        Some(grant) => grant.role < role,
        None => present.len() < GRANTS_PER_NODE,
    };
    if given {
        grants::put(&mut tx, giver, node, subject, role, now).await?;
        let change = Change::of(node, ChangeKind::Shared, revision, giver.account).inherited(inherits);
        journal::append(&mut tx, &[change], now).await?;
    }
    tx.commit().await?;
    files.core.relay.nudge();
    Ok(internal::KeepPromiseResponse { given })
}
