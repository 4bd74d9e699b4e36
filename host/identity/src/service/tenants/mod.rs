//! The service of a tenant, one verb a file: members, invitations, settings, and the caller's own account and tokens.

mod accept_invitation;
mod add_member;
mod change_password;
mod create_invitation;
mod create_token;
mod delete_tenant;
mod delete_token;
mod get_tenant;
mod invite;
mod list_invitations;
mod list_members;
mod list_tokens;
mod lookup_invitation;
mod remove_member;
mod revoke_invitation;
mod update_me;
mod update_member;
mod update_tenant;
mod wire;

use super::sessions::peer;
use crate::Identity;
use crate::domain::TenantSettings;
use bitvault_platform::ids::TenantId;
use bitvault_platform::{Code, Ctx, Error};
use bitvault_proto::v1;
use bitvault_proto::v1::tenant_service_server::TenantService;
use tonic::{Request, Response, Status};

/// Serves one call: the caller and the message in, the answer out.
macro_rules! serve {
    ($self:ident, $request:ident, $verb:path) => {{
        let ctx = Ctx::of(&$request)?;
        let answer = $verb($self, &ctx, $request.into_inner()).await?;
        Ok(Response::new(answer))
    }};
}

/// What a tenant has settled.
async fn settled(identity: &Identity, tenant: TenantId) -> Result<TenantSettings, Error> {
    let row = identity.0.store.tenant(tenant).await?;
    row.map(|row| row.settings).ok_or_else(tenant_not_found)
}

fn tenant_not_found() -> Error {
    Error::new(Code::NotFound, "tenant_not_found", "no such tenant")
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl TenantService for Identity {
    async fn list_members(
        &self,
        request: Request<v1::ListMembersRequest>,
    ) -> Answer<v1::ListMembersResponse> {
        serve!(self, request, list_members::list_members)
    }

    async fn add_member(&self, request: Request<v1::AddMemberRequest>) -> Answer<v1::AddMemberResponse> {
        serve!(self, request, add_member::add_member)
    }

    async fn update_member(&self, request: Request<v1::UpdateMemberRequest>) -> Answer<v1::Member> {
        serve!(self, request, update_member::update_member)
    }

    async fn remove_member(
        &self,
        request: Request<v1::RemoveMemberRequest>,
    ) -> Answer<v1::RemoveMemberResponse> {
        serve!(self, request, remove_member::remove_member)
    }

    async fn create_invitation(
        &self,
        request: Request<v1::CreateInvitationRequest>,
    ) -> Answer<v1::CreateInvitationResponse> {
        serve!(self, request, create_invitation::create_invitation)
    }

    async fn list_invitations(
        &self,
        request: Request<v1::ListInvitationsRequest>,
    ) -> Answer<v1::ListInvitationsResponse> {
        serve!(self, request, list_invitations::list_invitations)
    }

    async fn revoke_invitation(
        &self,
        request: Request<v1::RevokeInvitationRequest>,
    ) -> Answer<v1::RevokeInvitationResponse> {
        serve!(self, request, revoke_invitation::revoke_invitation)
    }

    async fn lookup_invitation(
        &self,
        request: Request<v1::LookupInvitationRequest>,
    ) -> Answer<v1::OfferedInvitation> {
        let offered = lookup_invitation::lookup_invitation(self, request.into_inner()).await?;
        Ok(Response::new(offered))
    }

    async fn accept_invitation(&self, request: Request<v1::AcceptInvitationRequest>) -> Answer<v1::Session> {
        let peer = peer(&request);
        let session = accept_invitation::accept_invitation(self, &peer, request.into_inner()).await?;
        Ok(Response::new(session))
    }

    async fn change_password(
        &self,
        request: Request<v1::ChangePasswordRequest>,
    ) -> Answer<v1::ChangePasswordResponse> {
        let (ctx, peer) = (Ctx::of(&request)?, peer(&request));
        let answer = change_password::change_password(self, &ctx, &peer, request.into_inner()).await?;
        Ok(Response::new(answer))
    }

    async fn update_me(&self, request: Request<v1::UpdateMeRequest>) -> Answer<v1::Account> {
        serve!(self, request, update_me::update_me)
    }

    async fn create_token(
        &self,
        request: Request<v1::CreateTokenRequest>,
    ) -> Answer<v1::CreateTokenResponse> {
        serve!(self, request, create_token::create_token)
    }

    async fn list_tokens(&self, request: Request<v1::ListTokensRequest>) -> Answer<v1::ListTokensResponse> {
        serve!(self, request, list_tokens::list_tokens)
    }

    async fn delete_token(
        &self,
        request: Request<v1::DeleteTokenRequest>,
    ) -> Answer<v1::DeleteTokenResponse> {
        serve!(self, request, delete_token::delete_token)
    }

    async fn get_tenant(&self, request: Request<v1::GetTenantRequest>) -> Answer<v1::TenantDetails> {
        serve!(self, request, get_tenant::get_tenant)
    }

    async fn update_tenant(&self, request: Request<v1::UpdateTenantRequest>) -> Answer<v1::TenantDetails> {
        serve!(self, request, update_tenant::update_tenant)
    }

    async fn delete_tenant(
        &self,
        request: Request<v1::DeleteTenantRequest>,
    ) -> Answer<v1::DeleteTenantResponse> {
        serve!(self, request, delete_tenant::delete_tenant)
    }
}
