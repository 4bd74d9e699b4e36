use super::invite::Draft;
use crate::domain::Caller;
use crate::{EmailAddress, Identity};
use bitvault_platform::{Ctx, Error, Role};
use bitvault_proto::v1;

/// Invites an address. The link goes there by mail, or to the inviter where this server sends none.
pub(super) async fn create_invitation(
    identity: &Identity,
    ctx: &Ctx,
    request: v1::CreateInvitationRequest,
) -> Result<v1::CreateInvitationResponse, Error> {
    let caller = Caller::of(ctx)?.require_admin()?;
    let role: Role = request.role.parse()?;
    caller.may_decide(role)?;
    let email = EmailAddress::new(&request.email)?;
    let draft = Draft::new(identity, &email, role);
    identity
        .0
        .store
        .create_invitation(caller, &draft.new, identity.0.clock.now())
        .await?;
    draft.hand_out(identity, caller).await
}
