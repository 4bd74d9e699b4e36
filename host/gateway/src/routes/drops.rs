//! Uploads into a drop box: as those of an account, but nothing of the folder is told, not even the name that the file got.

use super::public::{TokenParams, unkept};
use crate::extract::{Json, OptionalJson};
use crate::problem::{Answer, Refusal};
use crate::state::AppState;
use crate::translate;
use crate::visitor::Visitor;
use axum::extract::{FromRequestParts, RawPathParams, State};
use axum::response::{IntoResponse, Response};
use bitvault_api::limits::PARTS_PER_ANSWER;
use bitvault_api::{CommitUpload, DropUpload, Parts, StartUpload, Upload, WantedParts};
use bitvault_platform::{Code, Error, LinkAccess};
use bitvault_proto::v1 as rpc;
use http::StatusCode;
use http::request::Parts as RequestParts;

/// A visitor of a drop box.
#[derive(Debug)]
pub(crate) struct Dropper(Visitor);

impl FromRequestParts<AppState> for Dropper {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut RequestParts, state: &AppState) -> Result<Self, Refusal> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        if visitor.access == LinkAccess::Drop {
            return Ok(Self(visitor));
        }
        Err(Error::new(Code::Denied, "link_not_a_drop", "this link takes no files").into())
    }
}

/// The upload of a path.
#[derive(Debug)]
pub(crate) struct UploadId(String);

impl FromRequestParts<AppState> for UploadId {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut RequestParts, state: &AppState) -> Result<Self, Refusal> {
        let found = RawPathParams::from_request_parts(parts, state).await.ok();
        let id = found.as_ref().and_then(|params| {
            let mut params = params.iter();
            params
                .find(|(name, _)| *name == "id")
                .map(|(_, value)| value.to_owned())
        });
        Ok(Self(id.unwrap_or_default()))
    }
}

/// Begin an upload into a drop box
///
/// Answers presigned requests: send the bytes there, then commit.
#[utoipa::path(post, path = "/v1/public/{token}/uploads", tag = "public links", security(()), params(TokenParams),
    request_body = DropUpload, responses((status = 201, description = "Where to send the bytes", body = Upload)))]
pub(crate) async fn start_drop(
    State(state): State<AppState>,
    Dropper(visitor): Dropper,
    Json(body): Json<DropUpload>,
) -> Answer<Response> {
    let start = StartUpload {
        parent_id: Some(visitor.link.node_id.clone()),
        name: Some(body.name),
        size: body.size,
        sha256: body.sha256,
        content_type: body.content_type,
        ..StartUpload::default()
    };
    let message = rpc::StartUploadsRequest {
        items: vec![translate::start(start)?],
        idempotency_key: None,
    };
    let answer = state.files().start_uploads(visitor.ctx.request(message)).await?;
    match answer
        .into_inner()
        .items
        .into_iter()
        .next()
        .and_then(|item| item.result)
    {
        Some(rpc::start_upload_result::Result::Upload(upload)) => {
            let upload = axum::Json(translate::upload(upload)?);
            Ok(unkept((StatusCode::CREATED, upload).into_response()))
        }
        Some(rpc::start_upload_result::Result::Error(status)) => Err(Error::from(status).into()),
        None => Err(empty_result().into()),
    }
}

/// Get presigned requests for parts of an upload into a drop box
#[utoipa::path(post, path = "/v1/public/{token}/uploads/{id}/parts", tag = "public links", security(()),
    params(TokenParams, ("id" = String, Path, description = "`upl_…`")), request_body = WantedParts,
    responses((status = 200, description = "Where to send those parts", body = Parts)))]
pub(crate) async fn presign_drop(
    State(state): State<AppState>,
    Dropper(visitor): Dropper,
    UploadId(upload_id): UploadId,
    Json(body): Json<WantedParts>,
) -> Answer<Response> {
    if body.parts.is_empty() || body.parts.len() > PARTS_PER_ANSWER {
        let detail = format!("give 1 to {PARTS_PER_ANSWER}");
        return Err(Error::invalid_field("batch_size_invalid", "parts", detail).into());
    }
    let parts = body
        .parts
        .into_iter()
        .map(translate::wanted_part)
        .collect::<Result<_, _>>()?;
    let message = rpc::PresignPartsRequest { upload_id, parts };
    let answer = state.files().presign_parts(visitor.ctx.request(message)).await?;
    Ok(unkept(
        axum::Json(translate::parts(answer.into_inner())?).into_response(),
    ))
}

/// Commit an upload into a drop box
///
/// Committing again changes nothing.
#[utoipa::path(post, path = "/v1/public/{token}/uploads/{id}/commit", tag = "public links", security(()),
    params(TokenParams, ("id" = String, Path, description = "`upl_…`")), request_body = Option<CommitUpload>,
    responses((status = 204, description = "The file is in the folder")))]
pub(crate) async fn commit_drop(
    State(state): State<AppState>,
    Dropper(visitor): Dropper,
    UploadId(upload_id): UploadId,
    OptionalJson(body): OptionalJson<CommitUpload>,
) -> Answer<StatusCode> {
    let message = rpc::CommitUploadsRequest {
        items: vec![translate::commit(upload_id, body)?],
    };
    let answer = state.files().commit_uploads(visitor.ctx.request(message)).await?;
    match answer
        .into_inner()
        .items
        .into_iter()
        .next()
        .and_then(|item| item.result)
    {
        Some(rpc::commit_result::Result::Node(_)) => Ok(StatusCode::NO_CONTENT),
        Some(rpc::commit_result::Result::Error(status)) => Err(Error::from(status).into()),
        None => Err(empty_result().into()),
    }
}

fn empty_result() -> Error {
    Error::internal("read a module's answer", "the result of an item is missing")
}
