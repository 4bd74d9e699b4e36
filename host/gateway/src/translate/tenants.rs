use super::access::role;
use super::{account, at, missing};
use bitvault_api as rest;
use bitvault_platform::Error;
use bitvault_proto::v1 as rpc;

pub(crate) fn member(from: rpc::Member) -> Result<rest::Member, Error> {
    let account = account(from.account)?;
    Ok(rest::Member {
        id: account.id,
        email: account.email,
        display_name: account.display_name,
        role: from.role,
        joined_at: at(from.joined_at, "member.joined_at")?,
        pending: from.pending,
    })
}

pub(crate) fn added_member(from: rpc::AddMemberResponse) -> Result<rest::AddedMember, Error> {
    Ok(rest::AddedMember {
        member: member(from.member.ok_or_else(|| missing("member"))?)?,
        invitation: from.invitation.map(created_invitation).transpose()?,
    })
}

pub(crate) fn invitation(from: rpc::Invitation) -> Result<rest::Invitation, Error> {
    Ok(rest::Invitation {
        id: from.id,
        email: from.email,
        role: from.role,
        invited_by: from.invited_by,
        created_at: at(from.created_at, "invitation.created_at")?,
        expires_at: at(from.expires_at, "invitation.expires_at")?,
        grants: from
            .grants
            .into_iter()
            .map(invited_grant)
            .collect::<Result<_, _>>()?,
    })
}

fn invited_grant(from: rpc::InvitedGrant) -> Result<rest::InvitedGrant, Error> {
    Ok(rest::InvitedGrant {
        role: role(&from.role)?,
        node_id: from.node_id,
    })
}

pub(crate) fn offered_invitation(from: rpc::OfferedInvitation) -> Result<rest::OfferedInvitation, Error> {
    let shares = from.shares.into_iter().map(|share| {
        Ok(rest::OfferedShare {
            role: role(&share.role)?,
            name: share.name,
        })
    });
    Ok(rest::OfferedInvitation {
        tenant: from.tenant,
        email: from.email,
        role: from.role,
        invited_by: from.invited_by,
        expires_at: at(from.expires_at, "invitation.expires_at")?,
        has_password: from.has_password,
        shares: shares.collect::<Result<_, Error>>()?,
    })
}

pub(crate) fn create_invitation(from: rest::CreateInvitation) -> rpc::CreateInvitationRequest {
    let grants = from.grants.into_iter().map(|grant| rpc::InvitedGrant {
        node_id: grant.node_id,
        role: grant.role.name().to_owned(),
    });
    rpc::CreateInvitationRequest {
        email: from.email,
        role: from.role.unwrap_or_default(),
        grants: grants.collect(),
    }
}

pub(crate) fn created_invitation(
    from: rpc::CreateInvitationResponse,
) -> Result<rest::CreatedInvitation, Error> {
    Ok(rest::CreatedInvitation {
        invitation: invitation(from.invitation.ok_or_else(|| missing("invitation"))?)?,
        url: from.url,
    })
}

pub(crate) fn token(from: rpc::AccessToken) -> Result<rest::AccessToken, Error> {
    Ok(rest::AccessToken {
        id: from.id,
        name: from.name,
        scopes: from.scopes,
        created_at: at(from.created_at, "token.created_at")?,
        expires_at: at(from.expires_at, "token.expires_at")?,
    })
}

pub(crate) fn created_token(from: rpc::CreateTokenResponse) -> Result<rest::CreatedToken, Error> {
    Ok(rest::CreatedToken {
        token: token(from.token.ok_or_else(|| missing("token"))?)?,
        secret: from.secret,
    })
}

pub(crate) fn tenant_details(from: rpc::TenantDetails) -> Result<rest::TenantDetails, Error> {
    let settings = from.settings.ok_or_else(|| missing("tenant.settings"))?;
    Ok(rest::TenantDetails {
        id: from.id,
        name: from.name,
        display_name: from.display_name,
        created_at: at(from.created_at, "tenant.created_at")?,
        settings: rest::TenantSettings {
            public_links: settings
                .public_links
                .ok_or_else(|| missing("settings.public_links"))?,
            trash_retention_days: settings.trash_retention_days,
            guest_invitations: settings
                .guest_invitations
                .ok_or_else(|| missing("settings.guest_invitations"))?,
        },
    })
}

pub(crate) fn update_tenant(from: rest::UpdateTenant) -> rpc::UpdateTenantRequest {
    rpc::UpdateTenantRequest {
        display_name: from.display_name,
        settings: from.settings.map(|settings| rpc::TenantSettings {
            public_links: settings.public_links,
            trash_retention_days: settings.trash_retention_days,
            guest_invitations: settings.guest_invitations,
        }),
    }
}

pub(crate) fn tenant_deletion(from: rpc::DeleteTenantResponse) -> Result<rest::TenantDeletion, Error> {
    Ok(rest::TenantDeletion {
        delete_after: at(from.delete_after, "delete_after")?,
    })
}
