use super::Files;
use super::idempotent::Key;
use super::move_nodes::{self, Move};
use crate::domain::access::Actor;
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::v1;

/// Gives a node another name, another folder, or both.
pub(super) async fn update_node(
    files: &Files,
    ctx: &Ctx,
    mut request: v1::UpdateNodeRequest,
) -> Result<v1::Node> {
    let actor = Actor::of(ctx)?;
    let key = Key::new(request.idempotency_key.take(), "UpdateNode", &request)?;
    let asked = v1::NodeMove {
        id: request.id,
        name: request.name,
        parent_id: request.parent_id,
        revision: request.revision,
    };
    let item = Move::new(actor, &asked)?;
    move_nodes::apply(&files.core, ctx, actor, &[item], key.as_ref(), |mut results| {
        let result = results.pop();
        Ok(result.ok_or_else(|| Error::internal("update a node", "it has no result"))??)
    })
    .await
}
