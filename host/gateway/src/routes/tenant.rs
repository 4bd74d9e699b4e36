use crate::auth::Caller;
use crate::extract::{IdempotencyKey, Json, Query};
use crate::problem::Answer;
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use bitvault_api::{TenantDeletion, TenantDetails, UpdateTenant};
use bitvault_proto::v1 as rpc;
use http::StatusCode;
use serde::Deserialize;

/// Get the tenant
///
/// Its names and what it has settled.
#[utoipa::path(get, path = "/v1/tenant", tag = "tenant",
    responses((status = 200, description = "The tenant", body = TenantDetails)))]
pub(super) async fn get_tenant(
    State(state): State<AppState>,
    Caller(ctx): Caller,
) -> Answer<axum::Json<TenantDetails>> {
    let request = ctx.request(rpc::GetTenantRequest {});
    let tenant = state.tenants().get_tenant(request).await?;
    Ok(axum::Json(translate::tenant_details(tenant.into_inner())?))
}

/// Change the tenant
///
/// Its shown name and its settings; what is left out stays as it is. Needs the role admin.
#[utoipa::path(patch, path = "/v1/tenant", tag = "tenant", request_body = UpdateTenant,
    responses((status = 200, description = "The tenant as it is now", body = TenantDetails)))]
pub(super) async fn update_tenant(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Json(body): Json<UpdateTenant>,
) -> Answer<axum::Json<TenantDetails>> {
    let request = ctx.request(translate::update_tenant(body));
    let tenant = state.tenants().update_tenant(request).await?;
    Ok(axum::Json(translate::tenant_details(tenant.into_inner())?))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeleteTenantParams {
    /// The tenant's name once more, so that nothing is deleted by a slip.
    name: String,
}

/// Delete the tenant
///
/// Keeps everybody out from now on, and removes everything in it for good after a grace period. Within that, who runs the
/// server can take it back. Needs the role owner; can't be done with a personal access token.
#[utoipa::path(delete, path = "/v1/tenant", tag = "tenant", params(DeleteTenantParams),
    responses((status = 202, description = "Marked for deletion", body = TenantDeletion)))]
pub(super) async fn delete_tenant(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Query(params): Query<DeleteTenantParams>,
) -> Answer<(StatusCode, axum::Json<TenantDeletion>)> {
    let request = ctx.request(rpc::DeleteTenantRequest { name: params.name });
    let marked = state.tenants().delete_tenant(request).await?;
    let marked = translate::tenant_deletion(marked.into_inner())?;
    Ok((StatusCode::ACCEPTED, axum::Json(marked)))
}
