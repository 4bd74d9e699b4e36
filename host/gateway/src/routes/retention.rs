use crate::auth::Caller;
use crate::extract::{Id, IdempotencyKey, Json, Query};
use crate::problem::Answer;
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use bitvault_api::{Retention, SetRetention, Usage};
use bitvault_platform::Ctx;
use bitvault_proto::v1 as rpc;
use http::StatusCode;
use serde::Deserialize;

/// Get which versions are kept
///
/// Of a file, or of the files in a folder: by its own policy, else the nearest one above, the tenant's, or the server's.
#[utoipa::path(get, path = "/v1/nodes/{id}/retention", tag = "versions",
    params(("id" = String, Path, description = "`nod_…` or `root`")),
    responses((status = 200, description = "What holds there", body = Retention)))]
pub(super) async fn get_retention(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Id(id): Id,
) -> Answer<axum::Json<Retention>> {
    get(&state, &ctx, Some(id)).await
}

/// Set which versions are kept in a folder
///
/// Older versions that no policy keeps are removed for good by and by, within a day. Needs the role owner.
#[utoipa::path(put, path = "/v1/nodes/{id}/retention", tag = "versions", request_body = SetRetention,
    params(("id" = String, Path, description = "`nod_…` or `root`")),
    responses((status = 200, description = "What holds there now", body = Retention)))]
pub(super) async fn set_retention(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(id): Id,
    Json(body): Json<SetRetention>,
) -> Answer<axum::Json<Retention>> {
    set(&state, &ctx, Some(id), body).await
}

/// Take the policy of a folder away
///
/// What holds above it holds again.
#[utoipa::path(delete, path = "/v1/nodes/{id}/retention", tag = "versions",
    params(("id" = String, Path, description = "`nod_…` or `root`")),
    responses((status = 204, description = "It has no policy of its own")))]
pub(super) async fn clear_retention(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(id): Id,
) -> Answer<StatusCode> {
    clear(&state, &ctx, Some(id)).await
}

/// Get which versions are kept in the tenant
///
/// Where no folder says otherwise. For administrators of the tenant.
#[utoipa::path(get, path = "/v1/retention", tag = "versions",
    responses((status = 200, description = "What holds in the tenant", body = Retention)))]
pub(super) async fn get_tenant_retention(
    State(state): State<AppState>,
    Caller(ctx): Caller,
) -> Answer<axum::Json<Retention>> {
    get(&state, &ctx, None).await
}

/// Set which versions are kept in the tenant
///
/// For administrators of the tenant.
#[utoipa::path(put, path = "/v1/retention", tag = "versions", request_body = SetRetention,
    responses((status = 200, description = "What holds in the tenant now", body = Retention)))]
pub(super) async fn set_tenant_retention(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Json(body): Json<SetRetention>,
) -> Answer<axum::Json<Retention>> {
    set(&state, &ctx, None, body).await
}

/// Take the policy of the tenant away
///
/// What the server does by default holds again. For administrators of the tenant.
#[utoipa::path(delete, path = "/v1/retention", tag = "versions",
    responses((status = 204, description = "The tenant has no policy of its own")))]
pub(super) async fn clear_tenant_retention(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
) -> Answer<StatusCode> {
    clear(&state, &ctx, None).await
}

async fn get(state: &AppState, ctx: &Ctx, node_id: Option<String>) -> Answer<axum::Json<Retention>> {
    let message = rpc::GetRetentionRequest { node_id };
    let found = state.files().get_retention(ctx.request(message)).await?;
    Ok(axum::Json(translate::retention(found.into_inner())?))
}

async fn set(
    state: &AppState,
    ctx: &Ctx,
    node_id: Option<String>,
    body: SetRetention,
) -> Answer<axum::Json<Retention>> {
    let message = rpc::SetRetentionRequest {
        node_id,
        policy: Some(translate::policy(body)),
    };
    let now = state.files().set_retention(ctx.request(message)).await?;
    Ok(axum::Json(translate::retention(now.into_inner())?))
}

async fn clear(state: &AppState, ctx: &Ctx, node_id: Option<String>) -> Answer<StatusCode> {
    let message = rpc::ClearRetentionRequest { node_id };
    state.files().clear_retention(ctx.request(message)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UsageParams {
    /// The top of a space: `nod_…`; your home when left out.
    r#in: Option<String>,
}

/// Get the space that is used
///
/// By the caller's home or a space: files, their older versions, and the trash.
#[utoipa::path(get, path = "/v1/usage", tag = "versions", params(UsageParams),
    responses((status = 200, description = "The space", body = Usage)))]
pub(super) async fn get_usage(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Query(params): Query<UsageParams>,
) -> Answer<axum::Json<Usage>> {
    let message = rpc::GetUsageRequest { r#in: params.r#in };
    let usage = state.files().get_usage(ctx.request(message)).await?;
    Ok(axum::Json(translate::usage(usage.into_inner())?))
}
