use crate::domain::Caller;
use crate::service::sessions::no_member;
use crate::{EmailAddress, Identity, Password};
use bitvault_platform::hints::Whose;
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1;

/// Sets another password and ends all other sessions of the account, in every tenant. Guessing the current one is slowed
/// down as signing in is.
pub(super) async fn change_password(
    identity: &Identity,
    ctx: &Ctx,
    peer: &str,
    request: v1::ChangePasswordRequest,
) -> Result<v1::ChangePasswordResponse, Error> {
    let caller = Caller::of(ctx)?.require_session()?;
    let parts = &identity.0;
    let new = Password::in_field("new", &request.new)?;
    let member = parts
        .store
        .member(caller.tenant, caller.account)
        .await?
        .ok_or_else(no_member)?;
    let email = EmailAddress::digest_of_typed(&member.email);
    let attempt = identity.attempt(email, peer)?;
    let known = parts.store.account_by_email(email).await?.ok_or_else(no_member)?;
    let stored = Some(known.password_hash.clone());
    if !identity.matches(&request.current, stored).await? {
        metrics::counter!("bitvault_sign_in_failed_total").increment(1);
        return Err(Error::invalid_field(
            "password_wrong",
            "current",
            "this is not the account's password",
        ));
    }
    attempt.succeeded();
    let hash = identity.hash(&new).await?;
    parts
        .store
        .change_password(
            caller.account,
            &known.password_hash,
            &hash,
            (caller.tenant, caller.session),
        )
        .await?;
    parts.cache.look_again(Whose::account(caller.account));
    Ok(v1::ChangePasswordResponse {})
}
