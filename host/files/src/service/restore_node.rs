use super::crossing::{Crossing, Going, Places};
use super::idempotent::Key;
use super::{Files, free_names, room, wire};
use crate::domain::access::{Actor, NodeRole, node_id, root};
use crate::domain::free_name;
use crate::domain::lineage::Lineage;
use crate::domain::name::Name;
use crate::error::Refusal;
use crate::store::journal::{self, Change, ChangeKind};
use crate::store::nodes::{self, NodeView};
use crate::store::trash;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::v1;

/// How often the place of a node may change while we wait for the locks.
const ATTEMPTS: u32 = 20;

/// What is asked for.
struct Wanted {
    node: NodeId,
    parent: Option<NodeId>,
    name: Option<Name>,
    revision: Option<i64>,
    key: Option<Key>,
}

/// Takes a node out of the trash, or out of a folder that is there: to where it was, else to the top of its tree. What is
/// below comes with it, except what went to the trash by itself. One row changes.
pub(super) async fn restore_node(
    files: &Files,
    ctx: &Ctx,
    mut request: v1::RestoreNodeRequest,
) -> Result<v1::Node> {
    let actor = Actor::of(ctx)?;
    let key = Key::new(request.idempotency_key.take(), "RestoreNode", &request)?;
    let parent = request.parent_id.as_deref();
    let wanted = Wanted {
        node: node_id(&request.id, actor)?,
        parent: parent.map(|id| node_id(id, actor)).transpose()?,
        name: request.name.as_deref().map(Name::new).transpose()?,
        revision: request.revision,
        key,
    };
    let mut crossing = Crossing::default();
    for _ in 0..ATTEMPTS {
        if let Some(node) = restore(files, ctx, actor, &wanted, &mut crossing).await? {
            return Ok(node);
        }
    }
    Err(Refusal::Busy.into())
}

/// `None` when another try is worth it: the place where the node belongs changed while we waited for its lock, a folder
/// turned out to go where other limits hold, or another request with the same key was faster.
async fn restore(
    files: &Files,
    ctx: &Ctx,
    actor: Actor,
    wanted: &Wanted,
    crossing: &mut Crossing,
) -> Result<Option<v1::Node>> {
    let now = files.core.clock.now();
    let mut tx = files.core.begin(ctx).await?;
    let asked: Vec<_> = [Some(wanted.node), wanted.parent]
        .into_iter()
        .flatten()
        .map(|id| id.0)
        .collect();
    let mut changes = Vec::new();
    if wanted.parent.is_some() && actor.home().ok() == wanted.parent {
        let home = wanted.parent.map(|home| home.0);
        changes = nodes::ensure_homes(&mut tx, home.as_slice(), now).await?;
    }
    let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &asked).await?;
    let guess = target(&mut lineage, actor, wanted);
    // The folder, so that a free name stays free. And the root when a folder comes back, as for moves of folders: one after
    // the other, so that none of them makes a cycle out of what another one sees.
    let mut locks = vec![wanted.node.0];
    if let Ok(Some(folder)) = &guess {
        locks.push(folder.0);
        if lineage.any(wanted.node).is_some_and(|node| node.is_folder) {
            locks.push(root(actor.tenant).0);
        }
    }
    let locks = crossing.locks(&mut tx, locks).await?;
    nodes::lock(&mut tx, &locks).await?;
    if let Some(key) = &wanted.key
        && let Some(answer) = key.replay(&mut tx, actor).await?
    {
        return Ok(Some(answer));
    }

    let current = view(&mut tx, wanted.node).await?.ok_or(Refusal::NodeNotFound)?;
    let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &asked).await?;
    let Some(folder) = target(&mut lineage, actor, wanted)? else {
        return already(&current, wanted).map(Some);
    };
    if !locks.contains(&folder.0) {
        return Ok(None);
    }
    let named = [wanted.node.0, folder.0];
    let places = Places::of(&lineage, root(actor.tenant), &named);
    let going = Going {
        node: wanted.node,
        is_folder: current.is_folder,
        to: folder,
    };
    if !crossing.is_locked(&mut tx, &places, &[going], &locks).await? {
        return Ok(None);
    }
    let asked = wanted.name.as_ref();
    let name = free_names::find(&mut tx, &current, folder, asked, free_name::restored).await?;
    trash::restore(&mut tx, actor, wanted.node, folder, &name, now).await?;
    room::fits(&mut tx, actor, &lineage, lineage.quotas(folder)).await?;
    let after = view(&mut tx, wanted.node).await?;
    let node = wire::node(after.ok_or_else(|| Error::internal("read a restored node", "it is not there"))?)?;
    if let Some(key) = &wanted.key
        && !key.keep(&mut tx, actor, &node, now).await?
    {
        return Ok(None);
    }
    changes.push(Change::of(
        wanted.node,
        ChangeKind::Restored,
        node.revision,
        actor.account,
    ));
    journal::append(&mut tx, &changes, now).await?;
    tx.commit().await?;
    files.core.relay.nudge();
    Ok(Some(node))
}

/// The folder that a node is restored to; `None` when it is not in the trash.
fn target(lineage: &mut Lineage, actor: Actor, wanted: &Wanted) -> Result<Option<NodeId>, Refusal> {
    let (account, root) = (actor.account, root(actor.tenant));
    let live = lineage.live(wanted.node).is_some();
    let node = lineage
        .permit(account, wanted.node, NodeRole::Editor, Refusal::NodeNotFound)?
        .clone();
    let Some(from) = node.parent_id.filter(|from| *from != root) else {
        return Err(Refusal::RootFixed);
    };
    if live {
        return Ok(None);
    }
    if wanted.revision.is_some_and(|seen| seen != node.revision) {
        return Err(Refusal::RevisionConflict(node.revision));
    }
    if let Some(parent) = wanted.parent {
        let folder = lineage.require(account, parent, NodeRole::Editor, Refusal::ParentNotFound)?;
        if !folder.is_folder {
            return Err(Refusal::NotAFolder);
        }
        // To take something out of a folder is to change that folder.
        if parent != from {
            lineage.permit(account, from, NodeRole::Editor, Refusal::FolderNotYours)?;
        }
        return Ok(Some(parent));
    }
    let top = lineage.tree(wanted.node, root);
    for place in [Some(from), top].into_iter().flatten() {
        if lineage
            .require(account, place, NodeRole::Editor, Refusal::ParentNotFound)
            .is_ok()
        {
            return Ok(Some(place));
        }
    }
    Err(Refusal::NoPlaceLeft)
}

/// A node that is not in the trash is answered as it is, unless it would have to go somewhere else.
fn already(current: &NodeView, wanted: &Wanted) -> Result<v1::Node> {
    let elsewhere = wanted.parent.is_some() && wanted.parent != current.parent_id;
    let renamed = wanted
        .name
        .as_ref()
        .is_some_and(|name| name.key != current.name_key);
    if elsewhere || renamed {
        return Err(Refusal::NotInTrash.into());
    }
    wire::node(current.clone())
}

async fn view(tx: &mut TenantTx, id: NodeId) -> Result<Option<NodeView>> {
    Ok(nodes::views(tx, &[id.0]).await?.pop())
}
