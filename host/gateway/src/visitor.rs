//! Visitors of public links: a token, and where the link has a password its key, become a [`Ctx`].
//!
//! Whatever keeps a visitor out is one answer, `link_not_found`. Nothing is remembered: each request asks the module
//! sharing anew, so a link that was ended is closed to the next request.

use crate::problem::Refusal;
use crate::state::{AppState, Inner};
use axum::extract::{FromRequestParts, RawPathParams};
use bitvault_platform::{Code, Ctx, Error, LinkAccess};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::v1 as rpc;
use futures::future::BoxFuture;
use http::HeaderMap;
use http::header::COOKIE;
use http::request::Parts;

/// Cookie of the pages: the key of a link with a password.
pub(crate) const COOKIE_NAME: &str = "bitvault_link";
/// Header of other clients for the same.
const KEY_HEADER: &str = "bitvault-link-key";

/// Somebody whom a link lets in.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) ctx: Ctx,
    pub(crate) access: LinkAccess,
    pub(crate) link: internal::OpenedLink,
    opening: internal::OpenLinkRequest,
}

/// The token of a path.
#[derive(Debug, Clone)]
pub(crate) struct LinkToken(pub(crate) String);

impl FromRequestParts<AppState> for LinkToken {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        let found = RawPathParams::from_request_parts(parts, state).await.ok();
        let token = found.as_ref().and_then(|params| {
            let mut params = params.iter();
            params
                .find(|(name, _)| *name == "token")
                .map(|(_, value)| value.to_owned())
        });
        // What is no text is nobody's token.
        Ok(Self(token.unwrap_or_default()))
    }
}

impl FromRequestParts<AppState> for Visitor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        let LinkToken(token) = LinkToken::from_request_parts(parts, state).await?;
        Ok(enter(state, token, &parts.headers).await?)
    }
}

/// Lets a visitor in, or answers `link_not_found`.
pub(crate) fn enter(
    state: &Inner,
    token: String,
    headers: &HeaderMap,
) -> BoxFuture<'static, Result<Visitor, Error>> {
    let opening = internal::OpenLinkRequest {
        token,
        key: key(headers),
        under_way: false,
    };
    let mut visits = state.visits();
    Box::pin(async move {
        let request = Ctx::system("gateway").request(opening.clone());
        let link = visits.open_link(request).await?.into_inner();
        Visitor::new(link, opening)
    })
}

impl Visitor {
    fn new(link: internal::OpenedLink, opening: internal::OpenLinkRequest) -> Result<Self, Error> {
        let access = match link.kind() {
            rpc::LinkKind::View => LinkAccess::View,
            rpc::LinkKind::Download => LinkAccess::Download,
            rpc::LinkKind::Drop => LinkAccess::Drop,
            rpc::LinkKind::Unspecified => {
                return Err(Error::internal("read a module's answer", "a link has no kind"));
            }
        };
        let ctx = Ctx::link(
            link.tenant_id.parse()?,
            link.account_id.parse()?,
            link.node_id.parse()?,
            access,
        );
        Ok(Self {
            ctx,
            access,
            link,
            opening,
        })
    }

    /// Counts a download, before anything of it is handed out.
    pub(crate) async fn take_download(&self, state: &Inner) -> Result<(), Error> {
        let request = Ctx::system("gateway").request(self.opening.clone());
        let mut visits = state.visits();
        Box::pin(async move { visits.take_download(request).await }).await?;
        Ok(())
    }

    /// Whether the link is still there for a download that has begun.
    pub(crate) async fn still_open(&self, state: &Inner) -> Result<(), Error> {
        let request = Ctx::system("gateway").request(internal::OpenLinkRequest {
            under_way: true,
            ..self.opening.clone()
        });
        let mut visits = state.visits();
        Box::pin(async move { visits.open_link(request).await }).await?;
        Ok(())
    }

    /// Refuses what a link that only shows is not for.
    pub(crate) fn require_download(&self) -> Result<(), Error> {
        match self.access {
            LinkAccess::Download => Ok(()),
            LinkAccess::View => Err(Error::new(
                Code::Denied,
                "link_view_only",
                "this link is for looking only: ask whoever gave it to you for one that downloads",
            )),
            LinkAccess::Drop => Err(Error::new(
                Code::NotFound,
                "node_not_found",
                "no such file or folder",
            )),
        }
    }
}

/// What the visitor holds for the password: the header, or the cookie of the pages.
fn key(headers: &HeaderMap) -> Option<String> {
    if let Some(key) = headers.get(KEY_HEADER) {
        return key.to_str().ok().map(str::to_owned);
    }
    let cookies = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_from_the_header_or_the_cookie() {
        let with = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            key(&headers)
        };
        assert_eq!(with("bitvault-link-key", "k").as_deref(), Some("k"));
        assert_eq!(with("cookie", "a=b; bitvault_link=k").as_deref(), Some("k"));
        assert_eq!(with("cookie", "xbitvault_link=k"), None);
        assert_eq!(with("authorization", "bitvault_link=k"), None);
    }
}
