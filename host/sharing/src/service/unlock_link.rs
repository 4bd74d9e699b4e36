use super::open_link::{find, stands};
use super::{Sharing, wire};
use crate::domain::{door, key};
use crate::error::Refusal;
use bitvault_platform::password::normalise;
use bitvault_platform::token::Digest;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::internal::v1 as internal;

/// Trades a link's password for a key. Whatever the token, one password is verified, so that a link that is unknown or has
/// ended takes as long as a wrong password.
pub(super) async fn unlock_link(
    sharing: &Sharing,
    ctx: &Ctx,
    request: internal::UnlockLinkRequest,
) -> Result<internal::LinkKey> {
    ctx.require_system()?;
    let parts = &sharing.0;
    let keys = [Digest::of(&request.peer), Digest::of(&request.token)];
    let attempt = parts.throttle.attempt(keys).map_err(|wait| {
        metrics::counter!("bitvault_link_throttled_total").increment(1);
        Refusal::Throttled(wait)
    })?;
    let now = parts.clock.now();
    let link = find(sharing, &request.token).await?;
    let link = link.filter(|link| door::is_on(link, now));
    let stored = link.as_ref().and_then(|link| link.password_hash.clone());
    let verified = parts
        .hasher
        .verify(normalise(&request.password), stored.clone())
        .await;
    let right = verified.map_err(|failure| failure.or_busy(|| Refusal::Busy.into()))?;
    let Some(link) = link.filter(|_| right || stored.is_none()) else {
        return Err(Refusal::LinkNotFound.into());
    };
    if !stands(sharing, &link).await? {
        return Err(Refusal::LinkNotFound.into());
    }
    attempt.succeeded();
    let end = now + parts.config.key_lifetime;
    let key = match &link.password_hash {
        Some(hash) => Some(key::issue(link.id, hash, end)?),
        None => None,
    };
    Ok(internal::LinkKey {
        key,
        expires_at: Some(wire::timestamp(end)),
    })
}
