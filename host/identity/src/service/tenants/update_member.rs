use super::wire;
use crate::Identity;
use crate::domain::{Caller, Page};
use crate::store::member_not_found;
use bitvault_platform::hints::Whose;
use bitvault_platform::ids::AccountId;
use bitvault_platform::{Ctx, Error, Role};
use bitvault_proto::v1;

/// Gives a member another role. What was cached of it is forgotten here at once, and elsewhere within seconds.
pub(super) async fn update_member(
    identity: &Identity,
    ctx: &Ctx,
    request: v1::UpdateMemberRequest,
) -> Result<v1::Member, Error> {
    let caller = Caller::of(ctx)?.require_admin()?;
    let role: Role = request.role.parse()?;
    let account: AccountId = request.account_id.parse().map_err(|_| member_not_found())?;
    identity.0.store.change_role(caller, account, role).await?;
    identity.0.cache.look_again(Whose::member(caller.tenant, account));
    let one = Page::new(1, None)?;
    let found = identity
        .0
        .store
        .members(caller.tenant, one, Some(account))
        .await?;
    found
        .into_iter()
        .next()
        .map(wire::member)
        .ok_or_else(member_not_found)
}
