use super::{Sharing, wire};
use crate::domain::{Link, door};
use crate::error::Refusal;
use crate::peers::is_there;
use crate::store;
use bitvault_platform::token::{Token, TokenKind};
use bitvault_platform::{Ctx, Result};
use bitvault_proto::internal::v1 as internal;

/// Answers who a visitor acts as, if the link lets it in now.
pub(super) async fn open_link(
    sharing: &Sharing,
    ctx: &Ctx,
    request: internal::OpenLinkRequest,
) -> Result<internal::OpenedLink> {
    ctx.require_system()?;
    Ok(wire::opened(enter(sharing, &request).await?))
}

/// The link, if it lets the visitor in: by what it says itself, and by what its account may still do.
pub(super) async fn enter(sharing: &Sharing, request: &internal::OpenLinkRequest) -> Result<Link> {
    let link = find(sharing, &request.token)
        .await?
        .ok_or(Refusal::LinkNotFound)?;
    let now = sharing.0.clock.now();
    let on = if request.under_way {
        !door::has_expired(&link, now)
    } else {
        door::is_on(&link, now)
    };
    if !on || !door::knows(&link, request.key.as_deref(), now)? || !stands(sharing, &link).await? {
        return Err(Refusal::LinkNotFound.into());
    }
    Ok(link)
}

/// The link of a token, whatever its state.
pub(super) async fn find(sharing: &Sharing, token: &str) -> Result<Option<Link>> {
    match Token::parse(TokenKind::Link, token) {
        Some(token) => store::by_token(&sharing.0.database, token.digest()).await,
        None => Ok(None),
    }
}

/// Whether the link's account belongs to the tenant, may have links there, and may share the node, which is not in the
/// trash. Asked at each use: who closes a door does not wait for anybody's memory.
pub(super) async fn stands(sharing: &Sharing, link: &Link) -> Result<bool> {
    let peers = &sharing.0.peers;
    let visitor = Ctx::link(link.tenant, link.account, link.node, link.access);
    let node = link.node.to_string();
    let (member, access) = tokio::join!(
        peers.member(link.tenant, link.account),
        peers.access(&visitor, &node)
    );
    let lets = member?.is_some_and(|member| member.may_link().is_ok());
    Ok(lets && is_there(access)?.is_some())
}
