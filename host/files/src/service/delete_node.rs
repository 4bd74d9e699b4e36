use super::Files;
use super::remove_nodes::{self, Budget, By, Item};
use crate::domain::access::Actor;
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::v1;

/// Moves a node to the trash, or removes one that is there with everything below it. Moving what is in the trash already
/// changes nothing.
pub(super) async fn delete_node(
    files: &Files,
    ctx: &Ctx,
    request: v1::DeleteNodeRequest,
) -> Result<v1::DeleteNodeResponse> {
    let actor = Actor::of(ctx)?;
    let item = v1::NodeDelete {
        id: request.id,
        permanent: request.permanent,
        revision: request.revision,
        covers: request.covers,
    };
    let item = Item::new(&item, actor)?;
    let mut budget = Budget::of_call();
    let by = By::Account(actor);
    remove_nodes::delete(&files.core, ctx, by, &[item], None, &mut budget, |mut results| {
        let result = results.pop();
        result.ok_or_else(|| Error::internal("delete a node", "it has no result"))??;
        Ok(v1::DeleteNodeResponse {})
    })
    .await
}
