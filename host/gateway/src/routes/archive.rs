use super::public::{lookup, unkept};
use crate::auth::Caller;
use crate::extract::Id;
use crate::problem::Answer;
use crate::state::AppState;
use crate::visitor::Visitor;
use crate::zip;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bitvault_platform::attachment::disposition;
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1 as rpc;
use http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};

/// What an archive may do in a browser that shows it all the same.
const NOTHING: &str = "default-src 'none'; sandbox";

/// Read a folder as a ZIP archive
///
/// With all that lies below it, put together while it is sent. An archive that breaks off is not complete: its end is
/// missing.
#[utoipa::path(get, path = "/v1/nodes/{id}/zip", tag = "nodes",
    params(("id" = String, Path, description = "`nod_…` or `root`")),
    responses((status = 200, description = "The archive", content_type = "application/zip")))]
pub(super) async fn get_zip(
    State(state): State<AppState>,
    method: Method,
    Caller(ctx): Caller,
    Id(id): Id,
) -> Answer<Response> {
    let node = state
        .files()
        .get_node(ctx.request(rpc::GetNodeRequest { id }))
        .await?;
    Ok(of_node(&state, ctx, None, node.into_inner(), &method).await?)
}

/// The same for a link's visitor, counted as one download.
pub(crate) async fn of_visitor(
    state: &AppState,
    visitor: Visitor,
    method: &Method,
    path: &str,
) -> Result<Response, Error> {
    visitor.require_download()?;
    let node = lookup(state, &visitor.ctx, path).await?;
    of_node(state, visitor.ctx.clone(), Some(visitor), node, method).await
}

async fn of_node(
    state: &AppState,
    ctx: Ctx,
    visitor: Option<Visitor>,
    node: rpc::Node,
    method: &Method,
) -> Result<Response, Error> {
    let name = zip::top_name(&node);
    let place = state.archives.enter()?;
    let entries = zip::plan(state, &ctx, &node).await?;
    if method == Method::HEAD {
        return headed(StatusCode::OK.into_response(), &name);
    }
    if let Some(visitor) = &visitor {
        visitor.take_download(state).await?;
    }
    let body = zip::send(state.clone(), ctx, visitor, entries, place);
    headed(Response::new(body), &name)
}

fn headed(mut response: Response, name: &str) -> Result<Response, Error> {
    let value = |text: &str| {
        HeaderValue::try_from(text).map_err(|cause| Error::internal("write an archive's headers", cause))
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(CONTENT_DISPOSITION, value(&disposition(&format!("{name}.zip")))?);
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(NOTHING));
    Ok(unkept(response))
}
