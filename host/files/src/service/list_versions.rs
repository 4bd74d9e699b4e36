use super::{Files, wire};
use crate::domain::access::{Actor, NodeRole, node_id};
use crate::domain::cursor::{self, Listing};
use crate::domain::page::PageSize;
use crate::error::Refusal;
use crate::store::{nodes, versions};
use bitvault_platform::ids::VersionId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;
use uuid::Uuid;

/// Answers a page of a file's versions, the newest first.
pub(super) async fn list_versions(
    files: &Files,
    ctx: &Ctx,
    request: v1::ListVersionsRequest,
) -> Result<v1::ListVersionsResponse> {
    let actor = Actor::of(ctx)?;
    let id = node_id(&request.node_id, actor)?;
    let page = PageSize::new(request.limit)?;
    let before = match &request.cursor {
        Some(text) => {
            let place = cursor::open(Listing::Versions, id.0, text)?;
            VersionId(Uuid::from_slice(&place).map_err(|_| cursor::refused())?)
        }
        None => VersionId(Uuid::max()),
    };
    let mut tx = files.core.begin(ctx).await?;
    let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &[id.0]).await?;
    let node = lineage.require(actor.account, id, NodeRole::Viewer, Refusal::NodeNotFound)?;
    if node.is_folder {
        return Err(Refusal::NotAFile.into());
    }
    let current = node.current_version;
    let mut found = versions::list(&mut tx, id, before, page.rows()).await?;
    tx.commit().await?;
    let next_cursor = page
        .cut(&mut found)
        .map(|last| cursor::seal(Listing::Versions, id.0, last.id.0.as_bytes()));
    let items = found.into_iter().map(|row| wire::version(row, current));
    Ok(v1::ListVersionsResponse {
        items: items.collect::<Result<_>>()?,
        next_cursor,
    })
}
