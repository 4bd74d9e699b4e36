use super::page::limit;
use super::uploads::{at_most, each};
use crate::auth::Caller;
use crate::extract::{IdempotencyKey, Json, Query};
use crate::problem::Answer;
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use bitvault_api::limits::BATCH_ITEMS;
use bitvault_api::{BatchResults, ChangePage, PushChanges, PushResult};
use bitvault_proto::v1 as rpc;
use serde::Deserialize;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ChangesParams {
    /// `next_cursor` of the page before. Left out: all that the caller sees now, and then what changes.
    cursor: Option<String>,
    /// How many seconds to wait when there is nothing; the server may wait shorter.
    #[param(minimum = 0, maximum = 3600)]
    wait: Option<u32>,
    /// Most items of the answer; 200 when left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// The device that reads, `dev_…`. A cursor is good for the device that it was given to.
    device_id: Option<String>,
}

/// Follow changes
///
/// Changes of what the caller sees, in the order in which they are to be applied to what it knows: an upsert puts a node
/// where it says, a removal takes one out with all that is known below it. Without a cursor everything that is there is told
/// first. The same cursor may be used again. A page may be empty while `has_more` is true. `cursor_expired` and
/// `epoch_changed` (409): read again without a cursor, and take what comes as additions only, never as deletions.
#[utoipa::path(get, path = "/v1/changes", tag = "sync", params(ChangesParams),
    responses((status = 200, description = "One page", body = ChangePage)))]
pub(super) async fn list_changes(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Query(params): Query<ChangesParams>,
) -> Answer<axum::Json<ChangePage>> {
    let message = rpc::ListChangesRequest {
        cursor: params.cursor,
        wait_s: params.wait.unwrap_or_default(),
        limit: limit(params.limit)?,
        device_id: params.device_id,
    };
    let page = state.sync().list_changes(ctx.request(message)).await?;
    Ok(axum::Json(translate::changes(page.into_inner())?))
}

/// Push many writes
///
/// In their order: a result for each, and what is refused does not hold up the rest. Items of one kind that follow each
/// other are one transaction. A folder that an item makes under a `key` may be named by later ones as `parent_key`. A conflict
/// (`name_taken`, `version_conflict`, `revision_conflict`) shows what is there instead in `current`; of a `commit` if it says what
/// the upload is for.
#[utoipa::path(post, path = "/v1/changes", tag = "sync", request_body = PushChanges,
    responses((status = 200, description = "A result for each item", body = BatchResults<PushResult>)))]
pub(super) async fn push_changes(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    IdempotencyKey(idempotency_key): IdempotencyKey,
    Json(body): Json<PushChanges>,
) -> Answer<axum::Json<BatchResults<PushResult>>> {
    at_most("items", body.items.len(), BATCH_ITEMS)?;
    let message = rpc::PushChangesRequest {
        device_id: body.device_id,
        items: each("items", body.items, translate::push_item)?,
        idempotency_key,
    };
    let answer = state
        .sync()
        .push_changes(ctx.request(message))
        .await?
        .into_inner();
    let items = answer.items.into_iter().map(translate::push_result);
    Ok(axum::Json(BatchResults {
        items: items.collect::<Result<_, _>>()?,
    }))
}
