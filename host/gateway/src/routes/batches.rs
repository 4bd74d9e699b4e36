use super::uploads::{at_most, each};
use crate::auth::Caller;
use crate::extract::{IdempotencyKey, Json};
use crate::problem::Answer;
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use bitvault_api::limits::BATCH_ITEMS;
use bitvault_api::{BatchDeletes, BatchMoves, BatchResults, DeleteResult, MoveResult};
use bitvault_proto::v1 as rpc;

/// Rename and move many nodes
///
/// One after the other in one transaction, so that two names can be swapped in three moves: a result for each item, in order.
/// What is refused does not hold up the rest.
#[utoipa::path(post, path = "/v1/batch/moves", tag = "nodes", request_body = BatchMoves,
    responses((status = 200, description = "A result for each item", body = BatchResults<MoveResult>)))]
pub(super) async fn batch_moves(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    IdempotencyKey(idempotency_key): IdempotencyKey,
    Json(body): Json<BatchMoves>,
) -> Answer<axum::Json<BatchResults<MoveResult>>> {
    at_most("items", body.items.len(), BATCH_ITEMS)?;
    let message = rpc::UpdateNodesRequest {
        items: body.items.into_iter().map(translate::node_move).collect(),
        idempotency_key,
    };
    let answer = state
        .files()
        .update_nodes(ctx.request(message))
        .await?
        .into_inner();
    let items = answer.items.into_iter().map(translate::move_result);
    Ok(axum::Json(BatchResults {
        items: items.collect::<Result<_, _>>()?,
    }))
}

/// Delete many nodes
///
/// One after the other in one transaction: a result for each item, in order. What is refused does not hold up the rest.
#[utoipa::path(post, path = "/v1/batch/deletes", tag = "nodes", request_body = BatchDeletes,
    responses((status = 200, description = "A result for each item", body = BatchResults<DeleteResult>)))]
pub(super) async fn batch_deletes(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    IdempotencyKey(idempotency_key): IdempotencyKey,
    Json(body): Json<BatchDeletes>,
) -> Answer<axum::Json<BatchResults<DeleteResult>>> {
    at_most("items", body.items.len(), BATCH_ITEMS)?;
    let message = rpc::DeleteNodesRequest {
        items: each("items", body.items, translate::node_delete)?,
        idempotency_key,
    };
    let answer = state
        .files()
        .delete_nodes(ctx.request(message))
        .await?
        .into_inner();
    let items = answer.items.into_iter().map(translate::delete_result);
    Ok(axum::Json(BatchResults {
        items: items.collect::<Result<_, _>>()?,
    }))
}
