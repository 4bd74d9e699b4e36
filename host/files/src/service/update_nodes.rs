use super::idempotent::Key;
use super::move_nodes::{self, Move, Results};
use super::{Files, bounded_batch};
use crate::domain::access::Actor;
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::v1;
use bitvault_proto::v1::update_node_result;

/// Renames and moves many nodes, one after the other in one transaction. A result per item; what is refused doesn't hold up
/// the rest.
pub(super) async fn update_nodes(
    files: &Files,
    ctx: &Ctx,
    mut request: v1::UpdateNodesRequest,
) -> Result<v1::UpdateNodesResponse> {
    let actor = Actor::of(ctx)?;
    bounded_batch(request.items.len())?;
    let key = Key::new(request.idempotency_key.take(), "UpdateNodes", &request)?;
    let parsed: Vec<Result<Move>> = request.items.iter().map(|item| Move::new(actor, item)).collect();
    let items: Vec<Move> = parsed.iter().filter_map(|item| item.clone().ok()).collect();
    let answer = |results: Results| {
        let mut results = results.into_iter();
        let items = parsed.iter().map(|item| {
            let result = match item {
                Err(error) => Err(error.clone()),
                Ok(_) => match results.next() {
                    Some(result) => result.map_err(Error::from),
                    None => return Err(Error::internal("update nodes", "an item has no result")),
                },
            };
            Ok(v1::UpdateNodeResult {
                result: Some(match result {
                    Ok(node) => update_node_result::Result::Node(node),
                    Err(error) => update_node_result::Result::Error(error.into()),
                }),
            })
        });
        Ok(v1::UpdateNodesResponse {
            items: items.collect::<Result<_>>()?,
        })
    };
    move_nodes::apply(&files.core, ctx, actor, &items, key.as_ref(), answer).await
}
