use crate::Identity;
use crate::domain::Caller;
use bitvault_platform::ids::InvitationId;
use bitvault_platform::{Code, Ctx, Error};
use bitvault_proto::v1;

/// Takes an invitation back: its link leads nowhere from now on.
pub(super) async fn revoke_invitation(
    identity: &Identity,
    ctx: &Ctx,
    request: v1::RevokeInvitationRequest,
) -> Result<v1::RevokeInvitationResponse, Error> {
    let caller = Caller::of(ctx)?.require_admin()?;
    let id: InvitationId = request.id.parse()?;
    if identity.0.store.revoke_invitation(caller.tenant, id).await? {
        return Ok(v1::RevokeInvitationResponse {});
    }
    Err(Error::new(
        Code::NotFound,
        "invitation_not_found",
        "no such invitation",
    ))
}
