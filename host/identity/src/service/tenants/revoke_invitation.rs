use super::settled;
use crate::Identity;
use crate::domain::Caller;
use bitvault_platform::ids::InvitationId;
use bitvault_platform::{Code, Ctx, Error};
use bitvault_proto::v1;

/// Takes an invitation back, the caller's own when it is no admin: its link leads nowhere from now on, and gives nothing.
pub(super) async fn revoke_invitation(
    identity: &Identity,
    ctx: &Ctx,
    request: v1::RevokeInvitationRequest,
) -> Result<v1::RevokeInvitationResponse, Error> {
    let caller = Caller::of(ctx)?;
    caller.may_invite(settled(identity, caller.tenant).await?.guest_invitations)?;
    let by = (!caller.is_admin()).then_some(caller.account);
    let id: InvitationId = request.id.parse()?;
    if identity.0.store.revoke_invitation(caller.tenant, id, by).await? {
        return Ok(v1::RevokeInvitationResponse {});
    }
    Err(Error::new(
        Code::NotFound,
        "invitation_not_found",
        "no such invitation",
    ))
}
