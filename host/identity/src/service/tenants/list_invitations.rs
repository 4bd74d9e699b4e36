use super::wire;
use crate::Identity;
use crate::domain::{Caller, Page};
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1;

/// Open invitations, oldest first.
pub(super) async fn list_invitations(
    identity: &Identity,
    ctx: &Ctx,
    request: v1::ListInvitationsRequest,
) -> Result<v1::ListInvitationsResponse, Error> {
    let caller = Caller::of(ctx)?.require_admin()?;
    let page = Page::new(request.limit, request.cursor.as_deref())?;
    let mut rows = identity
        .0
        .store
        .invitations(caller.tenant, page, identity.0.clock.now())
        .await?;
    let next_cursor = page.cut(&mut rows, |row| row.id.0);
    Ok(v1::ListInvitationsResponse {
        items: rows.into_iter().map(wire::invitation).collect(),
        next_cursor,
    })
}
