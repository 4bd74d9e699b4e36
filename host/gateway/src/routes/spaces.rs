use crate::auth::Caller;
use crate::extract::{Id, IdempotencyKey, Json, Query};
use crate::problem::Answer;
use crate::routes::page;
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use bitvault_api::{CreateSpace, Page, Space, UpdateSpace};
use bitvault_proto::v1 as rpc;
use http::StatusCode;
use serde::Deserialize;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SpacesParams {
    /// Most items of the answer; 200 when left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Every space of the tenant; for its admins and owners.
    #[serde(default)]
    all: bool,
}

/// List spaces
///
/// Those that the caller may see, by name.
#[utoipa::path(get, path = "/v1/spaces", tag = "spaces", params(SpacesParams),
    responses((status = 200, description = "One page", body = Page<Space>)))]
pub(super) async fn list_spaces(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Query(params): Query<SpacesParams>,
) -> Answer<axum::Json<Page<Space>>> {
    let message = rpc::ListSpacesRequest {
        limit: page::limit(params.limit)?,
        cursor: params.cursor,
        all: params.all,
    };
    let page = state
        .access()
        .list_spaces(ctx.request(message))
        .await?
        .into_inner();
    let items = page.items.into_iter().map(translate::space);
    Ok(axum::Json(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor: page.next_cursor,
    }))
}

/// Create a space
///
/// A tree that belongs to a group, and not to a person. For admins and owners of the tenant.
#[utoipa::path(post, path = "/v1/spaces", tag = "spaces", request_body = CreateSpace,
    responses((status = 201, description = "The new space", body = Space)))]
pub(super) async fn create_space(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    IdempotencyKey(idempotency_key): IdempotencyKey,
    Json(body): Json<CreateSpace>,
) -> Answer<(StatusCode, axum::Json<Space>)> {
    let message = rpc::CreateSpaceRequest {
        name: body.name,
        group_id: body.group_id,
        idempotency_key,
    };
    let space = state.access().create_space(ctx.request(message)).await?;
    Ok((
        StatusCode::CREATED,
        axum::Json(translate::space(space.into_inner())?),
    ))
}

/// Change a space
///
/// Its name, for its owners and for admins of the tenant; its group, for admins.
#[utoipa::path(patch, path = "/v1/spaces/{id}", tag = "spaces", request_body = UpdateSpace,
    params(("id" = String, Path, description = "`nod_…`, the top folder")),
    responses((status = 200, description = "The space as it is now", body = Space)))]
pub(super) async fn update_space(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(id): Id,
    Json(body): Json<UpdateSpace>,
) -> Answer<axum::Json<Space>> {
    let message = rpc::UpdateSpaceRequest {
        id,
        name: body.name,
        group_id: body.group_id,
    };
    let space = state.access().update_space(ctx.request(message)).await?;
    Ok(axum::Json(translate::space(space.into_inner())?))
}

/// Delete a space
///
/// One that holds nothing, not even in its trash. For admins and owners of the tenant.
#[utoipa::path(delete, path = "/v1/spaces/{id}", tag = "spaces",
    params(("id" = String, Path, description = "`nod_…`, the top folder")),
    responses((status = 204, description = "Deleted")))]
pub(super) async fn delete_space(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(id): Id,
) -> Answer<StatusCode> {
    let message = rpc::DeleteSpaceRequest { id };
    state.access().delete_space(ctx.request(message)).await?;
    Ok(StatusCode::NO_CONTENT)
}
