use super::wire;
use crate::Identity;
use crate::domain::{Caller, Page};
use bitvault_platform::{Ctx, Error, Role};
use bitvault_proto::v1;

/// Everybody who belongs to the tenant; a guest sees itself only.
pub(super) async fn list_members(
    identity: &Identity,
    ctx: &Ctx,
    request: v1::ListMembersRequest,
) -> Result<v1::ListMembersResponse, Error> {
    let caller = Caller::of(ctx)?;
    let page = Page::new(request.limit, request.cursor.as_deref())?;
    let only = (caller.role == Role::Guest).then_some(caller.account);
    let mut members = identity.0.store.members(caller.tenant, page, only).await?;
    let next_cursor = page.cut(&mut members, |member| member.account.0);
    Ok(v1::ListMembersResponse {
        items: members.into_iter().map(wire::member).collect(),
        next_cursor,
    })
}
