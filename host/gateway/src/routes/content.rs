use super::uploads::{at_most, secret};
use crate::auth::Caller;
use crate::extract::{Id, Json, Query};
use crate::problem::Answer;
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bitvault_api::limits::BATCH_ITEMS;
use bitvault_api::{BatchContents, BatchResults, Content, ContentResult};
use bitvault_platform::Error;
use bitvault_proto::v1 as rpc;
use http::StatusCode;
use http::header::{HeaderValue, LOCATION};
use serde::Deserialize;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ContentParams {
    /// `false` answers the presigned request as JSON instead of redirecting to it.
    #[serde(default = "yes")]
    redirect: bool,
    /// A version of the file, `ver_…`; the current one when left out.
    version_id: Option<String>,
    /// Let the store answer with `Content-Disposition: attachment` and the file's name.
    #[serde(default)]
    attachment: bool,
}

fn yes() -> bool {
    true
}

/// Read a file's content
///
/// The bytes come straight from the store, by a presigned URL.
#[utoipa::path(get, path = "/v1/nodes/{id}/content", tag = "nodes",
    params(("id" = String, Path, description = "`nod_…`"), ContentParams),
    responses(
        (status = 302, description = "At `Location` are the bytes; send no bearer token there"),
        (status = 200, description = "With `redirect=false`: where the bytes are", body = Content)))]
pub(super) async fn get_content(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Id(node_id): Id,
    Query(params): Query<ContentParams>,
) -> Answer<Response> {
    let message = rpc::GetContentRequest {
        node_id,
        version_id: params.version_id,
        attachment: params.attachment,
    };
    let content = state.files().get_content(ctx.request(message)).await?;
    let content = translate::content(content.into_inner())?;
    let response = if params.redirect {
        let location =
            HeaderValue::try_from(content.url).map_err(|cause| Error::internal("write a Location", cause))?;
        (StatusCode::FOUND, [(LOCATION, location)]).into_response()
    } else {
        axum::Json(content).into_response()
    };
    Ok(secret(response))
}

/// Read many files' contents
///
/// One round trip for many small files: a result for each item, in order.
#[utoipa::path(post, path = "/v1/batch/contents", tag = "nodes", request_body = BatchContents,
    responses((status = 200, description = "A result for each item", body = BatchResults<ContentResult>)))]
pub(super) async fn batch_contents(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Json(body): Json<BatchContents>,
) -> Answer<Response> {
    at_most("items", body.items.len(), BATCH_ITEMS)?;
    let items = body.items.into_iter().map(|item| rpc::GetContentRequest {
        node_id: item.id,
        version_id: item.version_id,
        attachment: false,
    });
    let message = rpc::GetContentsRequest {
        items: items.collect(),
    };
    let answer = state
        .files()
        .get_contents(ctx.request(message))
        .await?
        .into_inner();
    let items = answer.items.into_iter().map(translate::content_result);
    let items: Vec<ContentResult> = items.collect::<Result<_, _>>()?;
    Ok(secret(axum::Json(BatchResults { items }).into_response()))
}
