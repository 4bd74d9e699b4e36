//! Who calls: a bearer token becomes a [`Ctx`].

use crate::problem::Refusal;
use crate::serve::PeerAddr;
use crate::state::{AppState, Inner};
use axum::extract::FromRequestParts;
use bitvault_platform::{Code, Ctx, Error, Principal, Role, Scopes};
use bitvault_proto::internal::v1::AuthenticateRequest;
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Extensions, HeaderMap};
use std::convert::Infallible;
use std::net::IpAddr;

/// Metadata under which modules learn the address that a request came from.
pub(crate) const PEER_HEADER: &str = "bitvault-peer";

/// A signed-in caller.
#[derive(Debug)]
pub(crate) struct Caller(pub(crate) Ctx);

impl FromRequestParts<AppState> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        Ok(Self(authenticate(state, &parts.headers).await?))
    }
}

/// A signed-in caller who runs the tenant.
#[derive(Debug)]
pub(crate) struct Admin;

impl FromRequestParts<AppState> for Admin {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        let Caller(ctx) = Caller::from_request_parts(parts, state).await?;
        match ctx.principal() {
            Principal::Account { role, .. } if *role >= Role::Admin => Ok(Self),
            _ => Err(Error::new(Code::Denied, "admin_only", "this needs the role admin or owner").into()),
        }
    }
}

/// Asks the module identity who holds the token of these headers. The future owns what it needs: one that borrows is
/// not `Send` in the eyes of today's compiler once it passes through the generated client.
pub(crate) fn authenticate(state: &Inner, headers: &HeaderMap) -> BoxFuture<'static, Result<Ctx, Error>> {
    let token = bearer(headers).map(str::to_owned);
    let mut identity = state.identity();
    Box::pin(async move {
        let message = AuthenticateRequest { access_token: token? };
        let request = Ctx::system("gateway").request(message);
        let principal = identity
            .authenticate(request)
            .await
            .map_err(Error::from)?
            .into_inner();
        let ctx = Ctx::account(
            principal.tenant_id.parse()?,
            principal.account_id.parse()?,
            principal.session_id.parse()?,
            principal.role.parse()?,
        );
        Ok(match principal.scopes {
            None => ctx,
            Some(scopes) => ctx.limited_to(Scopes {
                read: scopes.read,
                write: scopes.write,
            }),
        })
    })
}

fn bearer(headers: &HeaderMap) -> Result<&str, Error> {
    let missing = |text: &str| Error::new(Code::Unauthenticated, "token_missing", text);
    let value = headers
        .get(AUTHORIZATION)
        .ok_or_else(|| missing("sign in first: send `Authorization: Bearer …`"))?;
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or_else(|| missing("the header Authorization must hold `Bearer` and a token"))?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing("the header Authorization must hold `Bearer` and a token"));
    }
    Ok(token.trim())
}

/// The address that a request came from, as far as it is one party's: an IPv6 network of 64 bits counts as one.
#[derive(Debug, Clone)]
pub(crate) struct Peer(pub(crate) String);

impl Peer {
    /// Names the address to the module that is called.
    pub(crate) fn tell<T>(&self, request: &mut tonic::Request<T>) -> Result<(), Error> {
        let peer = self
            .0
            .parse()
            .map_err(|cause| Error::internal("name the peer", cause))?;
        request.metadata_mut().insert(PEER_HEADER, peer);
        Ok(())
    }

    pub(crate) fn of(extensions: &Extensions) -> Self {
        let address = extensions.get::<PeerAddr>().map(|peer| peer.0.ip());
        Self(match address.map(|ip| ip.to_canonical()) {
            None => "unknown".to_owned(),
            Some(IpAddr::V4(ip)) => ip.to_string(),
            Some(IpAddr::V6(ip)) => {
                let [a, b, c, d, ..] = ip.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
        })
    }
}

impl FromRequestParts<AppState> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_read_and_anything_else_is_missing() {
        let with = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().unwrap());
            headers
        };
        assert_eq!(bearer(&with("bearer bva_x")).unwrap(), "bva_x");
        for bad in ["Basic abc", "bva_x", ""] {
            assert_eq!(bearer(&with(bad)).unwrap_err().reason(), "token_missing", "{bad}");
        }
        assert!(bearer(&HeaderMap::new()).is_err());
    }

    #[test]
    fn neighbours_in_one_ipv6_network_are_one_peer() {
        let of = |text: &str| {
            let mut extensions = Extensions::new();
            extensions.insert(PeerAddr(text.parse().unwrap()));
            Peer::of(&extensions).0
        };
        assert_eq!(of("[2001:db8:1:2::9]:5"), of("[2001:db8:1:2:ffff::1]:6"));
        assert_ne!(of("[2001:db8:1:2::9]:5"), of("[2001:db8:1:3::9]:5"));
        assert_eq!(of("[::ffff:10.0.0.1]:5"), "10.0.0.1");
    }
}
