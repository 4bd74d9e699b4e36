use super::wire;
use crate::Identity;
use crate::domain::Caller;
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1;

/// The caller's tokens in this tenant, without their secrets.
pub(super) async fn list_tokens(
    identity: &Identity,
    ctx: &Ctx,
    _request: v1::ListTokensRequest,
) -> Result<v1::ListTokensResponse, Error> {
    let caller = Caller::of(ctx)?;
    let rows = identity.0.store.tokens(caller, identity.0.clock.now()).await?;
    Ok(v1::ListTokensResponse {
        items: rows.into_iter().map(wire::token).collect(),
    })
}
