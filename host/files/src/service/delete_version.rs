use super::Files;
use crate::domain::access::{Actor, NodeRole, node_id};
use crate::error::Refusal;
use crate::store::{blobs, nodes, versions};
use bitvault_platform::ids::VersionId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Removes an old version for good. The node does not change by it, so the journal says nothing.
pub(super) async fn delete_version(
    files: &Files,
    ctx: &Ctx,
    request: v1::DeleteVersionRequest,
) -> Result<v1::DeleteVersionResponse> {
    let actor = Actor::of(ctx)?;
    let id = node_id(&request.node_id, actor)?;
    let version: VersionId = request.version_id.parse()?;
    let mut tx = files.core.begin(ctx).await?;
    nodes::lock(&mut tx, &[id.0]).await?;
    let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &[id.0]).await?;
    let node = lineage.require(actor.account, id, NodeRole::Owner, Refusal::NodeNotFound)?;
    if node.current_version == Some(version) {
        return Err(Refusal::VersionCurrent.into());
    }
    if versions::find(&mut tx, id, version).await?.is_none() {
        return Err(Refusal::VersionNotFound.into());
    }
    blobs::remove_versions(&mut tx, &[version.0], files.core.clock.now()).await?;
    tx.commit().await?;
    Ok(v1::DeleteVersionResponse {})
}
