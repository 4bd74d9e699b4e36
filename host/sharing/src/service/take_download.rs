use super::open_link::enter;
use super::{Sharing, wire};
use crate::error::Refusal;
use crate::store;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::internal::v1 as internal;

/// Counts a download. Who gets an answer may hand out content once; that the content is then not fetched, or that we are
/// killed before it is handed out, does not give the download back.
pub(super) async fn take_download(
    sharing: &Sharing,
    ctx: &Ctx,
    request: internal::OpenLinkRequest,
) -> Result<internal::OpenedLink> {
    ctx.require_system()?;
    let link = enter(sharing, &request).await?;
    let mut tx = sharing.begin(&Ctx::system("sharing").within(link.tenant)).await?;
    let taken = store::take(&mut tx, link.id, sharing.0.clock.now()).await?;
    tx.commit().await?;
    if !taken {
        return Err(Refusal::LinkNotFound.into());
    }
    Ok(wire::opened(link))
}
