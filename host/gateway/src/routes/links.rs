use crate::auth::Caller;
use crate::extract::{Id, IdempotencyKey, Json, Query};
use crate::problem::Answer;
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bitvault_api::limits::PAGE_ITEMS_MAX;
use bitvault_api::{CreateLink, CreatedLink, Link, Page, UpdateLink};
use bitvault_platform::Error;
use bitvault_proto::v1 as rpc;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use serde::Deserialize;

/// Make a public link
///
/// For a node that the caller owns. The answer alone holds the URL: only a hash of its token is kept.
#[utoipa::path(post, path = "/v1/links", tag = "links", request_body = CreateLink,
    responses((status = 201, description = "The link with its URL", body = CreatedLink)))]
pub(super) async fn create_link(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    IdempotencyKey(idempotency_key): IdempotencyKey,
    Json(body): Json<CreateLink>,
) -> Answer<Response> {
    let message = translate::create_link(body, idempotency_key);
    let made = state
        .links()
        .create_link(ctx.request(message))
        .await?
        .into_inner();
    let made = translate::created_link(made, &state.wiring.public_url)?;
    let mut response = (StatusCode::CREATED, axum::Json(made)).into_response();
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// All links on this node, which the caller owns, instead of the caller's own.
    node_id: Option<String>,
    /// Most items of the answer; 200 when left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List public links
///
/// The caller's own, or all on a node that it owns; the newest first.
#[utoipa::path(get, path = "/v1/links", tag = "links", params(ListParams),
    responses((status = 200, description = "One page", body = Page<Link>)))]
pub(super) async fn list_links(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Query(params): Query<ListParams>,
) -> Answer<axum::Json<Page<Link>>> {
    if params.limit == Some(0) {
        let detail = format!("use 1 to {PAGE_ITEMS_MAX}");
        return Err(Error::invalid_field("limit_invalid", "limit", detail).into());
    }
    let message = rpc::ListLinksRequest {
        node_id: params.node_id,
        limit: params.limit.unwrap_or_default(),
        cursor: params.cursor,
    };
    let page = state.links().list_links(ctx.request(message)).await?.into_inner();
    let items = page.items.into_iter().map(translate::link);
    Ok(axum::Json(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor: page.next_cursor,
    }))
}

/// Read a public link
///
/// One that the caller made, or one on a node that it owns. Never its URL.
#[utoipa::path(get, path = "/v1/links/{id}", tag = "links", params(("id" = String, Path, description = "`lnk_…`")),
    responses((status = 200, description = "The link", body = Link)))]
pub(super) async fn get_link(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Id(id): Id,
) -> Answer<axum::Json<Link>> {
    let message = rpc::GetLinkRequest { id };
    let link = state.links().get_link(ctx.request(message)).await?;
    Ok(axum::Json(translate::link(link.into_inner())?))
}

/// Change a public link
///
/// A new password shuts out whoever came in with the former one.
#[utoipa::path(patch, path = "/v1/links/{id}", tag = "links", params(("id" = String, Path, description = "`lnk_…`")),
    request_body = UpdateLink, responses((status = 200, description = "The link as it is now", body = Link)))]
pub(super) async fn update_link(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(id): Id,
    Json(body): Json<UpdateLink>,
) -> Answer<axum::Json<Link>> {
    let message = translate::update_link(id, body)?;
    let link = state.links().update_link(ctx.request(message)).await?;
    Ok(axum::Json(translate::link(link.into_inner())?))
}

/// End a public link
///
/// At once and for good.
#[utoipa::path(delete, path = "/v1/links/{id}", tag = "links", params(("id" = String, Path, description = "`lnk_…`")),
    responses((status = 204, description = "Its URL opens nothing any more")))]
pub(super) async fn delete_link(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(id): Id,
) -> Answer<StatusCode> {
    let message = rpc::DeleteLinkRequest { id };
    state.links().delete_link(ctx.request(message)).await?;
    Ok(StatusCode::NO_CONTENT)
}
