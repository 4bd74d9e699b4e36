use super::{closed, timestamp};
use crate::domain::display_name;
use crate::store::{Marked, NewAccount};
use crate::{EmailAddress, Identity, Password, TenantName};
use bitvault_platform::hints::Whose;
use bitvault_platform::ids::{AccountId, TenantId};
use bitvault_platform::token::{Token, TokenKind};
use bitvault_platform::{Code, Ctx, Error, Role};
use bitvault_proto::internal::v1::identity_service_server::IdentityService;
use bitvault_proto::internal::v1::{
    AuthenticateRequest, CreateAccountRequest, CreateAccountResponse, CreateTenantRequest,
    CreateTenantResponse, FindMemberRequest, FindMemberResponse, FindTenantRequest, FindTenantResponse,
    GetMembershipRequest, MarkTenantForDeletionRequest, MarkTenantForDeletionResponse, Membership, Principal,
    ResumeTenantRequest, ResumeTenantResponse, Scopes, SuspendTenantRequest, SuspendTenantResponse,
};
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl IdentityService for Identity {
    async fn authenticate(
        &self,
        request: Request<AuthenticateRequest>,
    ) -> Result<Response<Principal>, Status> {
        Ctx::of(&request)?.require_system()?;
        Ok(Response::new(
            self.principal(&request.get_ref().access_token).await?,
        ))
    }

    async fn find_member(
        &self,
        request: Request<FindMemberRequest>,
    ) -> Result<Response<FindMemberResponse>, Status> {
        let ctx = Ctx::of(&request)?;
        ctx.require_system()?;
        let tenant = ctx.tenant()?;
        let email = EmailAddress::digest_of_typed(&request.get_ref().email);
        let account = self.0.store.account_by_email(email).await?;
        let member = match account {
            Some(account) => self.0.store.member(tenant, account.id).await?,
            None => None,
        };
        let member = member.ok_or_else(|| {
            let detail = "nobody with this mail address belongs to the tenant: invite them first";
            Error::new(Code::NotFound, "member_not_found", detail)
        })?;
        Ok(Response::new(FindMemberResponse {
            account_id: member.account.to_string(),
        }))
    }

    async fn create_tenant(
        &self,
        request: Request<CreateTenantRequest>,
    ) -> Result<Response<CreateTenantResponse>, Status> {
        Ctx::of(&request)?.require_system()?;
        let name = TenantName::new(&request.get_ref().name)?;
        let id = self.0.store.create_tenant(&name, self.0.clock.now()).await?;
        Ok(Response::new(CreateTenantResponse {
            tenant_id: id.to_string(),
        }))
    }

    async fn create_account(
        &self,
        request: Request<CreateAccountRequest>,
    ) -> Result<Response<CreateAccountResponse>, Status> {
        Ctx::of(&request)?.require_system()?;
        let wanted = request.into_inner();
        let tenant: TenantId = wanted.tenant_id.parse()?;
        let role: Role = wanted.role.parse()?;
        let email = EmailAddress::new(&wanted.email)?;
        let display_name = display_name(&wanted.display_name, &email)?;
        let password = Password::new(&wanted.password)?;
        let password_hash = self.hash(&password).await?;
        let new = NewAccount {
            tenant,
            email: &email,
            display_name: &display_name,
            password_hash: &password_hash,
            role,
        };
        let id = self.0.store.create_account(new, self.0.clock.now()).await?;
        Ok(Response::new(CreateAccountResponse {
            account_id: id.to_string(),
        }))
    }

    async fn get_membership(
        &self,
        request: Request<GetMembershipRequest>,
    ) -> Result<Response<Membership>, Status> {
        Ctx::of(&request)?.require_system()?;
        let wanted = request.into_inner();
        let tenant: TenantId = wanted.tenant_id.parse()?;
        let account: AccountId = wanted.account_id.parse()?;
        let member = self.0.store.member(tenant, account).await?;
        let member = member.ok_or_else(|| {
            let text = "the account does not belong to this tenant";
            Error::new(Code::NotFound, "member_not_found", text)
        })?;
        if member.closed {
            return Err(closed().into());
        }
        Ok(Response::new(Membership {
            role: member.role.to_string(),
            public_links: member.settings.public_links.name().to_owned(),
        }))
    }

    async fn suspend_tenant(
        &self,
        request: Request<SuspendTenantRequest>,
    ) -> Result<Response<SuspendTenantResponse>, Status> {
        Ctx::of(&request)?.require_system()?;
        let id = self.named(&request.get_ref().name).await?;
        self.0.store.suspend(id, self.0.clock.now()).await?;
        self.0.cache.look_again(Whose::tenant(id));
        Ok(Response::new(SuspendTenantResponse {}))
    }

    async fn resume_tenant(
        &self,
        request: Request<ResumeTenantRequest>,
    ) -> Result<Response<ResumeTenantResponse>, Status> {
        Ctx::of(&request)?.require_system()?;
        let id = self.named(&request.get_ref().name).await?;
        self.0.store.resume(id).await?;
        self.0.cache.look_again(Whose::tenant(id));
        Ok(Response::new(ResumeTenantResponse {}))
    }

    async fn mark_tenant_for_deletion(
        &self,
        request: Request<MarkTenantForDeletionRequest>,
    ) -> Result<Response<MarkTenantForDeletionResponse>, Status> {
        Ctx::of(&request)?.require_system()?;
        let id = self.named(&request.get_ref().name).await?;
        let marked = self.mark_for_deletion(id).await?;
        Ok(Response::new(MarkTenantForDeletionResponse {
            delete_after: Some(timestamp(marked.delete_after)),
        }))
    }

    async fn find_tenant(
        &self,
        request: Request<FindTenantRequest>,
    ) -> Result<Response<FindTenantResponse>, Status> {
        Ctx::of(&request)?.require_system()?;
        let id = self.named(&request.get_ref().name).await?;
        Ok(Response::new(FindTenantResponse {
            tenant_id: id.to_string(),
        }))
    }
}

impl Identity {
    async fn named(&self, name: &str) -> Result<TenantId, Error> {
        self.0.store.tenant_named(&TenantName::new(name)?).await
    }

    /// Keeps everybody out of a tenant from now on, and lets everything in it go after the grace period.
    pub(super) async fn mark_for_deletion(&self, id: TenantId) -> Result<Marked, Error> {
        let delete_after = self.0.clock.now() + self.0.config.deletion.grace;
        let marked = self.0.store.mark(id, delete_after).await?;
        self.0.cache.look_again(Whose::tenant(id));
        tracing::warn!(tenant = %id, delete_after = %marked.delete_after, "a tenant was marked for deletion");
        Ok(marked)
    }

    async fn principal(&self, access_token: &str) -> Result<Principal, Error> {
        let personal = Token::parse(TokenKind::Personal, access_token);
        let is_personal = personal.is_some();
        let token = personal
            .or_else(|| Token::parse(TokenKind::Access, access_token))
            .ok_or_else(token_invalid)?;
        let digest = token.digest();
        let holder = match self.0.cache.get(&digest) {
            Some(holder) => holder,
            None => {
                let found = if is_personal {
                    self.0.store.token_holder(digest).await?
                } else {
                    self.0.store.holder(digest).await?
                };
                let holder = found.ok_or_else(token_invalid)?;
                self.0.cache.put(digest, holder);
                holder
            }
        };
        if holder.expires_at <= self.0.clock.now() {
            return Err(Error::new(
                Code::Unauthenticated,
                "token_expired",
                "the access token has expired; refresh the session or sign in again",
            ));
        }
        if holder.closed {
            return Err(closed());
        }
        Ok(Principal {
            scopes: holder.scopes.map(|scopes| Scopes {
                read: scopes.read,
                write: scopes.write,
            }),
            tenant_id: holder.tenant.to_string(),
            account_id: holder.account.to_string(),
            session_id: holder.session.to_string(),
            role: holder.role.to_string(),
        })
    }
}

fn token_invalid() -> Error {
    Error::new(
        Code::Unauthenticated,
        "token_invalid",
        "this access token is unknown or its session has ended; sign in again",
    )
}
