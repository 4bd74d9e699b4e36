use super::{settled, wire};
use crate::Identity;
use crate::domain::{Caller, Page};
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1;

/// Open invitations, oldest first; those of the caller, when it is no admin.
pub(super) async fn list_invitations(
    identity: &Identity,
    ctx: &Ctx,
    request: v1::ListInvitationsRequest,
) -> Result<v1::ListInvitationsResponse, Error> {
    let caller = Caller::of(ctx)?;
    caller.may_invite(settled(identity, caller.tenant).await?.guest_invitations)?;
    let by = (!caller.is_admin()).then_some(caller.account);
    let page = Page::new(request.limit, request.cursor.as_deref())?;
    let mut rows = identity
        .0
        .store
        .invitations(caller.tenant, by, page, identity.0.clock.now())
        .await?;
    let next_cursor = page.cut(&mut rows, |row| row.id.0);
    Ok(v1::ListInvitationsResponse {
        items: rows.into_iter().map(wire::invitation).collect(),
        next_cursor,
    })
}
