use super::invite::Draft;
use super::wire;
use crate::domain::{Caller, display_name};
use crate::store::NewMember;
use crate::{EmailAddress, Identity, Password};
use bitvault_platform::{Ctx, Error, Role};
use bitvault_proto::v1;

/// Adds an account to the tenant, or makes one: with a password, or with an invitation through which it gets one.
pub(super) async fn add_member(
    identity: &Identity,
    ctx: &Ctx,
    request: v1::AddMemberRequest,
) -> Result<v1::AddMemberResponse, Error> {
    let caller = Caller::of(ctx)?.require_admin()?;
    let role: Role = request.role.parse()?;
    caller.may_decide(role)?;
    let email = EmailAddress::new(&request.email)?;
    let display_name = display_name(request.display_name.as_deref().unwrap_or_default(), &email)?;
    let password_hash = match &request.password {
        Some(password) => Some(identity.hash(&Password::new(password)?).await?),
        None => None,
    };
    let draft = Draft::new(identity, &email, Some(role));
    let new = NewMember {
        email: &email,
        display_name: &display_name,
        password_hash: password_hash.as_deref(),
        nobodys_hash: identity.0.hasher.nobodys(),
        role,
        invitation: &draft.new,
    };
    let (member, invitation) = identity
        .0
        .store
        .add_member(caller, new, identity.0.clock.now())
        .await?;
    let invitation = match invitation {
        Some(row) => Some(draft.hand_out(identity, caller, row).await?),
        None => None,
    };
    Ok(v1::AddMemberResponse {
        member: Some(wire::member(member)),
        invitation,
    })
}
