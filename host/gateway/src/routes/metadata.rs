use crate::auth::Caller;
use crate::extract::{Id, IdempotencyKey, IfMatch, Json, Query};
use crate::problem::Answer;
use crate::routes::nodes::with_current;
use crate::routes::page::PageParams;
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use bitvault_api::{Favourite, Metadata, Node, Page, UpdateMetadata};
use bitvault_proto::v1 as rpc;
use http::StatusCode;

/// Get tags and fields
///
/// Everybody sees them who sees the node.
#[utoipa::path(get, path = "/v1/nodes/{id}/metadata", tag = "metadata",
    params(("id" = String, Path, description = "`nod_…` or `root`")),
    responses((status = 200, description = "The tags and fields", body = Metadata)))]
pub(super) async fn get_metadata(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Id(node_id): Id,
) -> Answer<axum::Json<Metadata>> {
    let message = rpc::GetMetadataRequest { node_id };
    let metadata = state.metadata().get_metadata(ctx.request(message)).await?;
    Ok(axum::Json(translate::metadata(metadata.into_inner())))
}

/// Change tags and fields
///
/// Adds and removes by name, so that two people may do so at once. A node carries at most 50 tags and 50 fields; upper and
/// lower case are alike in their names. A 412 shows the node as it is now in `current`.
#[utoipa::path(patch, path = "/v1/nodes/{id}/metadata", tag = "metadata", request_body = UpdateMetadata,
    params(("id" = String, Path, description = "`nod_…` or `root`"),
        ("If-Match" = Option<String>, Header, pattern = r#"^(\*|[0-9]{1,18}|(W/)?"[0-9]{1,18}")$"#,
            description = "The node's revision: 412 when it has another")),
    responses((status = 200, description = "What is there from now on", body = Metadata)))]
pub(super) async fn update_metadata(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    IdempotencyKey(idempotency_key): IdempotencyKey,
    IfMatch(revision): IfMatch,
    Id(id): Id,
    Json(body): Json<UpdateMetadata>,
) -> Answer<axum::Json<Metadata>> {
    let message = rpc::UpdateMetadataRequest {
        node_id: id.clone(),
        add_tags: body.add_tags,
        remove_tags: body.remove_tags,
        set_fields: body.set_fields,
        remove_fields: body.remove_fields,
        revision,
        idempotency_key,
    };
    match state.metadata().update_metadata(ctx.request(message)).await {
        Ok(metadata) => Ok(axum::Json(translate::metadata(metadata.into_inner()))),
        Err(status) => Err(with_current(&state, &ctx, id, status.into()).await),
    }
}

/// List favourites
///
/// The caller's own, the newest first. What it may not see any more, or what is in the trash, is left out; a page may hold
/// fewer items than asked for and still name the next.
#[utoipa::path(get, path = "/v1/favourites", tag = "metadata", params(PageParams),
    responses((status = 200, description = "One page", body = Page<Favourite>)))]
pub(super) async fn list_favourites(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Query(page): Query<PageParams>,
) -> Answer<axum::Json<Page<Favourite>>> {
    let message = rpc::ListFavouritesRequest {
        limit: page.limit()?,
        cursor: page.cursor,
    };
    let page = state.metadata().list_favourites(ctx.request(message)).await?;
    let page = page.into_inner();
    let items = page.items.into_iter().map(translate::favourite);
    Ok(axum::Json(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor: page.next_cursor,
    }))
}

/// Make a favourite
///
/// At most 1,000 of them. Repeating it changes nothing.
#[utoipa::path(put, path = "/v1/favourites/{id}", tag = "metadata",
    params(("id" = String, Path, description = "`nod_…` or `root`")),
    responses((status = 204, description = "It is one now")))]
pub(super) async fn add_favourite(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(node_id): Id,
) -> Answer<StatusCode> {
    let message = rpc::FavouriteRequest { node_id };
    state.metadata().add_favourite(ctx.request(message)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a favourite
///
/// The node itself stays. It need not be a favourite, nor be there any more.
#[utoipa::path(delete, path = "/v1/favourites/{id}", tag = "metadata",
    params(("id" = String, Path, description = "`nod_…` or `root`")),
    responses((status = 204, description = "It is none any more")))]
pub(super) async fn remove_favourite(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(node_id): Id,
) -> Answer<StatusCode> {
    let message = rpc::FavouriteRequest { node_id };
    state.metadata().remove_favourite(ctx.request(message)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List recent files
///
/// The files that the caller changed last, the latest first, unless somebody else has changed them since. A page may hold
/// fewer items than asked for and still name the next.
#[utoipa::path(get, path = "/v1/recent", tag = "metadata", params(PageParams),
    responses((status = 200, description = "One page", body = Page<Node>)))]
pub(super) async fn list_recent(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Query(page): Query<PageParams>,
) -> Answer<axum::Json<Page<Node>>> {
    let message = rpc::ListRecentRequest {
        limit: page.limit()?,
        cursor: page.cursor,
    };
    let page = state.metadata().list_recent(ctx.request(message)).await?;
    let page = page.into_inner();
    let items = page.items.into_iter().map(translate::node);
    Ok(axum::Json(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor: page.next_cursor,
    }))
}
