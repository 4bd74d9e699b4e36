use super::accept_invitation::open;
use super::tenant_not_found;
use crate::Identity;
use crate::domain::Page;
use crate::service::timestamp;
use bitvault_platform::Error;
use bitvault_proto::v1;

/// What an invitation offers, to who holds its link: no more than its mail says.
pub(super) async fn lookup_invitation(
    identity: &Identity,
    request: v1::LookupInvitationRequest,
) -> Result<v1::OfferedInvitation, Error> {
    let store = &identity.0.store;
    let invited = open(identity, &request.token).await?;
    let tenant = store.tenant(invited.tenant).await?.ok_or_else(tenant_not_found)?;
    let inviter = store
        .members(invited.tenant, Page::new(1, None)?, Some(invited.invited_by))
        .await?;
    let account = store.account_by_email(invited.email_digest).await?;
    let shares = store.promised(invited.tenant, invited.id).await?;
    let shares = shares
        .into_iter()
        .map(|(name, role)| v1::OfferedShare { name, role });
    Ok(v1::OfferedInvitation {
        tenant: tenant.display_name.unwrap_or(tenant.name),
        email: invited.email,
        role: invited.role,
        invited_by: inviter.into_iter().next().map(|inviter| inviter.display_name),
        expires_at: Some(timestamp(invited.expires_at)),
        has_password: account.is_some_and(|account| account.password_set),
        shares: shares.collect(),
    })
}
