use crate::Identity;
use crate::domain::Caller;
use crate::store::member_not_found;
use bitvault_platform::hints::Whose;
use bitvault_platform::ids::AccountId;
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1;

/// Takes an account out of the tenant. Its sessions and tokens there end: here at once, elsewhere within seconds.
pub(super) async fn remove_member(
    identity: &Identity,
    ctx: &Ctx,
    request: v1::RemoveMemberRequest,
) -> Result<v1::RemoveMemberResponse, Error> {
    let caller = Caller::of(ctx)?.require_admin()?;
    let account: AccountId = request.account_id.parse().map_err(|_| member_not_found())?;
    identity.0.store.remove_member(caller, account).await?;
    identity.0.cache.look_again(Whose::member(caller.tenant, account));
    Ok(v1::RemoveMemberResponse {})
}
