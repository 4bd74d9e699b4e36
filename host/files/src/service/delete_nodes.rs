use super::idempotent::Key;
use super::remove_nodes::{self, Budget, By, Item, Results};
use super::{Files, bounded_batch};
use crate::domain::access::Actor;
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::v1;
use bitvault_proto::v1::delete_node_result;
use std::collections::HashMap;

/// Deletes many nodes, one after the other in one transaction. A result per item; what is refused doesn't hold up the rest.
pub(super) async fn delete_nodes(
    files: &Files,
    ctx: &Ctx,
    mut request: v1::DeleteNodesRequest,
) -> Result<v1::DeleteNodesResponse> {
    let actor = Actor::of(ctx)?;
    bounded_batch(request.items.len())?;
    let key = Key::new(request.idempotency_key.take(), "DeleteNodes", &request)?;
    let mut items = Vec::with_capacity(request.items.len());
    // An id or a hash that can't be one is the mistake of its item.
    let mut wrong: HashMap<usize, Error> = HashMap::new();
    for (at, item) in request.items.iter().enumerate() {
        match Item::new(item, actor) {
            Ok(item) => items.push(item),
            Err(error) => {
                wrong.insert(at, error);
            }
        }
    }
    let answer = |results: Results| {
        let mut results = results.into_iter();
        let items = request.items.iter().enumerate().map(|(at, item)| {
            let result = match wrong.get(&at) {
                Some(error) => Err(error.clone()),
                None => match results.next() {
                    Some(result) => result.map_err(Error::from),
                    None => return Err(Error::internal("delete nodes", "an item has no result")),
                },
            };
            Ok(v1::DeleteNodeResult {
                result: Some(match result {
                    Ok(()) => delete_node_result::Result::Deleted(item.id.clone()),
                    Err(error) => delete_node_result::Result::Error(error.into()),
                }),
            })
        });
        Ok(v1::DeleteNodesResponse {
            items: items.collect::<Result<_>>()?,
        })
    };
    let mut budget = Budget::of_call();
    let by = By::Account(actor);
    remove_nodes::delete(&files.core, ctx, by, &items, key.as_ref(), &mut budget, answer).await
}
