use crate::auth::Caller;
use crate::extract::{Id, IdempotencyKey, IfMatch, Json, Query};
use crate::problem::{Answer, Refusal};
use crate::routes::page::limit;
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bitvault_api::{CreateFolder, Node, NodeSort, Page, SortOrder, UpdateNode};
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1 as rpc;
use http::StatusCode;
use http::header::{ETAG, HeaderValue, LOCATION};
use serde::Deserialize;

/// Get a node
///
/// `root` is an alias of the tenant's root folder.
#[utoipa::path(get, path = "/v1/nodes/{id}", tag = "nodes", params(("id" = String, Path, description = "`nod_…` or `root`")),
    responses((status = 200, description = "The node; `ETag` is its revision", body = Node)))]
pub(super) async fn get_node(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Id(id): Id,
) -> Answer<Response> {
    let node = state
        .files()
        .get_node(ctx.request(rpc::GetNodeRequest { id }))
        .await?;
    answer(StatusCode::OK, node.into_inner())
}

/// A node with its revision as `ETag`.
pub(super) fn answer(status: StatusCode, node: rpc::Node) -> Answer<Response> {
    let node = translate::node(node)?;
    let etag = HeaderValue::try_from(format!("\"{}\"", node.revision))
        .map_err(|cause| Error::internal("write an ETag", cause))?;
    let location = HeaderValue::try_from(format!("/v1/nodes/{}", node.id))
        .map_err(|cause| Error::internal("write a Location", cause))?;
    let mut response = (status, axum::Json(node)).into_response();
    response.headers_mut().insert(ETAG, etag);
    if status == StatusCode::CREATED {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeleteParams {
    /// Remove a node that is in the trash for good.
    #[serde(default)]
    permanent: bool,
    /// To the trash only: refused with 409 `tree_changed` unless just these nodes are there, itself and below it, without what
    /// is in the trash already. In hex: SHA-256 over a line `ID REVISION` for each, ended by a line feed, in the order of the ids.
    #[param(pattern = "^[0-9a-fA-F]{64}$")]
    covers: Option<String>,
}

/// Delete a node
///
/// Moves it to the trash with everything below it; with `permanent=true`, removes a node that is in the trash for good.
/// A 412 shows the node as it is now in `current`.
#[utoipa::path(delete, path = "/v1/nodes/{id}", tag = "nodes",
    params(("id" = String, Path, description = "`nod_…`"), DeleteParams,
        ("If-Match" = Option<String>, Header, pattern = r#"^(\*|[0-9]{1,18}|(W/)?"[0-9]{1,18}")$"#,
            description = "The node's revision: 412 when it has another")),
    responses((status = 204, description = "Deleted")))]
pub(super) async fn delete_node(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    IfMatch(revision): IfMatch,
    Id(id): Id,
    Query(params): Query<DeleteParams>,
) -> Answer<StatusCode> {
    let message = rpc::DeleteNodeRequest {
        id: id.clone(),
        permanent: params.permanent,
        revision,
        covers: translate::covers(params.covers.as_deref())?,
    };
    let Err(status) = state.files().delete_node(ctx.request(message)).await else {
        return Ok(StatusCode::NO_CONTENT);
    };
    Err(with_current(&state, &ctx, id, status.into()).await)
}

/// A refusal because the node has changed shows it as it is now.
pub(super) async fn with_current(state: &AppState, ctx: &Ctx, id: String, refusal: Refusal) -> Refusal {
    if !refusal.is_precondition() {
        return refusal;
    }
    let node = state
        .files()
        .get_node(ctx.request(rpc::GetNodeRequest { id }))
        .await;
    match node
        .map_err(Error::from)
        .and_then(|node| translate::node(node.into_inner()))
    {
        Ok(node) => refusal.with_current(node),
        // It went away in between; the refusal stands.
        Err(_) => refusal,
    }
}

/// Rename or move a node
///
/// Gives it another name, another folder, or both, with everything below it. A 412 shows the node as it is now in
/// `current`.
#[utoipa::path(patch, path = "/v1/nodes/{id}", tag = "nodes", request_body = UpdateNode,
    params(("id" = String, Path, description = "`nod_…`"),
        ("If-Match" = Option<String>, Header, pattern = r#"^(\*|[0-9]{1,18}|(W/)?"[0-9]{1,18}")$"#,
            description = "The node's revision: 412 when it has another")),
    responses((status = 200, description = "The node as it is now", body = Node)))]
pub(super) async fn update_node(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    IdempotencyKey(idempotency_key): IdempotencyKey,
    IfMatch(revision): IfMatch,
    Id(id): Id,
    Json(body): Json<UpdateNode>,
) -> Answer<Response> {
    let message = rpc::UpdateNodeRequest {
        id: id.clone(),
        name: body.name,
        parent_id: body.parent_id,
        revision,
        idempotency_key,
    };
    match state.files().update_node(ctx.request(message)).await {
        Ok(node) => answer(StatusCode::OK, node.into_inner()),
        Err(status) => Err(with_current(&state, &ctx, id, status.into()).await),
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ChildrenParams {
    /// Most items of the answer; 200 when left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next_cursor` of the page before; good for the same order only.
    cursor: Option<String>,
    /// By what: `name` when left out.
    #[serde(default)]
    #[param(inline)]
    sort: NodeSort,
    /// Which way round: `asc` when left out.
    #[serde(default)]
    #[param(inline)]
    order: SortOrder,
}

/// List a folder
///
/// By name unless another order is asked for. A listing by name or by time of creation shows each child once, also while
/// others are added and removed; by time of the last change or by size, one that changes meanwhile may be shown twice or not
/// at all.
#[utoipa::path(get, path = "/v1/nodes/{id}/children", tag = "nodes",
    params(("id" = String, Path, description = "`nod_…` or `root`"), ChildrenParams),
    responses((status = 200, description = "One page", body = Page<Node>)))]
pub(super) async fn list_children(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Id(id): Id,
    Query(params): Query<ChildrenParams>,
) -> Answer<axum::Json<Page<Node>>> {
    let message = rpc::ListChildrenRequest {
        id,
        limit: limit(params.limit)?,
        cursor: params.cursor,
        sort: translate::sort(params.sort).into(),
        descending: params.order == SortOrder::Desc,
    };
    let page = state
        .files()
        .list_children(ctx.request(message))
        .await?
        .into_inner();
    let items = page.items.into_iter().map(translate::node);
    Ok(axum::Json(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor: page.next_cursor,
    }))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LookupParams {
    /// A path, `/a/b`; `/` is the folder that it begins at.
    #[param(pattern = "^/")]
    path: String,
    /// The folder that the path begins at, `nod_…`, such as a space or something that was shared; the caller's own root when
    /// it is left out.
    r#in: Option<String>,
}

/// Find a node by its path
#[utoipa::path(get, path = "/v1/lookup", tag = "nodes", params(LookupParams),
    responses((status = 200, description = "The node at that path", body = Node)))]
pub(super) async fn lookup(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Query(params): Query<LookupParams>,
) -> Answer<Response> {
    let message = rpc::LookupRequest {
        path: params.path,
        below: params.r#in,
    };
    let node = state.files().lookup(ctx.request(message)).await?;
    answer(StatusCode::OK, node.into_inner())
}

/// Create a folder
#[utoipa::path(post, path = "/v1/folders", tag = "nodes", request_body = CreateFolder,
    responses((status = 201, description = "The new folder", body = Node)))]
pub(super) async fn create_folder(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    IdempotencyKey(idempotency_key): IdempotencyKey,
    Json(body): Json<CreateFolder>,
) -> Answer<Response> {
    let message = rpc::CreateFolderRequest {
        parent_id: body.parent_id,
        name: body.name,
        idempotency_key,
    };
    let node = state.files().create_folder(ctx.request(message)).await?;
    answer(StatusCode::CREATED, node.into_inner())
}
