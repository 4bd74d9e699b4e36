use super::{OWNER, Sharing, wire};
use crate::domain::makers::{LinkMakers, Member};
use crate::domain::terms;
use crate::error::Refusal;
use crate::store::{self, New};
use bitvault_platform::ids::{LinkId, NodeId};
use bitvault_platform::password::Password;
use bitvault_platform::token::{Token, TokenKind};
use bitvault_platform::{Ctx, Error, LinkAccess, Result};
use bitvault_proto::v1;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// Longest idempotency key, in bytes.
const KEY_BYTES: usize = 255;
/// How long after the first request a repeat still gets a token: as long as clients repeat what got no answer. Later ones
/// must not end a token that is in use.
const REPEATED_WITHIN: Duration = Duration::from_secs(15 * 60);

/// Makes a link on a node that the caller owns.
pub(super) async fn create_link(
    sharing: &Sharing,
    ctx: &Ctx,
    mut request: v1::CreateLinkRequest,
) -> Result<v1::CreatedLink> {
    let account = ctx.account_id()?;
    let now = sharing.0.clock.now();
    let key = request.idempotency_key.take();
    let access = terms::access(request.kind)?;
    let label = match &request.label {
        Some(text) => terms::label(text)?,
        None => None,
    };
    let most = request.max_downloads;
    let max_downloads = most.map(|most| terms::max_downloads(access, most)).transpose()?;
    let expires_at = request.expires_at.as_ref();
    let expires_at = expires_at.map(|at| terms::expiry(at, now)).transpose()?;
    let password = request.password.as_deref().map(Password::new).transpose()?;
    let key = key.map(|key| known_key(key, request.clone())).transpose()?;
    let node = shareable(sharing, ctx, &request.node_id, access).await?;
    let password_hash = match &password {
        Some(password) => Some(hash(sharing, password).await?),
        None => None,
    };
    let token = Token::new(TokenKind::Link);
    let new = New {
        id: LinkId::new(),
        node,
        account,
        access,
        token: token.digest(),
        password_hash: password_hash.as_deref(),
        label: label.as_deref(),
        expires_at,
        max_downloads,
        idempotency: key.as_ref().map(|(key, hash)| (key.as_str(), hash.as_slice())),
    };
    let mut tx = sharing.begin(ctx).await?;
    let (link, usable) = match (store::insert(&mut tx, &new, now).await?, &new.idempotency) {
        (Some(link), _) => (link, true),
        (None, Some((key, asked))) => {
            let repeated = store::repeated(&mut tx, account, key).await?;
            // It was made and ended again.
            let (id, first) = repeated.ok_or(Refusal::LinkNotFound)?;
            if first != *asked {
                return Err(Refusal::IdempotencyKeyReused.into());
            }
            let link = store::fetch(&mut tx, id).await?.ok_or(Refusal::LinkNotFound)?;
            let usable = now - link.created_at < REPEATED_WITHIN;
            if usable {
                store::rotate(&mut tx, id, new.token).await?;
            }
            (link, usable)
        }
        (None, None) => return Err(Error::internal("make a link", "it was not written")),
    };
    tx.commit().await?;
    Ok(v1::CreatedLink {
        link: Some(wire::link(link)),
        token: usable.then(|| token.into_text()),
    })
}

/// The key with the hash of what was asked, without the password: a fast hash of it must not lie about.
fn known_key(key: String, mut request: v1::CreateLinkRequest) -> Result<(String, Vec<u8>), Refusal> {
    let visible = key.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if key.is_empty() || key.len() > KEY_BYTES || !visible {
        return Err(Refusal::IdempotencyKeyInvalid);
    }
    request.password = request.password.map(|_| String::new());
    Ok((key, Sha256::digest(request.encode_to_vec()).to_vec()))
}

/// Refuses who may not have public links. Who left the tenant a moment ago is told what a guest is.
pub(super) fn may_link(member: Option<Member>) -> Result<(), Refusal> {
    member
        .ok_or(Refusal::LinksDenied(LinkMakers::Members))
        .and_then(Member::may_link)
}

/// The node's id, if the caller may make links, owns it and such a link can be on it.
async fn shareable(sharing: &Sharing, ctx: &Ctx, node_id: &str, access: LinkAccess) -> Result<NodeId> {
    let peers = &sharing.0.peers;
    let (found, member) = tokio::join!(
        peers.access(ctx, node_id),
        peers.member(ctx.tenant()?, ctx.account_id()?)
    );
    let found = found?;
    may_link(member?)?;
    if found.role != OWNER {
        return Err(Refusal::RoleTooLow(found.role).into());
    }
    if access == LinkAccess::Drop && !found.is_folder {
        return Err(Refusal::NotAFolder.into());
    }
    found.node_id.parse()
}

/// What is stored of a password.
pub(super) async fn hash(sharing: &Sharing, password: &Password) -> Result<String> {
    let hashed = sharing.0.hasher.hash(password).await;
    hashed.map_err(|failure| failure.or_busy(|| Refusal::Busy.into()))
}
