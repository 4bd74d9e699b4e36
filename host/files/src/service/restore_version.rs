use super::idempotent::Key;
use super::{Files, room, wire};
use crate::domain::access::{Actor, NodeRole, node_id};
use crate::error::Refusal;
use crate::store::commits::{self, ChangedFile};
use crate::store::journal::{self, Change, ChangeKind};
use crate::store::{nodes, versions};
use bitvault_platform::ids::VersionId;
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::v1;

/// Makes a new version of a file with the content of an old one: it names the same blob, and no byte moves. Restoring the
/// current version changes nothing.
pub(super) async fn restore_version(
    files: &Files,
    ctx: &Ctx,
    mut request: v1::RestoreVersionRequest,
) -> Result<v1::Node> {
    let actor = Actor::of(ctx)?;
    let key = Key::new(request.idempotency_key.take(), "RestoreVersion", &request)?;
    let id = node_id(&request.node_id, actor)?;
    let old: VersionId = request.version_id.parse()?;
    let now = files.core.clock.now();
    let mut tx = files.core.begin(ctx).await?;
    nodes::lock(&mut tx, &[id.0]).await?;
    if let Some(key) = &key
        && let Some(answer) = key.replay(&mut tx, actor).await?
    {
        return Ok(answer);
    }
    let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &[id.0]).await?;
    let node = lineage
        .require(actor.account, id, NodeRole::Editor, Refusal::NodeNotFound)?
        .clone();
    if node.is_folder {
        return Err(Refusal::NotAFile.into());
    }
    if request.revision.is_some_and(|seen| seen != node.revision) {
        return Err(Refusal::RevisionConflict(node.revision).into());
    }
    let changed = node.current_version != Some(old);
    let change = Change {
        version: Some(VersionId::new()),
        ..Change::of(id, ChangeKind::Updated, node.revision + 1, actor.account)
    };
    if changed && let Some(version) = change.version {
        let size = versions::repeat(&mut tx, actor, id, old, version, now).await?;
        let size = size.ok_or(Refusal::VersionNotFound)?;
        room::fits(&mut tx, actor, &lineage, lineage.quotas(id)).await?;
        let file = ChangedFile {
            id,
            version,
            size,
            revision: change.revision,
            account: actor.account,
        };
        commits::renew(&mut tx, &file, now).await?;
    }
    let view = nodes::views(&mut tx, &[id.0]).await?.pop();
    let answer = wire::node(view.ok_or_else(|| Error::internal("read a restored file", "it is not there"))?)?;
    // The same request would have waited for the lock above and been replayed: this one is another.
    if let Some(key) = &key
        && !key.keep(&mut tx, actor, &answer, now).await?
    {
        return Err(Refusal::IdempotencyKeyReused.into());
    }
    if changed {
        journal::append(&mut tx, &[change], now).await?;
    }
    tx.commit().await?;
    files.core.relay.nudge();
    Ok(answer)
}
