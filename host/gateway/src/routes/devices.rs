use super::page::PageParams;
use crate::auth::Caller;
use crate::extract::{Id, IdempotencyKey, Json, Query};
use crate::problem::Answer;
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use bitvault_api::{CreateDevice, Device, Page};
use bitvault_proto::v1 as rpc;
use http::StatusCode;

/// Make a device known
///
/// It belongs to the caller's account. Changes are read in its name, and its cursors are good for it alone.
#[utoipa::path(post, path = "/v1/devices", tag = "sync", request_body = CreateDevice,
    responses((status = 201, description = "The device", body = Device)))]
pub(super) async fn create_device(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    IdempotencyKey(idempotency_key): IdempotencyKey,
    Json(body): Json<CreateDevice>,
) -> Answer<(StatusCode, axum::Json<Device>)> {
    let message = rpc::CreateDeviceRequest {
        name: body.name,
        platform: body.platform,
        idempotency_key,
    };
    let device = state.sync().create_device(ctx.request(message)).await?;
    let device = translate::device(device.into_inner())?;
    Ok((StatusCode::CREATED, axum::Json(device)))
}

/// List the caller's devices
///
/// The oldest first.
#[utoipa::path(get, path = "/v1/devices", tag = "sync", params(PageParams),
    responses((status = 200, description = "One page", body = Page<Device>)))]
pub(super) async fn list_devices(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Query(params): Query<PageParams>,
) -> Answer<axum::Json<Page<Device>>> {
    let message = rpc::ListDevicesRequest {
        limit: params.limit()?,
        cursor: params.cursor,
    };
    let page = state
        .sync()
        .list_devices(ctx.request(message))
        .await?
        .into_inner();
    let items = page.items.into_iter().map(translate::device);
    Ok(axum::Json(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor: page.next_cursor,
    }))
}

/// Get a device of the caller
#[utoipa::path(get, path = "/v1/devices/{id}", tag = "sync", params(("id" = String, Path, description = "`dev_…`")),
    responses((status = 200, description = "The device", body = Device)))]
pub(super) async fn get_device(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Id(id): Id,
) -> Answer<axum::Json<Device>> {
    let message = rpc::GetDeviceRequest { id };
    let device = state.sync().get_device(ctx.request(message)).await?;
    Ok(axum::Json(translate::device(device.into_inner())?))
}

/// Forget a device of the caller
///
/// Its cursors are refused from then on. Its session is another matter.
#[utoipa::path(delete, path = "/v1/devices/{id}", tag = "sync", params(("id" = String, Path, description = "`dev_…`")),
    responses((status = 204, description = "It is forgotten")))]
pub(super) async fn delete_device(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(id): Id,
) -> Answer<StatusCode> {
    let message = rpc::DeleteDeviceRequest { id };
    state.sync().delete_device(ctx.request(message)).await?;
    Ok(StatusCode::NO_CONTENT)
}
