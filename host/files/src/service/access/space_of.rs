//! What running the tenant adds: who administers it may share the top of a space, and so can always put right who has
//! access to one. It gives no access to what is in there, and none to anybody's home.

use crate::domain::access::{Actor, NodeRole};
use crate::domain::lineage::{Lineage, NodeFacts};
use crate::error::Refusal;
use crate::store::spaces;
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;

/// The node, if the caller may share it: as an owner of it, or as an administrator when it is the top of a space.
pub(super) async fn sharable(
    tx: &mut TenantTx,
    actor: Actor,
    lineage: &mut Lineage,
    node: NodeId,
) -> Result<NodeFacts> {
    let refusal = match lineage.require(actor.account, node, NodeRole::Owner, Refusal::NodeNotFound) {
        Ok(facts) => return Ok(facts.clone()),
        Err(refusal) => refusal,
    };
    if actor.is_admin()
        && let Some(facts) = lineage.live(node)
        && spaces::get(tx, node).await?.is_some()
    {
        return Ok(facts.clone());
    }
    Err(refusal.into())
}
