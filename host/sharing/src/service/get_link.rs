use super::{OWNER, Sharing, wire};
use crate::domain::Link;
use crate::error::Refusal;
use crate::peers::is_there;
use crate::store;
use bitvault_platform::ids::LinkId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Answers a link, without its token.
pub(super) async fn get_link(sharing: &Sharing, ctx: &Ctx, request: v1::GetLinkRequest) -> Result<v1::Link> {
    Ok(wire::link(own(sharing, ctx, &request.id).await?))
}

/// A link that the caller made, or one on a node that it owns. Any other looks like none.
pub(super) async fn own(sharing: &Sharing, ctx: &Ctx, id: &str) -> Result<Link> {
    let account = ctx.account_id()?;
    let id: LinkId = id.parse()?;
    let mut tx = sharing.begin(ctx).await?;
    let link = store::fetch(&mut tx, id).await?.ok_or(Refusal::LinkNotFound)?;
    tx.commit().await?;
    if link.account == account {
        return Ok(link);
    }
    let access = is_there(sharing.0.peers.access(ctx, &link.node.to_string()).await)?;
    match access {
        Some(access) if access.role == OWNER => Ok(link),
        _ => Err(Refusal::LinkNotFound.into()),
    }
}
