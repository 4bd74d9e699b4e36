use super::nodes::answer;
use crate::auth::Caller;
use crate::extract::{Id, IdempotencyKey, Json};
use crate::problem::Answer;
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bitvault_api::{CopyJob, CopyNode, Node};
use bitvault_platform::Error;
use bitvault_proto::v1 as rpc;
use bitvault_proto::v1::copy_node_response;
use http::StatusCode;
use http::header::{HeaderValue, LOCATION};

/// Copy a node
///
/// With all that is below it, without moving a byte. What the caller may not see is left out; old versions, labels and grants
/// stay with the original. A large tree is copied by a job: poll it at `Location`.
#[utoipa::path(post, path = "/v1/nodes/{id}/copy", tag = "nodes", request_body = CopyNode,
    params(("id" = String, Path, description = "`nod_…`")),
    responses((status = 201, description = "The copy", body = Node),
        (status = 202, description = "The job that makes the copy", body = CopyJob)))]
pub(super) async fn copy_node(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    IdempotencyKey(idempotency_key): IdempotencyKey,
    Id(id): Id,
    Json(body): Json<CopyNode>,
) -> Answer<Response> {
    let message = rpc::CopyNodeRequest {
        id,
        parent_id: body.parent_id,
        name: body.name,
        idempotency_key,
    };
    let copied = state.files().copy_node(ctx.request(message)).await?;
    match copied.into_inner().result {
        Some(copy_node_response::Result::Node(node)) => answer(StatusCode::CREATED, node),
        Some(copy_node_response::Result::Job(job)) => {
            let job = translate::copy(job)?;
            let location = HeaderValue::try_from(format!("/v1/copies/{}", job.id))
                .map_err(|cause| Error::internal("write a Location", cause))?;
            Ok((StatusCode::ACCEPTED, [(LOCATION, location)], axum::Json(job)).into_response())
        }
        None => Err(Error::internal("read a module's answer", "copy.result is missing").into()),
    }
}

/// Get a large copy
///
/// Where its job stands. Only who began it finds it.
#[utoipa::path(get, path = "/v1/copies/{id}", tag = "nodes",
    params(("id" = String, Path, description = "`cpy_…`")),
    responses((status = 200, description = "The job", body = CopyJob)))]
pub(super) async fn get_copy(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Id(id): Id,
) -> Answer<axum::Json<CopyJob>> {
    let job = state
        .files()
        .get_copy(ctx.request(rpc::GetCopyRequest { id }))
        .await?;
    Ok(axum::Json(translate::copy(job.into_inner())?))
}

/// Give a large copy up
///
/// Nothing of it stays. One that is done can't be given up: 409 `copy_done`.
#[utoipa::path(delete, path = "/v1/copies/{id}", tag = "nodes",
    params(("id" = String, Path, description = "`cpy_…`")),
    responses((status = 200, description = "The job, cancelled or failed", body = CopyJob)))]
pub(super) async fn cancel_copy(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(id): Id,
) -> Answer<axum::Json<CopyJob>> {
    let job = state
        .files()
        .cancel_copy(ctx.request(rpc::CancelCopyRequest { id }))
        .await?;
    Ok(axum::Json(translate::copy(job.into_inner())?))
}
