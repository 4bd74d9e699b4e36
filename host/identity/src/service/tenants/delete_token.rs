use crate::Identity;
use crate::domain::Caller;
use bitvault_platform::hints::Whose;
use bitvault_platform::ids::TokenId;
use bitvault_platform::{Code, Ctx, Error};
use bitvault_proto::v1;

/// Ends one of the caller's tokens: here at once, elsewhere within seconds.
pub(super) async fn delete_token(
    identity: &Identity,
    ctx: &Ctx,
    request: v1::DeleteTokenRequest,
) -> Result<v1::DeleteTokenResponse, Error> {
    let caller = Caller::of(ctx)?;
    let id: TokenId = request.id.parse()?;
    if !identity.0.store.delete_token(caller, id).await? {
        return Err(Error::new(Code::NotFound, "token_not_found", "no such token"));
    }
    identity
        .0
        .cache
        .look_again(Whose::member(caller.tenant, caller.account));
    Ok(v1::DeleteTokenResponse {})
}
