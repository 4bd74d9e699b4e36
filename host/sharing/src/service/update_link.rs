use super::create_link::{hash, may_link};
use super::get_link::own;
use super::{Sharing, wire};
use crate::domain::terms;
use crate::error::Refusal;
use crate::store::{self, Change};
use bitvault_platform::password::Password;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;
use bitvault_proto::v1::update_link_request::Expiry;

/// Changes what a link asks for, for who may make such a link. A new password shuts out whoever came in with the old one.
pub(super) async fn update_link(
    sharing: &Sharing,
    ctx: &Ctx,
    request: v1::UpdateLinkRequest,
) -> Result<v1::Link> {
    let link = own(sharing, ctx, &request.id).await?;
    let member = sharing.0.peers.member(link.tenant, ctx.account_id()?).await?;
    may_link(member)?;
    let now = sharing.0.clock.now();
    let mut change = Change::default();
    if let Some(text) = &request.label {
        change.label = Some(terms::label(text)?);
    }
    change.expires_at = match &request.expiry {
        Some(Expiry::ExpiresAt(at)) => Some(Some(terms::expiry(at, now)?)),
        Some(Expiry::NeverExpires(true)) => Some(None),
        Some(Expiry::NeverExpires(false)) | None => None,
    };
    change.max_downloads = match request.max_downloads {
        Some(0) => Some(None),
        Some(most) => Some(Some(terms::max_downloads(link.access, most)?)),
        None => None,
    };
    change.password_hash = match request.password.as_deref() {
        Some("") => Some(None),
        Some(text) => Some(Some(hash(sharing, &Password::new(text)?).await?)),
        None => None,
    };
    if !change.is_some() {
        return Err(Refusal::NothingToChange.into());
    }
    let mut tx = sharing.begin(ctx).await?;
    let changed = store::update(&mut tx, link.id, change).await?;
    tx.commit().await?;
    Ok(wire::link(changed.ok_or(Refusal::LinkNotFound)?))
}
