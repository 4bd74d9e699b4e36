use super::invite::Draft;
use super::settled;
use crate::domain::{Caller, promises};
use crate::{EmailAddress, Identity};
use bitvault_platform::{Ctx, Error, Role};
use bitvault_proto::v1;

/// Invites an address, and promises it roles on nodes of the caller. The link goes there by mail, or to the inviter where
/// this server sends none.
pub(super) async fn create_invitation(
    identity: &Identity,
    ctx: &Ctx,
    request: v1::CreateInvitationRequest,
) -> Result<v1::CreateInvitationResponse, Error> {
    let caller = Caller::of(ctx)?;
    let role: Option<Role> = match request.role.as_str() {
        "" if !request.grants.is_empty() => None,
        text => Some(text.parse()?),
    };
    let settled = settled(identity, caller.tenant).await?.guest_invitations;
    caller.may_invite_to(role.unwrap_or(Role::Guest), settled)?;
    let email = EmailAddress::new(&request.email)?;
    let asked = request.grants.iter();
    let asked = promises(asked.map(|grant| (grant.node_id.as_str(), grant.role.as_str())))?;
    let mut draft = Draft::new(identity, &email, role);
    for (node, role) in asked {
        let (node, name) = identity.files()?.shareable(ctx, node).await?;
        draft.share(node, name, role)?;
    }
    let store = &identity.0.store;
    let row = store
        .create_invitation(caller, &draft.new, identity.0.clock.now())
        .await?;
    draft.hand_out(identity, caller, row).await
}
