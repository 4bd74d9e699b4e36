use super::nodes::{answer, with_current};
use super::page::PageParams;
use crate::auth::Caller;
use crate::extract::{Id, IdempotencyKey, Ids, IfMatch, Json, Query};
use crate::problem::Answer;
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use axum::response::Response;
use bitvault_api::{FileVersion, LabelVersion, Node, Page};
use bitvault_proto::v1 as rpc;
use http::StatusCode;

/// List the versions of a file
///
/// The newest first. Read one with `GET /v1/nodes/{id}/content?version_id=`.
#[utoipa::path(get, path = "/v1/nodes/{id}/versions", tag = "versions",
    params(("id" = String, Path, description = "`nod_…`"), PageParams),
    responses((status = 200, description = "One page", body = Page<FileVersion>)))]
pub(super) async fn list_versions(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Id(node_id): Id,
    Query(page): Query<PageParams>,
) -> Answer<axum::Json<Page<FileVersion>>> {
    let message = rpc::ListVersionsRequest {
        node_id,
        limit: page.limit()?,
        cursor: page.cursor,
    };
    let found = state.files().list_versions(ctx.request(message)).await?;
    let found = found.into_inner();
    let items = found.items.into_iter().map(translate::version);
    Ok(axum::Json(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor: found.next_cursor,
    }))
}

/// Restore a version
///
/// Makes a new version with the content of an old one, without moving a byte. A 412 shows the node as it is now in `current`.
#[utoipa::path(post, path = "/v1/nodes/{id}/versions/{version_id}/restore", tag = "versions",
    params(("id" = String, Path, description = "`nod_…`"), ("version_id" = String, Path, description = "`ver_…`"),
        ("If-Match" = Option<String>, Header, pattern = r#"^(\*|[0-9]{1,18}|(W/)?"[0-9]{1,18}")$"#,
            description = "The node's revision: 412 when it has another")),
    responses((status = 200, description = "The file as it is now", body = Node)))]
pub(super) async fn restore_version(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    IdempotencyKey(idempotency_key): IdempotencyKey,
    IfMatch(revision): IfMatch,
    Ids(node_id, version_id): Ids,
) -> Answer<Response> {
    let message = rpc::RestoreVersionRequest {
        node_id: node_id.clone(),
        version_id,
        revision,
        idempotency_key,
    };
    match state.files().restore_version(ctx.request(message)).await {
        Ok(node) => answer(StatusCode::OK, node.into_inner()),
        Err(status) => Err(with_current(&state, &ctx, node_id, status.into()).await),
    }
}

/// Label a version
///
/// A version with a label is kept by every retention policy.
#[utoipa::path(patch, path = "/v1/nodes/{id}/versions/{version_id}", tag = "versions", request_body = LabelVersion,
    params(("id" = String, Path, description = "`nod_…`"), ("version_id" = String, Path, description = "`ver_…`")),
    responses((status = 200, description = "The version as it is now", body = FileVersion)))]
pub(super) async fn label_version(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Ids(node_id, version_id): Ids,
    Json(body): Json<LabelVersion>,
) -> Answer<axum::Json<FileVersion>> {
    let message = rpc::LabelVersionRequest {
        node_id,
        version_id,
        label: body.label,
    };
    let version = state.files().label_version(ctx.request(message)).await?;
    Ok(axum::Json(translate::version(version.into_inner())?))
}

/// Delete a version
///
/// For good. The current version can't be deleted: 409 `version_current`.
#[utoipa::path(delete, path = "/v1/nodes/{id}/versions/{version_id}", tag = "versions",
    params(("id" = String, Path, description = "`nod_…`"), ("version_id" = String, Path, description = "`ver_…`")),
    responses((status = 204, description = "Deleted")))]
pub(super) async fn delete_version(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Ids(node_id, version_id): Ids,
) -> Answer<StatusCode> {
    let message = rpc::DeleteVersionRequest { node_id, version_id };
    state.files().delete_version(ctx.request(message)).await?;
    Ok(StatusCode::NO_CONTENT)
}
