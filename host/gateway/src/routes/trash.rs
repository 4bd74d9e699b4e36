use super::nodes;
use crate::auth::Caller;
use crate::extract::{Id, IdempotencyKey, IfMatch, OptionalJson, Query};
use crate::problem::Answer;
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use axum::response::Response;
use bitvault_api::limits::PAGE_ITEMS_MAX;
use bitvault_api::{EmptiedTrash, Node, Page, RestoreNode, TrashItem};
use bitvault_platform::Error;
use bitvault_proto::v1 as rpc;
use http::StatusCode;
use serde::Deserialize;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TrashParams {
    /// The tree, or a folder in it: `nod_…`; your home when left out.
    r#in: Option<String>,
    /// Most items of the answer; 200 when left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List the trash
///
/// What was moved to the trash of a tree by itself and that you are an editor of, the latest first. A page may be shorter than
/// `limit`, even empty, before the last.
#[utoipa::path(get, path = "/v1/trash", tag = "trash", params(TrashParams),
    responses((status = 200, description = "One page", body = Page<TrashItem>)))]
pub(super) async fn list_trash(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Query(params): Query<TrashParams>,
) -> Answer<axum::Json<Page<TrashItem>>> {
    if params
        .limit
        .is_some_and(|limit| limit == 0 || limit > PAGE_ITEMS_MAX)
    {
        let detail = format!("use 1 to {PAGE_ITEMS_MAX}");
        return Err(Error::invalid_field("limit_invalid", "limit", detail).into());
    }
    let message = rpc::ListTrashRequest {
        r#in: params.r#in,
        limit: params.limit.unwrap_or_default(),
        cursor: params.cursor,
    };
    let page = state.files().list_trash(ctx.request(message)).await?.into_inner();
    let items = page.items.into_iter().map(translate::trash_item);
    Ok(axum::Json(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor: page.next_cursor,
    }))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EmptyParams {
    /// The tree, or a folder in it: `nod_…`; your home when left out.
    r#in: Option<String>,
}

/// Empty the trash
///
/// Removes for good what is in the trash of a tree that you own. One call removes a bounded number of nodes: call again while
/// `more` is true.
#[utoipa::path(delete, path = "/v1/trash", tag = "trash", params(EmptyParams),
    responses((status = 200, description = "How much is gone, and whether more is left", body = EmptiedTrash)))]
pub(super) async fn empty_trash(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Query(params): Query<EmptyParams>,
) -> Answer<axum::Json<EmptiedTrash>> {
    let message = rpc::EmptyTrashRequest { r#in: params.r#in };
    let done = state
        .files()
        .empty_trash(ctx.request(message))
        .await?
        .into_inner();
    Ok(axum::Json(EmptiedTrash {
        removed: done.removed,
        more: done.more,
    }))
}

/// Restore a node
///
/// Out of the trash, with everything below it that was not moved there by itself: to where it was, or to the top of its tree
/// when that folder is gone, in the trash or not yours to change. Where its name is taken it gets another one. A node below a
/// folder in the trash comes out of that folder by itself. The answer tells where it went; restoring again answers the same.
#[utoipa::path(post, path = "/v1/nodes/{id}/restore", tag = "trash", request_body = Option<RestoreNode>,
    params(("id" = String, Path, description = "`nod_…`"),
        ("If-Match" = Option<String>, Header, pattern = r#"^(\*|[0-9]{1,18}|(W/)?"[0-9]{1,18}")$"#,
            description = "The node's revision: 412 when it has another")),
    responses((status = 200, description = "The node as it is now", body = Node)))]
pub(super) async fn restore_node(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    IdempotencyKey(idempotency_key): IdempotencyKey,
    IfMatch(revision): IfMatch,
    Id(id): Id,
    OptionalJson(body): OptionalJson<RestoreNode>,
) -> Answer<Response> {
    let message = rpc::RestoreNodeRequest {
        id,
        parent_id: body.parent_id,
        name: body.name,
        revision,
        idempotency_key,
    };
    let node = state.files().restore_node(ctx.request(message)).await?;
    nodes::answer(StatusCode::OK, node.into_inner())
}
