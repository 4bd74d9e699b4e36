use super::nodes;
use crate::auth::Caller;
use crate::extract::{Id, IdempotencyKey, Json, OptionalJson};
use crate::problem::Answer;
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bitvault_api::limits::{BATCH_ITEMS, PARTS_PER_ANSWER};
use bitvault_api::{
    BatchCommits, BatchResults, BatchUploads, CommitResult, CommitUpload, Node, Parts, StartUpload,
    StartUploadResult, Upload, WantedParts,
};
use bitvault_platform::Error;
use bitvault_proto::v1 as rpc;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};

/// Begin an upload
///
/// Answers presigned requests: send the bytes there, then commit.
#[utoipa::path(post, path = "/v1/uploads", tag = "uploads", request_body = StartUpload,
    responses((status = 201, description = "Where to send the bytes", body = Upload)))]
pub(super) async fn start_upload(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    IdempotencyKey(idempotency_key): IdempotencyKey,
    Json(body): Json<StartUpload>,
) -> Answer<Response> {
    let message = rpc::StartUploadsRequest {
        items: vec![translate::start(body)?],
        idempotency_key,
    };
    let answer = state
        .files()
        .start_uploads(ctx.request(message))
        .await?
        .into_inner();
    match only(answer.items)?.result {
        Some(rpc::start_upload_result::Result::Error(status)) => Err(Error::from(status).into()),
        Some(rpc::start_upload_result::Result::Upload(upload)) => {
            let upload = axum::Json(translate::upload(upload)?);
            Ok(secret((StatusCode::CREATED, upload).into_response()))
        }
        None => Err(empty_result().into()),
    }
}

/// See where an upload stands
///
/// Lists the parts that the store holds already, so that an interrupted upload goes on where it was.
#[utoipa::path(get, path = "/v1/uploads/{id}", tag = "uploads", params(("id" = String, Path, description = "`upl_…`")),
    responses((status = 200, description = "The upload, without presigned requests", body = Upload)))]
pub(super) async fn get_upload(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Id(id): Id,
) -> Answer<axum::Json<Upload>> {
    let upload = state
        .files()
        .get_upload(ctx.request(rpc::GetUploadRequest { id }))
        .await?;
    Ok(axum::Json(translate::upload(upload.into_inner())?))
}

/// Give an upload up
#[utoipa::path(delete, path = "/v1/uploads/{id}", tag = "uploads", params(("id" = String, Path, description = "`upl_…`")),
    responses((status = 204, description = "Given up; what was sent will be reclaimed")))]
pub(super) async fn abort_upload(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(id): Id,
) -> Answer<StatusCode> {
    state
        .files()
        .abort_upload(ctx.request(rpc::AbortUploadRequest { id }))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Get presigned requests for parts
///
/// For the parts that the first answer did not hold, or whose requests have ended.
#[utoipa::path(post, path = "/v1/uploads/{id}/parts", tag = "uploads", params(("id" = String, Path, description = "`upl_…`")),
    request_body = WantedParts, responses((status = 200, description = "Where to send those parts", body = Parts)))]
pub(super) async fn presign_parts(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(upload_id): Id,
    Json(body): Json<WantedParts>,
) -> Answer<Response> {
    at_most("parts", body.parts.len(), PARTS_PER_ANSWER)?;
    let parts = each("parts", body.parts, translate::wanted_part)?;
    let message = rpc::PresignPartsRequest { upload_id, parts };
    let answer = state.files().presign_parts(ctx.request(message)).await?;
    let parts = axum::Json(translate::parts(answer.into_inner())?);
    Ok(secret(parts.into_response()))
}

/// Commit an upload
///
/// Verifies what was sent and makes it visible. Committing again answers the same node.
#[utoipa::path(post, path = "/v1/uploads/{id}/commit", tag = "uploads", params(("id" = String, Path, description = "`upl_…`")),
    request_body = Option<CommitUpload>, responses((status = 200, description = "The file", body = Node)))]
pub(super) async fn commit_upload(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(upload_id): Id,
    OptionalJson(body): OptionalJson<CommitUpload>,
) -> Answer<Response> {
    let message = rpc::CommitUploadsRequest {
        items: vec![translate::commit(upload_id, body)?],
    };
    let answer = state
        .files()
        .commit_uploads(ctx.request(message))
        .await?
        .into_inner();
    match only(answer.items)?.result {
        Some(rpc::commit_result::Result::Error(status)) => Err(Error::from(status).into()),
        Some(rpc::commit_result::Result::Node(node)) => nodes::answer(StatusCode::OK, node),
        None => Err(empty_result().into()),
    }
}

/// Begin many uploads
///
/// One round trip for many small files: a result for each item, in order.
#[utoipa::path(post, path = "/v1/batch/uploads", tag = "uploads", request_body = BatchUploads,
    responses((status = 200, description = "A result for each item", body = BatchResults<StartUploadResult>)))]
pub(super) async fn batch_uploads(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    IdempotencyKey(idempotency_key): IdempotencyKey,
    Json(body): Json<BatchUploads>,
) -> Answer<Response> {
    at_most("items", body.items.len(), BATCH_ITEMS)?;
    let message = rpc::StartUploadsRequest {
        items: each("items", body.items, translate::start)?,
        idempotency_key,
    };
    let answer = state
        .files()
        .start_uploads(ctx.request(message))
        .await?
        .into_inner();
    let items = answer.items.into_iter().map(translate::start_result);
    let items: Vec<StartUploadResult> = items.collect::<Result<_, _>>()?;
    Ok(secret(axum::Json(BatchResults { items }).into_response()))
}

/// Commit many uploads
///
/// In one transaction: a result for each item, in order.
#[utoipa::path(post, path = "/v1/batch/commits", tag = "uploads", request_body = BatchCommits,
    responses((status = 200, description = "A result for each item", body = BatchResults<CommitResult>)))]
pub(super) async fn batch_commits(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Json(body): Json<BatchCommits>,
) -> Answer<axum::Json<BatchResults<CommitResult>>> {
    at_most("items", body.items.len(), BATCH_ITEMS)?;
    let items = body
        .items
        .into_iter()
        .map(|item| rpc::CommitUpload {
            upload_id: item.upload_id,
            ..rpc::CommitUpload::default()
        })
        .collect();
    let message = rpc::CommitUploadsRequest { items };
    let answer = state
        .files()
        .commit_uploads(ctx.request(message))
        .await?
        .into_inner();
    let items = answer.items.into_iter().map(translate::commit_result);
    Ok(axum::Json(BatchResults {
        items: items.collect::<Result<_, _>>()?,
    }))
}

/// Presigned requests are secrets: nobody's cache keeps them.
pub(super) fn secret(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Refuses a list that is empty or too long.
pub(super) fn at_most(field: &str, given: usize, most: usize) -> Result<(), Error> {
    if (1..=most).contains(&given) {
        return Ok(());
    }
    Err(Error::invalid_field(
        "batch_size_invalid",
        field,
        format!("give 1 to {most}"),
    ))
}

/// Translates a list; what is wrong in it is named by its place.
pub(super) fn each<T, U>(
    field: &str,
    items: Vec<T>,
    translate: impl Fn(T) -> Result<U, Error>,
) -> Result<Vec<U>, Error> {
    let items = items.into_iter().enumerate();
    items
        .map(|(at, item)| translate(item).map_err(|error| error.below(&format!("{field}[{at}]"))))
        .collect()
}

/// The one result of a call about one item.
fn only<T>(items: Vec<T>) -> Result<T, Error> {
    items.into_iter().next().ok_or_else(empty_result)
}

fn empty_result() -> Error {
    Error::internal("read a module's answer", "the result of an item is missing")
}
