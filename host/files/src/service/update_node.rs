use super::idempotent::Key;
use super::{Files, wire};
use crate::domain::access::{Actor, NodeRole, node_id, root};
use crate::domain::lineage::Lineage;
use crate::domain::name::Name;
use crate::error::Refusal;
use crate::store::journal::{self, Change, ChangeKind};
use crate::store::nodes::{self, NodeView};
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{AccountId, NodeId};
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::v1;

/// How often a node that is only renamed may change its folder while we wait for the locks.
const ATTEMPTS: u32 = 20;

/// What is asked for.
struct Wanted {
    node: NodeId,
    name: Option<Name>,
    parent: Option<NodeId>,
    revision: Option<i64>,
    key: Option<Key>,
}

/// Gives a node another name, another folder, or both. One row changes, however much lies below it.
pub(super) async fn update_node(
    files: &Files,
    ctx: &Ctx,
    mut request: v1::UpdateNodeRequest,
) -> Result<v1::Node> {
    let actor = Actor::of(ctx)?;
    let key = Key::new(request.idempotency_key.take(), "UpdateNode", &request)?;
    let parent = request.parent_id.as_deref();
    let wanted = Wanted {
        node: node_id(&request.id, actor)?,
        name: request.name.as_deref().map(Name::new).transpose()?,
        parent: parent.map(|id| node_id(id, actor)).transpose()?,
        revision: request.revision,
        key,
    };
    if wanted.name.is_none() && wanted.parent.is_none() {
        return Err(Refusal::NothingToChange.into());
    }
    for _ in 0..ATTEMPTS {
        if let Some(node) = update(files, ctx, actor, &wanted).await? {
            return Ok(node);
        }
    }
    Err(Refusal::Busy.into())
}

/// `None` when something came between that makes another try worth it: the node was moved while we waited for the lock of
/// the folder it was in, or another request with the same key was faster.
async fn update(files: &Files, ctx: &Ctx, actor: Actor, wanted: &Wanted) -> Result<Option<v1::Node>> {
    let now = files.core.clock.now();
    let mut tx = files.core.begin(ctx).await?;
    let before = view(&mut tx, wanted.node).await?.ok_or(Refusal::NodeNotFound)?;
    let Some(from) = before.parent_id else {
        return Err(fixed(&mut tx, actor, wanted.node).await?.into());
    };
    let target = wanted.parent.unwrap_or(from);
    if actor.home() == Ok(target) {
        nodes::ensure_homes(&mut tx, &[target.0], now).await?;
    }
    // The folder, so that a free name stays free. And the root when a folder may move: two such moves could make a cycle
    // out of what each of them sees, so they go one after the other.
    let mut locks = vec![wanted.node.0, target.0];
    if before.is_folder && wanted.parent.is_some() {
        locks.push(root(actor.tenant).0);
    }
    locks.sort_unstable();
    locks.dedup();
    nodes::lock(&mut tx, &locks).await?;
    if let Some(key) = &wanted.key
        && let Some(answer) = key.replay(&mut tx, actor).await?
    {
        return Ok(Some(answer));
    }
    let current = view(&mut tx, wanted.node).await?.ok_or(Refusal::NodeNotFound)?;
    if wanted.parent.is_none() && current.parent_id != before.parent_id {
        return Ok(None);
    }

    let account = actor.account;
    let mut lineage = nodes::lineage(&mut tx, &[account.0], &[wanted.node.0, target.0]).await?;
    lineage.require(account, wanted.node, NodeRole::Editor, Refusal::NodeNotFound)?;
    if wanted.revision.is_some_and(|seen| seen != current.revision) {
        return Err(Refusal::RevisionConflict(current.revision).into());
    }
    if current.parent_id != Some(target) {
        may_move(&mut lineage, account, current.parent_id, target)?;
    }
    if lineage.within(target, wanted.node) {
        return Err(Refusal::IntoItself.into());
    }
    let name = match &wanted.name {
        Some(name) => name.clone(),
        None => Name {
            text: current.name.clone(),
            key: current.name_key.clone(),
        },
    };
    let same_place = current.parent_id == Some(target) && current.name_key == name.key;
    if !same_place
        && !nodes::taken(&mut tx, &[target.0], std::slice::from_ref(&name.key))
            .await?
            .is_empty()
    {
        return Err(Refusal::NameTaken(name.text).into());
    }

    let changed = !same_place || current.name != name.text;
    if changed {
        nodes::place(&mut tx, actor, wanted.node, target, &name, now).await?;
    }
    let after = view(&mut tx, wanted.node).await?;
    let node = wire::node(after.ok_or_else(|| Error::internal("read a moved node", "it is not there"))?)?;
    if let Some(key) = &wanted.key
        && !key.keep(&mut tx, actor, &node, now).await?
    {
        return Ok(None);
    }
    if changed {
        let change = Change::of(wanted.node, ChangeKind::Moved, node.revision, actor.account);
        journal::append(&mut tx, &[change], now).await?;
    }
    tx.commit().await?;
    files.core.relay.nudge();
    Ok(Some(node))
}

/// Whether something may be taken out of one folder and put into another: to do so is to change both.
fn may_move(
    lineage: &mut Lineage,
    account: AccountId,
    from: Option<NodeId>,
    to: NodeId,
) -> Result<(), Refusal> {
    let from = from.ok_or(Refusal::RootFixed)?;
    lineage.require(account, from, NodeRole::Editor, Refusal::FolderNotYours)?;
    let folder = lineage.require(account, to, NodeRole::Editor, Refusal::ParentNotFound)?;
    if folder.is_folder {
        Ok(())
    } else {
        Err(Refusal::NotAFolder)
    }
}

/// Refuses to change the top of a tree; to whom may not see it, it does not exist.
async fn fixed(tx: &mut TenantTx, actor: Actor, id: NodeId) -> Result<Refusal> {
    let lineage = nodes::lineage(tx, &[actor.account.0], &[id.0]).await?;
    Ok(lineage
        .role(actor.account, id)
        .map_or(Refusal::NodeNotFound, |_| Refusal::RootFixed))
}

async fn view(tx: &mut TenantTx, id: NodeId) -> Result<Option<NodeView>> {
    Ok(nodes::views(tx, &[id.0]).await?.pop())
}
