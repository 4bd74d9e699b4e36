//! Groups of accounts: made, filled and removed by who runs the tenant.

use super::Files;
use crate::domain::access::{Actor, Subject, root};
use crate::domain::cursor::{self, Listing};
use crate::domain::name::Name;
use crate::domain::page::PageSize;
use crate::error::Refusal;
use crate::store::groups::{self, GroupRow};
use crate::store::journal::{self, Change, ChangeKind};
use crate::store::{grants, nodes};
use crate::store_client::timestamp;
use bitvault_platform::ids::{AccountId, GroupId, NodeId};
use bitvault_platform::{Ctx, Result, Role};
use bitvault_proto::v1;
use uuid::Uuid;

/// Answers the groups by name: all of them to members, its own to a guest.
pub(super) async fn list_groups(
    files: &Files,
    ctx: &Ctx,
    request: v1::ListGroupsRequest,
) -> Result<v1::ListGroupsResponse> {
    let actor = Actor::of(ctx)?;
    let page = PageSize::new(request.limit)?;
    let scope = actor.tenant.0;
    let after = cursor::name(Listing::Groups, scope, request.cursor.as_deref())?;
    let only = (actor.role == Role::Guest).then_some(actor.account);
    let mut tx = files.core.begin(ctx).await?;
    let mut rows = groups::list(&mut tx, only, &after, page.rows()).await?;
    tx.commit().await?;
    let next_cursor = page
        .cut(&mut rows)
        .map(|last| cursor::after_name(Listing::Groups, scope, &last.name_key));
    let items = rows.into_iter().map(message).collect();
    Ok(v1::ListGroupsResponse { items, next_cursor })
}

/// Makes a group without members.
pub(super) async fn create_group(
    files: &Files,
    ctx: &Ctx,
    request: v1::CreateGroupRequest,
) -> Result<v1::Group> {
    let actor = Actor::of(ctx)?;
    actor.require_admin()?;
    let name = Name::new(&request.name)?;
    let now = files.core.clock.now();
    let mut tx = files.core.begin(ctx).await?;
    let id = GroupId::new();
    if !groups::insert(&mut tx, actor, id, &name, now).await? {
        return Err(Refusal::GroupNameTaken(name.text).into());
    }
    tx.commit().await?;
    Ok(message(GroupRow {
        id,
        name: name.text,
        name_key: name.key,
        members: 0,
        created_at: now,
    }))
}

/// Gives a group another name.
pub(super) async fn update_group(
    files: &Files,
    ctx: &Ctx,
    request: v1::UpdateGroupRequest,
) -> Result<v1::Group> {
    let actor = Actor::of(ctx)?;
    actor.require_admin()?;
    let id: GroupId = request.id.parse()?;
    let name = Name::new(&request.name)?;
    let mut tx = files.core.begin(ctx).await?;
    let group = groups::lock(&mut tx, id).await?.ok_or(Refusal::GroupNotFound)?;
    if !groups::rename(&mut tx, id, &name).await? {
        return Err(Refusal::GroupNameTaken(name.text).into());
    }
    tx.commit().await?;
    Ok(message(GroupRow {
        name: name.text,
        name_key: name.key,
        ..group
    }))
}

/// Removes a group, and with it every role that it was given.
pub(super) async fn delete_group(
    files: &Files,
    ctx: &Ctx,
    request: v1::DeleteGroupRequest,
) -> Result<v1::DeleteGroupResponse> {
    let actor = Actor::of(ctx)?;
    actor.require_admin()?;
    let id: GroupId = request.id.parse()?;
    let now = files.core.clock.now();
    let mut tx = files.core.begin(ctx).await?;
    groups::lock(&mut tx, id).await?.ok_or(Refusal::GroupNotFound)?;
    let mut lost: Vec<NodeId> = grants::delete_of(&mut tx, Subject::Group(id)).await?;
    if !groups::delete(&mut tx, id).await? {
        return Err(Refusal::GroupOwnsSpace.into());
    }
    if !lost.is_empty() {
        lost.sort_unstable();
        let ids: Vec<Uuid> = lost.iter().map(|node| node.0).collect();
        let lineage = nodes::lineage(&mut tx, &[], &ids).await?;
        let changes: Vec<Change> = lost
            .iter()
            .filter_map(|node| lineage.any(*node))
            .map(|facts| {
                let change = Change::of(facts.id, ChangeKind::Shared, facts.revision, actor.account);
                change.inherited(facts.inherits)
            })
            .collect();
        journal::append(&mut tx, &changes, now).await?;
    }
    tx.commit().await?;
    files.core.relay.nudge();
    Ok(v1::DeleteGroupResponse {})
}

/// Answers who is in a group. A guest sees those of its own groups only.
pub(super) async fn list_group_members(
    files: &Files,
    ctx: &Ctx,
    request: v1::ListGroupMembersRequest,
) -> Result<v1::ListGroupMembersResponse> {
    let actor = Actor::of(ctx)?;
    let group: GroupId = request.id.parse()?;
    let page = PageSize::new(request.limit)?;
    let after = match &request.cursor {
        Some(text) => Uuid::from_slice(&cursor::open(Listing::Members, group.0, text)?)
            .map_err(|_| cursor::refused())?,
        None => Uuid::nil(),
    };
    let mut tx = files.core.begin(ctx).await?;
    let hidden = actor.role == Role::Guest && !groups::has_member(&mut tx, group, actor.account).await?;
    if hidden || !groups::hold(&mut tx, group).await? {
        return Err(Refusal::GroupNotFound.into());
    }
    let mut rows = groups::members(&mut tx, group, after, page.rows()).await?;
    tx.commit().await?;
    let next_cursor = page
        .cut(&mut rows)
        .map(|last| cursor::seal(Listing::Members, group.0, last.account.0.as_bytes()));
    let items = rows
        .into_iter()
        .map(|row| v1::GroupMember {
            account_id: row.account.to_string(),
            added_at: Some(timestamp(row.added_at)),
        })
        .collect();
    Ok(v1::ListGroupMembersResponse { items, next_cursor })
}

/// Takes an account into a group. One that is there stays.
pub(super) async fn put_group_member(
    files: &Files,
    ctx: &Ctx,
    request: v1::GroupMemberRequest,
) -> Result<v1::GroupMember> {
    let actor = Actor::of(ctx)?;
    actor.require_admin()?;
    let group: GroupId = request.group_id.parse()?;
    let account: AccountId = request.account_id.parse()?;
    let now = files.core.clock.now();
    let mut tx = files.core.begin_rooted(ctx).await?;
    if !groups::hold(&mut tx, group).await? {
        return Err(Refusal::GroupNotFound.into());
    }
    let (added_at, is_new) = groups::put_member(&mut tx, actor, group, account, now).await?;
    if is_new {
        journal::append(&mut tx, &[membership(actor)], now).await?;
    }
    tx.commit().await?;
    files.core.relay.nudge();
    Ok(v1::GroupMember {
        account_id: account.to_string(),
        added_at: Some(timestamp(added_at)),
    })
}

/// Takes an account out of a group, at once. Anybody may leave.
pub(super) async fn delete_group_member(
    files: &Files,
    ctx: &Ctx,
    request: v1::GroupMemberRequest,
) -> Result<v1::DeleteGroupMemberResponse> {
    let actor = Actor::of(ctx)?;
    let group: GroupId = request.group_id.parse()?;
    let account: AccountId = request.account_id.parse()?;
    if account != actor.account {
        actor.require_admin()?;
    }
    let now = files.core.clock.now();
    let mut tx = files.core.begin_rooted(ctx).await?;
    if !groups::delete_member(&mut tx, group, account).await? {
        return Err(Refusal::GroupMemberNotFound.into());
    }
    journal::append(&mut tx, &[membership(actor)], now).await?;
    tx.commit().await?;
    files.core.relay.nudge();
    Ok(v1::DeleteGroupMemberResponse {})
}

/// Somebody sees other nodes from now on. Which, everybody who reads the journal finds for itself: the entry is about the
/// tenant's root, which nobody sees.
fn membership(actor: Actor) -> Change {
    Change::of(root(actor.tenant), ChangeKind::Shared, 1, actor.account).inherited(true)
}

fn message(row: GroupRow) -> v1::Group {
    v1::Group {
        id: row.id.to_string(),
        name: row.name,
        members: u32::try_from(row.members).unwrap_or(u32::MAX),
        created_at: Some(timestamp(row.created_at)),
    }
}
