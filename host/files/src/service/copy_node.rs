use super::idempotent::Key;
use super::{Core, Files, free_names, room, wire};
use crate::domain::access::{Actor, NodeRole, node_id};
use crate::domain::free_name;
use crate::domain::lineage::Lineage;
use crate::domain::name::Name;
use crate::error::Refusal;
use crate::store::copies::{self, Built, CopyRow, Copying, Source, State, Then};
use crate::store::journal::{self, Change};
use crate::store::nodes::{self, NodeView};
use crate::store::sight::{self, Locked, Locks, Sought};
use crate::store::sorted;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{CopyId, NodeId, VersionId};
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::v1;
use bitvault_proto::v1::copy_node_response;
use time::OffsetDateTime;

/// How often content that was removed while it was copied makes us begin again.
const ATTEMPTS: u32 = 10;

/// What is asked for.
struct Wanted {
    node: NodeId,
    parent: NodeId,
    name: Option<Name>,
    key: Option<Key>,
}

/// Copies a node with all that is below it: new nodes and versions that name the same bytes. Up to
/// `files.copy.nodes_per_transaction` nodes at once; above, a job does it.
pub(super) async fn copy_node(
    files: &Files,
    ctx: &Ctx,
    mut request: v1::CopyNodeRequest,
) -> Result<v1::CopyNodeResponse> {
    let actor = Actor::of(ctx)?;
    let key = Key::new(request.idempotency_key.take(), "CopyNode", &request)?;
    let wanted = Wanted {
        node: node_id(&request.id, actor)?,
        parent: node_id(&request.parent_id, actor)?,
        name: request.name.as_deref().map(Name::new).transpose()?,
        key,
    };
    // It is there nearly always.
    let mut homeless = false;
    for _ in 0..ATTEMPTS {
        if let Some(answer) = copy(files, ctx, actor, &wanted, &mut homeless).await? {
            return Ok(answer);
        }
    }
    Err(Refusal::Busy.into())
}

/// `None` when content that is copied was removed meanwhile, another request with the same key was faster, or the caller's home, where
/// the copy goes, is not there yet: `homeless` says so to the next attempt.
async fn copy(
    files: &Files,
    ctx: &Ctx,
    actor: Actor,
    wanted: &Wanted,
    homeless: &mut bool,
) -> Result<Option<v1::CopyNodeResponse>> {
    let core = &files.core;
    let now = core.clock.now();
    let mut tx = core.begin(ctx).await?;
    let mut changes = Vec::new();
    if *homeless {
        changes = nodes::ensure_homes(&mut tx, &[wanted.parent.0], now).await?;
    }
    let sought = Sought {
        node: wanted.node,
        folder: Some(wanted.parent),
        key: wanted.name.as_ref().map(|name| name.key.clone()),
    };
    let locks = Locks {
        also: vec![wanted.parent.0],
        ..Locks::default()
    };
    let named = [wanted.node.0, wanted.parent.0];
    let key = wanted.key.as_ref();
    let mut sight = match sight::lock(&mut tx, actor, &locks, key.map(Key::text), &named, &[sought]).await? {
        Locked::Kept(kept) => return key.map(|key| key.read(&kept)).transpose(),
        Locked::Seen { sight, .. } => sight,
    };
    let is_there = sight.views.iter().any(|view| view.id == wanted.parent);
    if !is_there && !*homeless && actor.home() == Ok(wanted.parent) {
        *homeless = true;
        return Ok(None);
    }
    let source = permit(actor, &mut sight.lineage, wanted.node, wanted.parent)?;
    let view = sight.views.into_iter().find(|view| view.id == wanted.node);
    let view = view.ok_or(Refusal::NodeNotFound)?;
    // A job looks again, but what is wrong with the name is told now.
    let mut name = first_name(&view, wanted.name.as_ref())?;
    if !sight.holders.is_empty() {
        let asked = wanted.name.as_ref();
        name = free_names::find(&mut tx, &view, wanted.parent, asked, free_name::copied).await?;
    }
    let version = VersionId::new();
    let made = NodeView {
        id: NodeId::new(),
        parent_id: Some(wanted.parent),
        name: name.text.clone(),
        name_key: name.key.clone(),
        revision: 1,
        created_at: now,
        updated_at: now,
        version_id: view.version_id.map(|_| version),
        ..view.clone()
    };
    let top = made.id;
    let answer = v1::CopyNodeResponse {
        result: Some(copy_node_response::Result::Node(wire::node(made)?)),
    };
    let keeping = key.map(|key| key.keeping(&answer));
    let copying = Copying {
        source,
        top,
        version,
        parent: wanted.parent,
        name: &name,
        most: core.config.copy.nodes_per_transaction.into(),
        quotas: &sorted(sight.lineage.quotas(wanted.parent).map(|id| id.0)),
        then: Some(Then {
            keeping: keeping.as_ref(),
        }),
    };
    match copies::build(&mut tx, copying, now).await? {
        // The source got another version since it was looked at.
        Built::Made { of, .. } if of != view.version_id => return Ok(None),
        Built::Made { .. } => {}
        Built::Vanished | Built::Late => return Ok(None),
        Built::Outgrown(outgrown) => {
            return Err(room::refusal(&mut tx, actor, &sight.lineage, &outgrown)
                .await?
                .into());
        }
        Built::TooMany => return leave_to_job(core, tx, actor, wanted, &changes, now).await,
    }
    journal::append(&mut tx, &changes, now).await?;
    tx.commit().await?;
    core.relay.nudge();
    Ok(Some(answer))
}

/// Records a copy for the job that makes large ones.
async fn leave_to_job(
    core: &Core,
    mut tx: TenantTx,
    actor: Actor,
    wanted: &Wanted,
    changes: &[Change],
    now: OffsetDateTime,
) -> Result<Option<v1::CopyNodeResponse>> {
    let row = CopyRow {
        id: CopyId::new(),
        account: actor.account,
        source: wanted.node,
        parent: wanted.parent,
        name: wanted.name.as_ref().map(|name| name.text.clone()),
        state: State::Running,
        copied: 0,
        node: None,
        reason: None,
        created_at: now,
    };
    copies::insert(&mut tx, &row).await?;
    let answer = v1::CopyNodeResponse {
        result: Some(copy_node_response::Result::Job(wire::copy(row)?)),
    };
    if let Some(key) = &wanted.key
        && !key.keep(&mut tx, actor, &answer, now).await?
    {
        return Ok(None);
    }
    journal::append(&mut tx, changes, now).await?;
    tx.commit().await?;
    core.relay.nudge();
    core.copies.nudge();
    Ok(Some(answer))
}

/// Whether the account may copy the node into that folder, and what of it. The lineage is of both.
pub(crate) fn permit(actor: Actor, lineage: &mut Lineage, node: NodeId, parent: NodeId) -> Result<Source> {
    let account = actor.account;
    lineage.require(account, node, NodeRole::Viewer, Refusal::NodeNotFound)?;
    let folder = lineage.require(account, parent, NodeRole::Editor, Refusal::ParentNotFound)?;
    if !folder.is_folder {
        return Err(Refusal::NotAFolder.into());
    }
    if lineage.within(parent, node) {
        return Err(Refusal::IntoItself.into());
    }
    Ok(Source {
        node,
        account,
        owned: lineage.role(account, node) == Some(NodeRole::Owner),
    })
}

/// Whether the account may put something into that folder; and what was read of it.
pub(crate) async fn permit_folder(tx: &mut TenantTx, actor: Actor, parent: NodeId) -> Result<Lineage> {
    let mut lineage = nodes::lineage(tx, &[actor.account.0], &[parent.0]).await?;
    lineage.require(actor.account, parent, NodeRole::Editor, Refusal::ParentNotFound)?;
    Ok(lineage)
}

/// The name that was asked for, or else the node's own or one like it that is free in the folder, which is locked.
pub(crate) async fn name_of(
    tx: &mut TenantTx,
    node: NodeId,
    parent: NodeId,
    asked: Option<&Name>,
) -> Result<Name> {
    let view = nodes::views(tx, &[node.0]).await?.pop();
    let view = view.ok_or(Refusal::NodeNotFound)?;
    first_name(&view, asked)?;
    free_names::find(tx, &view, parent, asked, free_name::copied).await
}

/// The name that a copy gets if it is free: the one that was asked for, or else the node's own.
fn first_name(node: &NodeView, asked: Option<&Name>) -> Result<Name> {
    if asked.is_none() && node.name.is_empty() {
        let detail = "a home has no name of its own: say what the copy is called";
        return Err(Error::invalid_field("name_invalid", "name", detail));
    }
    Ok(asked.cloned().unwrap_or_else(|| node.own_name()))
}
