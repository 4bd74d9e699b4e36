use super::Sharing;
use super::get_link::own;
use crate::store;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Ends a link: from the commit on its token opens nothing.
pub(super) async fn delete_link(
    sharing: &Sharing,
    ctx: &Ctx,
    request: v1::DeleteLinkRequest,
) -> Result<v1::DeleteLinkResponse> {
    let link = own(sharing, ctx, &request.id).await?;
    let mut tx = sharing.begin(ctx).await?;
    store::delete(&mut tx, link.id).await?;
    tx.commit().await?;
    Ok(v1::DeleteLinkResponse {})
}
