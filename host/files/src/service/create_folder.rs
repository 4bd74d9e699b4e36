use super::idempotent::Key;
use super::{Files, wire};
use crate::domain::access::{Actor, NodeRole, node_id};
use crate::domain::name::Name;
use crate::error::Refusal;
use crate::store::journal::{self, Change, ChangeKind};
use crate::store::nodes;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::v1;

/// Makes a folder.
pub(super) async fn create_folder(
    files: &Files,
    ctx: &Ctx,
    mut request: v1::CreateFolderRequest,
) -> Result<v1::Node> {
    let actor = Actor::of(ctx)?;
    let key = Key::new(request.idempotency_key.take(), "CreateFolder", &request)?;
    let parent = node_id(&request.parent_id, actor)?;
    let name = Name::new(&request.name)?;
    if let Some(node) = create(files, ctx, actor, parent, &name, key.as_ref()).await? {
        return Ok(node);
    }
    // Another request with the same key was faster: its answer is kept by now.
    let mut tx = files.core.begin(ctx).await?;
    let answer = match &key {
        Some(key) => key.replay(&mut tx, actor).await?,
        None => None,
    };
    tx.commit().await?;
    answer.ok_or_else(|| Error::internal("replay a request", "the kept answer is gone"))
}

/// `None` when another request with the key was faster.
async fn create(
    files: &Files,
    ctx: &Ctx,
    actor: Actor,
    parent: NodeId,
    name: &Name,
    key: Option<&Key>,
) -> Result<Option<v1::Node>> {
    let now = files.core.clock.now();
    let mut tx = files.core.begin(ctx).await?;
    let mut changes = Vec::new();
    if actor.home() == Ok(parent) {
        changes = nodes::ensure_homes(&mut tx, &[parent.0], now).await?;
    }
    nodes::lock(&mut tx, &[parent.0]).await?;
    // Under the lock: a repeat that came while the first request ran would find the name taken otherwise.
    if let Some(key) = key
        && let Some(answer) = key.replay(&mut tx, actor).await?
    {
        return Ok(Some(answer));
    }
    let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &[parent.0]).await?;
    let folder = lineage.require(actor.account, parent, NodeRole::Editor, Refusal::ParentNotFound)?;
    if !folder.is_folder {
        return Err(Refusal::NotAFolder.into());
    }
    let made = nodes::insert_folder(&mut tx, actor, parent, name, now).await?;
    let made = made.ok_or_else(|| Refusal::NameTaken(name.text.clone()))?;
    let change = Change::of(made.id, ChangeKind::Created, made.revision, actor.account).out_of(Some(parent));
    let node = wire::node(made)?;
    if let Some(key) = key
        && !key.keep(&mut tx, actor, &node, now).await?
    {
        return Ok(None);
    }
    changes.push(change);
    journal::append(&mut tx, &changes, now).await?;
    tx.commit().await?;
    files.core.relay.nudge();
    Ok(Some(node))
}
