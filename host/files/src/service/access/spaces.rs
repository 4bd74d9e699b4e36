//! Spaces: trees that belong to a group. Who runs the tenant makes and removes them; the group owns what is in there.

use super::Files;
use crate::domain::access::{Actor, NodeRole, Subject, node_id, root};
use crate::domain::cursor::{self, Listing};
use crate::domain::name::Name;
use crate::domain::page::PageSize;
use crate::error::Refusal;
use crate::service::idempotent::Key;
use crate::service::wire;
use crate::store::journal::{self, Change, ChangeKind};
use crate::store::moves::{self, Placed};
use crate::store::spaces::{self, SpaceRow};
use crate::store::{grants, groups, nodes, removal, usage};
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{GroupId, NodeId};
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::v1;
use std::collections::HashMap;
use uuid::Uuid;

/// Answers the spaces that the caller may see, by name.
pub(super) async fn list_spaces(
    files: &Files,
    ctx: &Ctx,
    request: v1::ListSpacesRequest,
) -> Result<v1::ListSpacesResponse> {
    let actor = Actor::of(ctx)?;
    if request.all {
        actor.require_admin()?;
    }
    let page = PageSize::new(request.limit)?;
    let scope = actor.tenant.0;
    let after = cursor::name(Listing::Spaces, scope, request.cursor.as_deref())?;
    let mut tx = files.core.begin(ctx).await?;
    let mut rows = spaces::list(&mut tx, actor.account, request.all, &after, page.rows()).await?;
    let next_cursor = page
        .cut(&mut rows)
        .map(|last| cursor::after_name(Listing::Spaces, scope, &last.name_key));
    let items = messages(&mut tx, actor, rows).await?;
    tx.commit().await?;
    Ok(v1::ListSpacesResponse { items, next_cursor })
}

/// Makes a space. The group owns all that will be in it.
pub(super) async fn create_space(
    files: &Files,
    ctx: &Ctx,
    mut request: v1::CreateSpaceRequest,
) -> Result<v1::Space> {
    let actor = Actor::of(ctx)?;
    actor.require_admin()?;
    let key = Key::new(request.idempotency_key.take(), "CreateSpace", &request)?;
    let name = Name::new(&request.name)?;
    let group: GroupId = request.group_id.parse()?;
    let now = files.core.clock.now();
    let mut tx = files.core.begin_rooted(ctx).await?;
    // A name that is free stays free.
    nodes::lock(&mut tx, &[root(actor.tenant).0]).await?;
    if let Some(key) = &key
        && let Some(answer) = key.replay(&mut tx, actor).await?
    {
        return Ok(answer);
    }
    if !groups::hold(&mut tx, group).await? {
        return Err(Refusal::GroupNotFound.into());
    }
    let made = spaces::insert(&mut tx, actor, &name, group, now).await?;
    let node = made.ok_or(Refusal::SpaceNameTaken(name.text))?;
    grants::put(&mut tx, actor, node, Subject::Group(group), NodeRole::Owner, now).await?;
    let space = one(&mut tx, actor, node).await?;
    if let Some(key) = &key {
        // The root's lock keeps another request with the key out.
        key.keep(&mut tx, actor, &space, now).await?;
    }
    let change = Change::of(node, ChangeKind::Created, 1, actor.account).out_of(Some(root(actor.tenant)));
    journal::append(&mut tx, &[change], now).await?;
    tx.commit().await?;
    files.core.relay.nudge();
    Ok(space)
}

/// Gives a space another name (its owners, and who runs the tenant) or another group (who runs the tenant).
pub(super) async fn update_space(
    files: &Files,
    ctx: &Ctx,
    request: v1::UpdateSpaceRequest,
) -> Result<v1::Space> {
    let actor = Actor::of(ctx)?;
    let node = node_id(&request.id, actor)?;
    let name = request.name.as_deref().map(Name::new).transpose()?;
    let group: Option<GroupId> = request.group_id.as_deref().map(str::parse).transpose()?;
    if name.is_none() && group.is_none() {
        return Err(Refusal::NothingToChange.into());
    }
    let now = files.core.clock.now();
    let mut tx = files.core.begin(ctx).await?;
    let mut locks = [node.0, root(actor.tenant).0];
    locks.sort_unstable();
    nodes::lock(&mut tx, &locks).await?;
    let space = spaces::get(&mut tx, node).await?.ok_or(Refusal::SpaceNotFound)?;
    let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &[node.0]).await?;
    if !actor.is_admin() {
        lineage.require(actor.account, node, NodeRole::Owner, Refusal::SpaceNotFound)?;
    }
    let mut changes = Vec::new();
    if let Some(name) = name {
        let revision = lineage.any(node).map_or(0, |facts| facts.revision);
        rename(&mut tx, actor, &space, name, revision, now).await?;
        changes.push(ChangeKind::Moved);
    }
    if let Some(group) = group.filter(|group| *group != space.group) {
        actor.require_admin()?;
        if !groups::hold(&mut tx, group).await? {
            return Err(Refusal::GroupNotFound.into());
        }
        grants::delete(&mut tx, node, Subject::Group(space.group)).await?;
        grants::put(&mut tx, actor, node, Subject::Group(group), NodeRole::Owner, now).await?;
        spaces::set_group(&mut tx, node, group).await?;
        changes.push(ChangeKind::Shared);
    }
    let answer = one(&mut tx, actor, node).await?;
    let revision = answer.node.as_ref().map_or(0, |node| node.revision);
    let changes: Vec<Change> = changes
        .into_iter()
        .map(|kind| {
            let change = Change::of(node, kind, revision, actor.account);
            change.out_of(Some(root(actor.tenant))).inherited(true)
        })
        .collect();
    if !changes.is_empty() {
        journal::append(&mut tx, &changes, now).await?;
    }
    tx.commit().await?;
    files.core.relay.nudge();
    Ok(answer)
}

async fn rename(
    tx: &mut TenantTx,
    actor: Actor,
    space: &SpaceRow,
    name: Name,
    revision: i64,
    now: time::OffsetDateTime,
) -> Result<()> {
    let top = root(actor.tenant);
    let taken = name.key != space.name_key
        && !nodes::taken(tx, &[top.0], std::slice::from_ref(&name.key))
            .await?
            .is_empty();
    if taken {
        return Err(Refusal::SpaceNameTaken(name.text).into());
    }
    let placed = Placed {
        id: space.node,
        parent: top,
        name,
        revision: revision + 1,
    };
    moves::place(tx, actor, &[placed], now).await
}

/// Removes a space that holds nothing.
pub(super) async fn delete_space(
    files: &Files,
    ctx: &Ctx,
    request: v1::DeleteSpaceRequest,
) -> Result<v1::DeleteSpaceResponse> {
    let actor = Actor::of(ctx)?;
    actor.require_admin()?;
    let node = node_id(&request.id, actor)?;
    let now = files.core.clock.now();
    let mut tx = files.core.begin(ctx).await?;
    // Who adds something to the space waits here, or has added it.
    nodes::lock(&mut tx, &[node.0]).await?;
    spaces::get(&mut tx, node).await?.ok_or(Refusal::SpaceNotFound)?;
    if spaces::holds_anything(&mut tx, node).await? {
        return Err(Refusal::SpaceNotEmpty.into());
    }
    let lineage = nodes::lineage(&mut tx, &[], &[node.0]).await?;
    let revision = lineage.any(node).map_or(0, |facts| facts.revision);
    removal::remove(&mut tx, &[node.0], now).await?;
    usage::forget(&mut tx, node).await?;
    let change = Change::of(node, ChangeKind::Deleted, revision, actor.account);
    journal::append(&mut tx, &[change], now).await?;
    tx.commit().await?;
    files.core.relay.nudge();
    Ok(v1::DeleteSpaceResponse {})
}

async fn one(tx: &mut TenantTx, actor: Actor, node: NodeId) -> Result<v1::Space> {
    let row = spaces::get(tx, node).await?.ok_or(Refusal::SpaceNotFound)?;
    let space = messages(tx, actor, vec![row]).await?.pop();
    space.ok_or_else(|| Error::internal("read a space", "it is not there"))
}

async fn messages(tx: &mut TenantTx, actor: Actor, rows: Vec<SpaceRow>) -> Result<Vec<v1::Space>> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.node.0).collect();
    let (lineage, views) = nodes::lineage_and_views(tx, &[actor.account.0], &ids).await?;
    let mut views: HashMap<NodeId, _> = views.into_iter().map(|view| (view.id, view)).collect();
    rows.into_iter()
        .map(|row| {
            let view = views.remove(&row.node);
            let view = view.ok_or_else(|| Error::internal("read a space", "its folder is not there"))?;
            Ok(v1::Space {
                node: Some(wire::node(view)?),
                group_id: row.group.to_string(),
                role: lineage
                    .role(actor.account, row.node)
                    .map(|role| role.name().to_owned()),
            })
        })
        .collect()
}
