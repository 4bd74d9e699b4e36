use super::{Files, wire};
use crate::domain::access::{Actor, NodeRole, node_id};
use crate::error::Refusal;
use crate::store::{nodes, thinning, versions};
use bitvault_platform::ids::VersionId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Longest label, in bytes of UTF-8.
const LABEL_BYTES: usize = 255;

/// Gives a version a label or takes it away. Without one, the policies apply to it again.
pub(super) async fn label_version(
    files: &Files,
    ctx: &Ctx,
    request: v1::LabelVersionRequest,
) -> Result<v1::FileVersion> {
    let actor = Actor::of(ctx)?;
    let id = node_id(&request.node_id, actor)?;
    let version: VersionId = request.version_id.parse()?;
    let label = request.label.as_deref();
    if label.is_some_and(|label| label.is_empty() || label.len() > LABEL_BYTES || label.contains('\0')) {
        return Err(Refusal::LabelInvalid.into());
    }
    let mut tx = files.core.begin(ctx).await?;
    nodes::lock(&mut tx, &[id.0]).await?;
    let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &[id.0]).await?;
    let node = lineage.require(actor.account, id, NodeRole::Editor, Refusal::NodeNotFound)?;
    if !versions::label(&mut tx, id, version, label).await? {
        return Err(Refusal::VersionNotFound.into());
    }
    if label.is_none() {
        thinning::look_at(&mut tx, &[id.0], files.core.clock.now()).await?;
    }
    let row = versions::find(&mut tx, id, version).await?;
    let answer = wire::version(row.ok_or(Refusal::VersionNotFound)?, node.current_version)?;
    tx.commit().await?;
    Ok(answer)
}
