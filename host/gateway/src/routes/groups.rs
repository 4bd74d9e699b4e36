use crate::auth::Caller;
use crate::extract::{Id, IdempotencyKey, Ids, Json, Query};
use crate::problem::Answer;
use crate::routes::page::PageParams;
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use bitvault_api::{Group, GroupMember, NameGroup, Page};
use bitvault_proto::v1 as rpc;
use http::StatusCode;

/// List groups
///
/// By name. A guest sees its own groups only.
#[utoipa::path(get, path = "/v1/groups", tag = "groups", params(PageParams),
    responses((status = 200, description = "One page", body = Page<Group>)))]
pub(super) async fn list_groups(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Query(page): Query<PageParams>,
) -> Answer<axum::Json<Page<Group>>> {
    let message = rpc::ListGroupsRequest {
        limit: page.limit()?,
        cursor: page.cursor,
    };
    let page = state
        .access()
        .list_groups(ctx.request(message))
        .await?
        .into_inner();
    let items = page.items.into_iter().map(translate::group);
    Ok(axum::Json(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor: page.next_cursor,
    }))
}

/// Create a group
///
/// For admins and owners of the tenant.
#[utoipa::path(post, path = "/v1/groups", tag = "groups", request_body = NameGroup,
    responses((status = 201, description = "The new group", body = Group)))]
pub(super) async fn create_group(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Json(body): Json<NameGroup>,
) -> Answer<(StatusCode, axum::Json<Group>)> {
    let message = rpc::CreateGroupRequest { name: body.name };
    let group = state.access().create_group(ctx.request(message)).await?;
    Ok((
        StatusCode::CREATED,
        axum::Json(translate::group(group.into_inner())?),
    ))
}

/// Rename a group
///
/// For admins and owners of the tenant.
#[utoipa::path(patch, path = "/v1/groups/{id}", tag = "groups", request_body = NameGroup,
    params(("id" = String, Path, description = "`grp_…`")),
    responses((status = 200, description = "The group as it is now", body = Group)))]
pub(super) async fn update_group(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(id): Id,
    Json(body): Json<NameGroup>,
) -> Answer<axum::Json<Group>> {
    let message = rpc::UpdateGroupRequest { id, name: body.name };
    let group = state.access().update_group(ctx.request(message)).await?;
    Ok(axum::Json(translate::group(group.into_inner())?))
}

/// Delete a group
///
/// With every role that it was given. Refused while a space belongs to it. For admins and owners of the tenant.
#[utoipa::path(delete, path = "/v1/groups/{id}", tag = "groups",
    params(("id" = String, Path, description = "`grp_…`")),
    responses((status = 204, description = "Deleted")))]
pub(super) async fn delete_group(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(id): Id,
) -> Answer<StatusCode> {
    let message = rpc::DeleteGroupRequest { id };
    state.access().delete_group(ctx.request(message)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List who is in a group
#[utoipa::path(get, path = "/v1/groups/{id}/members", tag = "groups",
    params(("id" = String, Path, description = "`grp_…`"), PageParams),
    responses((status = 200, description = "One page", body = Page<GroupMember>)))]
pub(super) async fn list_group_members(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Id(id): Id,
    Query(page): Query<PageParams>,
) -> Answer<axum::Json<Page<GroupMember>>> {
    let message = rpc::ListGroupMembersRequest {
        id,
        limit: page.limit()?,
        cursor: page.cursor,
    };
    let page = state
        .access()
        .list_group_members(ctx.request(message))
        .await?
        .into_inner();
    let items = page.items.into_iter().map(translate::group_member);
    Ok(axum::Json(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor: page.next_cursor,
    }))
}

/// Add somebody to a group
///
/// Who is in it stays. For admins and owners of the tenant.
#[utoipa::path(put, path = "/v1/groups/{id}/members/{account_id}", tag = "groups",
    params(("id" = String, Path, description = "`grp_…`"),
        ("account_id" = String, Path, description = "`acc_…`")),
    responses((status = 200, description = "Its place in the group", body = GroupMember)))]
pub(super) async fn put_group_member(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Ids(group_id, account_id): Ids,
) -> Answer<axum::Json<GroupMember>> {
    let message = rpc::GroupMemberRequest { group_id, account_id };
    let member = state.access().put_group_member(ctx.request(message)).await?;
    Ok(axum::Json(translate::group_member(member.into_inner())?))
}

/// Take somebody out of a group
///
/// What it could do by the group it can't from then on. Anybody may leave; for others, admins and owners of the tenant.
#[utoipa::path(delete, path = "/v1/groups/{id}/members/{account_id}", tag = "groups",
    params(("id" = String, Path, description = "`grp_…`"),
        ("account_id" = String, Path, description = "`acc_…`")),
    responses((status = 204, description = "Taken out")))]
pub(super) async fn delete_group_member(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Ids(group_id, account_id): Ids,
) -> Answer<StatusCode> {
    let message = rpc::GroupMemberRequest { group_id, account_id };
    state.access().delete_group_member(ctx.request(message)).await?;
    Ok(StatusCode::NO_CONTENT)
}
