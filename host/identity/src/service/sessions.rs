use super::passwords::sign_in_failed;
use super::{closed, timestamp};
use crate::store::{MemberRow, NewSession, Refreshed, Tokens};
use crate::{EmailAddress, Identity, PEER_HEADER};
use bitvault_platform::hints::Whose;
use bitvault_platform::token::{Token, TokenKind};
use bitvault_platform::{Code, Ctx, Error, Principal};
use bitvault_proto::v1::session_service_server::SessionService;
use bitvault_proto::v1::{
    Account, CreateSessionRequest, DeleteCurrentSessionRequest, DeleteCurrentSessionResponse, GetMeRequest,
    Me, RefreshSessionRequest, Session, Tenant,
};
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl SessionService for Identity {
    async fn create_session(
        &self,
        request: Request<CreateSessionRequest>,
    ) -> Result<Response<Session>, Status> {
        let peer = peer(&request);
        Ok(Response::new(self.sign_in(request.into_inner(), &peer).await?))
    }

    async fn refresh_session(
        &self,
        request: Request<RefreshSessionRequest>,
    ) -> Result<Response<Session>, Status> {
        Ok(Response::new(
            self.refresh(&request.get_ref().refresh_token).await?,
        ))
    }

    async fn delete_current_session(
        &self,
        request: Request<DeleteCurrentSessionRequest>,
    ) -> Result<Response<DeleteCurrentSessionResponse>, Status> {
        let ctx = Ctx::of(&request)?;
        let (tenant, account) = (ctx.tenant()?, ctx.account_id()?);
        if let Principal::Account { session, .. } = ctx.principal()
            && self.0.store.delete_session(tenant, *session).await?
        {
            self.0.cache.look_again(Whose::member(tenant, account));
        }
        Ok(Response::new(DeleteCurrentSessionResponse {}))
    }

    async fn get_me(&self, request: Request<GetMeRequest>) -> Result<Response<Me>, Status> {
        let ctx = Ctx::of(&request)?;
        let member = self
            .0
            .store
            .member(ctx.tenant()?, ctx.account_id()?)
            .await?
            .ok_or_else(no_member)?;
        Ok(Response::new(Me {
            account: Some(account(&member)),
            tenant: Some(tenant(&member)),
            role: member.role.to_string(),
        }))
    }
}

impl Identity {
    async fn sign_in(&self, wanted: CreateSessionRequest, peer: &str) -> Result<Session, Error> {
        let email = EmailAddress::digest_of_typed(&wanted.email);
        let attempt = self.attempt(email, peer)?;
        let known = self.0.store.account_by_email(email).await?;
        let stored = known.as_ref().map(|row| row.password_hash.clone());
        let right = self.matches(&wanted.password, stored).await?;
        let Some(known) = known.filter(|_| right) else {
            return Err(sign_in_failed());
        };
        attempt.succeeded();
        let member = choose(
            self.0.store.memberships(known.id).await?,
            wanted.tenant.as_deref(),
        )?;
        if member.closed {
            return Err(closed());
        }
        let (fresh, tokens) = self.fresh_tokens();
        let new = NewSession {
            tenant: member.tenant,
            account: known.id,
            password_hash: &known.password_hash,
            tokens,
        };
        self.0.store.create_session(new, self.0.clock.now()).await?;
        Ok(fresh.session(&member, tokens))
    }

    async fn refresh(&self, refresh_token: &str) -> Result<Session, Error> {
        let token = Token::parse(TokenKind::Refresh, refresh_token).ok_or_else(refresh_invalid)?;
        let (fresh, tokens) = self.fresh_tokens();
        let outcome = self
            .0
            .store
            .refresh(token.digest(), tokens, self.0.clock.now())
            .await?;
        match outcome {
            Refreshed::Renewed { tenant, account } => {
                let member = self
                    .0
                    .store
                    .member(tenant, account)
                    .await?
                    .ok_or_else(no_member)?;
                Ok(fresh.session(&member, tokens))
            }
            Refreshed::Reused { tenant } => {
                self.0.cache.look_again(Whose::tenant(tenant));
                tracing::warn!("a refresh token was used twice: its session was ended");
                metrics::counter!("bitvault_refresh_reused_total").increment(1);
                Err(Error::new(
                    Code::Unauthenticated,
                    "refresh_reused",
                    "this refresh token had been used before, so its session was ended; sign in again",
                ))
            }
            Refreshed::Expired => Err(Error::new(
                Code::Unauthenticated,
                "refresh_expired",
                "the refresh token has expired; sign in again",
            )),
            Refreshed::Unknown => Err(refresh_invalid()),
            Refreshed::Closed => Err(closed()),
        }
    }

    pub(super) fn fresh_tokens(&self) -> (FreshTokens, Tokens) {
        let fresh = FreshTokens {
            access: Token::new(TokenKind::Access),
            refresh: Token::new(TokenKind::Refresh),
        };
        let now = self.0.clock.now();
        let tokens = Tokens {
            access: fresh.access.digest(),
            access_expires_at: now + self.0.config.access_token_lifetime,
            refresh: fresh.refresh.digest(),
            refresh_expires_at: now + self.0.config.refresh_token_lifetime,
        };
        (fresh, tokens)
    }
}

/// Tokens on their way to the client.
pub(super) struct FreshTokens {
    access: Token,
    refresh: Token,
}

impl FreshTokens {
    pub(super) fn session(self, member: &MemberRow, tokens: Tokens) -> Session {
        let expires_at = tokens.access_expires_at;
        Session {
            access_token: self.access.into_text(),
            refresh_token: self.refresh.into_text(),
            expires_at: Some(timestamp(expires_at)),
            account: Some(account(member)),
            tenant: Some(tenant(member)),
        }
    }
}

/// The address that a call came from, as the gateway tells it.
pub(super) fn peer<T>(request: &Request<T>) -> String {
    request
        .metadata()
        .get(PEER_HEADER)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}

/// The tenant to sign in to. Told apart only to somebody who knew the password.
fn choose(mut members: Vec<MemberRow>, wanted: Option<&str>) -> Result<MemberRow, Error> {
    match wanted {
        Some(name) => members
            .into_iter()
            .find(|member| member.tenant_name == name)
            .ok_or_else(|| {
                Error::new(
                    Code::Denied,
                    "tenant_denied",
                    "this account does not belong to that tenant; check its name",
                )
            }),
        None if members.len() > 1 => Err(Error::invalid_field(
            "tenant_required",
            "tenant",
            "this account belongs to several tenants; name the one to sign in to",
        )),
        None => members.pop().ok_or_else(|| {
            Error::new(
                Code::Denied,
                "no_tenant",
                "this account belongs to no tenant; ask an administrator for an invitation",
            )
        }),
    }
}

fn account(member: &MemberRow) -> Account {
    Account {
        id: member.account.to_string(),
        email: member.email.clone(),
        display_name: member.display_name.clone(),
    }
}

fn tenant(member: &MemberRow) -> Tenant {
    Tenant {
        id: member.tenant.to_string(),
        name: member.tenant_name.clone(),
    }
}

fn refresh_invalid() -> Error {
    Error::new(
        Code::Unauthenticated,
        "refresh_invalid",
        "this refresh token is unknown or its session has ended; sign in again",
    )
}

pub(super) fn no_member() -> Error {
    Error::new(
        Code::Unauthenticated,
        "token_invalid",
        "the account no longer belongs to this tenant; sign in again",
    )
}
