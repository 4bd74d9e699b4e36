use crate::Identity;
use crate::domain::{Caller, shown_name};
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1;

/// Gives the caller's account another name, in every tenant.
pub(super) async fn update_me(
    identity: &Identity,
    ctx: &Ctx,
    request: v1::UpdateMeRequest,
) -> Result<v1::Account, Error> {
    let caller = Caller::of(ctx)?;
    let name = shown_name(&request.display_name)?;
    let (email, display_name) = identity.0.store.rename_account(caller.account, &name).await?;
    Ok(v1::Account {
        id: caller.account.to_string(),
        email,
        display_name,
    })
}
