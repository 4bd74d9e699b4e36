use super::page::PageParams;
use crate::auth::Caller;
use crate::extract::{Id, IdempotencyKey, Json, Query};
use crate::problem::Answer;
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use bitvault_api::{HomeQuota, Page, Quota, SetQuota};
use bitvault_proto::v1 as rpc;
use http::StatusCode;

/// Get the limit on a folder
///
/// On the folder itself; `quota_not_found` when none is set. For who sees the folder, and for admins of the tenant also that
/// of a home or a space.
#[utoipa::path(get, path = "/v1/nodes/{id}/quota", tag = "quotas",
    params(("id" = String, Path, description = "`nod_…`, `root`, or `acc_…` for the home of that account")),
    responses((status = 200, description = "The limit", body = Quota)))]
pub(super) async fn get_quota(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Id(node_id): Id,
) -> Answer<axum::Json<Quota>> {
    let message = rpc::GetQuotaRequest { node_id };
    let quota = state.quotas().get_quota(ctx.request(message)).await?;
    Ok(axum::Json(translate::quota(quota.into_inner())?))
}

/// Limit what may lie below a folder
///
/// All versions count, and the trash. What is there stays, also when it is more. A folder's limit is set by who owns the
/// folder, that of a home or a space by admins of the tenant.
#[utoipa::path(put, path = "/v1/nodes/{id}/quota", tag = "quotas", request_body = SetQuota,
    params(("id" = String, Path, description = "`nod_…`, `root`, or `acc_…` for the home of that account")),
    responses((status = 200, description = "The limit", body = Quota)))]
pub(super) async fn set_quota(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(node_id): Id,
    Json(body): Json<SetQuota>,
) -> Answer<axum::Json<Quota>> {
    let message = rpc::SetQuotaRequest {
        node_id,
        max_bytes: body.max_bytes,
    };
    let quota = state.quotas().set_quota(ctx.request(message)).await?;
    Ok(axum::Json(translate::quota(quota.into_inner())?))
}

/// Take the limit of a folder away
#[utoipa::path(delete, path = "/v1/nodes/{id}/quota", tag = "quotas",
    params(("id" = String, Path, description = "`nod_…`, `root`, or `acc_…` for the home of that account")),
    responses((status = 204, description = "It has no limit of its own")))]
pub(super) async fn delete_quota(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(node_id): Id,
) -> Answer<StatusCode> {
    let message = rpc::DeleteQuotaRequest { node_id };
    state.quotas().delete_quota(ctx.request(message)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Get the limit that homes begin with
///
/// `quota_not_found` when there is none. For admins and owners of the tenant.
#[utoipa::path(get, path = "/v1/quotas/homes", tag = "quotas",
    responses((status = 200, description = "The limit", body = HomeQuota)))]
pub(super) async fn get_home_quota(
    State(state): State<AppState>,
    Caller(ctx): Caller,
) -> Answer<axum::Json<HomeQuota>> {
    let request = ctx.request(rpc::GetHomeQuotaRequest {});
    let max_bytes = state
        .quotas()
        .get_home_quota(request)
        .await?
        .into_inner()
        .max_bytes;
    Ok(axum::Json(HomeQuota { max_bytes }))
}

/// Have homes begin with a limit
///
/// It holds for homes that are made from now on, when their account first uses them; those that are there keep what they
/// have. For admins and owners of the tenant.
#[utoipa::path(put, path = "/v1/quotas/homes", tag = "quotas", request_body = HomeQuota,
    responses((status = 200, description = "The limit", body = HomeQuota)))]
pub(super) async fn set_home_quota(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Json(HomeQuota { max_bytes }): Json<HomeQuota>,
) -> Answer<axum::Json<HomeQuota>> {
    let request = ctx.request(rpc::SetHomeQuotaRequest { max_bytes });
    let max_bytes = state
        .quotas()
        .set_home_quota(request)
        .await?
        .into_inner()
        .max_bytes;
    Ok(axum::Json(HomeQuota { max_bytes }))
}

/// Have homes begin without a limit
#[utoipa::path(delete, path = "/v1/quotas/homes", tag = "quotas",
    responses((status = 204, description = "Homes that are made from now on have none")))]
pub(super) async fn delete_home_quota(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
) -> Answer<StatusCode> {
    let request = ctx.request(rpc::DeleteHomeQuotaRequest {});
    state.quotas().delete_home_quota(request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the limits in the tenant
///
/// The tenant's own too, in the order of the ids. For admins and owners of the tenant.
#[utoipa::path(get, path = "/v1/quotas", tag = "quotas", params(PageParams),
    responses((status = 200, description = "One page", body = Page<Quota>)))]
pub(super) async fn list_quotas(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Query(params): Query<PageParams>,
) -> Answer<axum::Json<Page<Quota>>> {
    let message = rpc::ListQuotasRequest {
        limit: params.limit()?,
        cursor: params.cursor,
    };
    let page = state
        .quotas()
        .list_quotas(ctx.request(message))
        .await?
        .into_inner();
    let items = page.items.into_iter().map(translate::quota);
    Ok(axum::Json(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor: page.next_cursor,
    }))
}
