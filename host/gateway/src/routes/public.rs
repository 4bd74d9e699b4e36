//! What visitors of a public link may ask, without signing in. The pages at `/s/…` stand on the same calls.

use super::archive;
use crate::auth::Peer;
use crate::extract::{Json, Query};
use crate::problem::Answer;
use crate::state::{AppState, Inner};
use crate::translate;
use crate::visitor::{LinkToken, Visitor};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bitvault_api::limits::PAGE_ITEMS_MAX;
use bitvault_api::{Content, LinkKey, Node, Page, PublicLink, UnlockLink};
use bitvault_platform::{Ctx, Error, LinkAccess};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::v1 as rpc;
use http::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use http::{Method, StatusCode};
use serde::Deserialize;

/// Look at a public link
///
/// A link that is unknown, expired, exhausted or ended, and one whose password is missing or wrong, are one answer: 404.
#[utoipa::path(get, path = "/v1/public/{token}", tag = "public links", security(()), params(TokenParams),
    responses((status = 200, description = "What it is for, and what it is on", body = PublicLink)))]
pub(super) async fn get_public_link(State(state): State<AppState>, visitor: Visitor) -> Answer<Response> {
    let node = match visitor.access {
        LinkAccess::Drop => None,
        LinkAccess::View | LinkAccess::Download => {
            Some(translate::node(lookup(&state, &visitor.ctx, "/").await?)?)
        }
    };
    let link = PublicLink {
        kind: translate::link_kind(visitor.link.kind)?,
        expires_at: translate::at_maybe(visitor.link.expires_at, "link.expires_at")?,
        label: visitor.link.label,
        node,
    };
    Ok(unkept(axum::Json(link).into_response()))
}

/// Trade a link's password for a key
///
/// To be sent as the header `Bitvault-Link-Key`. Wrong passwords are slowed down for each link and each address.
#[utoipa::path(post, path = "/v1/public/{token}/key", tag = "public links", security(()), params(TokenParams),
    request_body = UnlockLink, responses((status = 200, description = "The key", body = LinkKey)))]
pub(super) async fn unlock_public_link(
    State(state): State<AppState>,
    LinkToken(token): LinkToken,
    Peer(peer): Peer,
    Json(body): Json<UnlockLink>,
) -> Answer<Response> {
    let key = unlock(&state, token, body.password, peer).await?;
    let key = LinkKey {
        expires_at: translate::at_maybe(key.expires_at, "link_key.expires_at")?
            .ok_or_else(|| Error::internal("read a module's answer", "a key has no end"))?,
        key: key.key,
    };
    Ok(unkept(axum::Json(key).into_response()))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct TokenParams {
    /// What the link's URL ends with, `bvl_…`
    #[allow(
        dead_code,
        reason = "it documents the path; the handlers take it from there themselves"
    )]
    token: String,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ChildrenParams {
    /// A folder below the link's own, `/a/b`.
    #[serde(default = "top")]
    path: String,
    /// Most items of the answer; 200 when left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

fn top() -> String {
    "/".to_owned()
}

/// List a folder of a public link
#[utoipa::path(get, path = "/v1/public/{token}/children", tag = "public links", security(()),
    params(TokenParams, ChildrenParams), responses((status = 200, description = "One page", body = Page<Node>)))]
pub(super) async fn list_public_children(
    State(state): State<AppState>,
    visitor: Visitor,
    Query(params): Query<ChildrenParams>,
) -> Answer<Response> {
    if params.limit == Some(0) {
        let detail = format!("use 1 to {PAGE_ITEMS_MAX}");
        return Err(Error::invalid_field("limit_invalid", "limit", detail).into());
    }
    let folder = lookup(&state, &visitor.ctx, &params.path).await?;
    let message = rpc::ListChildrenRequest {
        id: folder.id,
        limit: params.limit.unwrap_or_default(),
        cursor: params.cursor,
        ..rpc::ListChildrenRequest::default()
    };
    let page = children(&state, &visitor.ctx, message).await?;
    let items = page.items.into_iter().map(translate::node);
    let page = Page {
        items: items.collect::<Result<Vec<Node>, _>>()?,
        next_cursor: page.next_cursor,
    };
    Ok(unkept(axum::Json(page).into_response()))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ContentParams {
    /// A file below the link's node, `/a/b.txt`; the node itself when left out.
    #[serde(default = "top")]
    path: String,
    /// `false` answers the presigned request as JSON instead of redirecting to it.
    #[serde(default = "yes")]
    redirect: bool,
}

fn yes() -> bool {
    true
}

/// Read a file of a public link
///
/// Counted as a download. The bytes come straight from the store, by a presigned URL that is good for a minute.
#[utoipa::path(get, path = "/v1/public/{token}/content", tag = "public links", security(()),
    params(TokenParams, ContentParams),
    responses(
        (status = 302, description = "At `Location` are the bytes"),
        (status = 200, description = "With `redirect=false`: where the bytes are", body = Content)))]
pub(super) async fn get_public_content(
    State(state): State<AppState>,
    method: Method,
    visitor: Visitor,
    Query(params): Query<ContentParams>,
) -> Answer<Response> {
    let Some(content) = download(&state, &visitor, &method, &params.path).await? else {
        return Ok(unkept(StatusCode::OK.into_response()));
    };
    if !params.redirect {
        return Ok(unkept(axum::Json(translate::content(content)?).into_response()));
    }
    redirect(content).map_err(Into::into)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ZipParams {
    /// A folder below the link's own, `/a/b`.
    #[serde(default = "top")]
    path: String,
}

/// Read a folder of a public link as a ZIP archive
///
/// Counted as one download.
#[utoipa::path(get, path = "/v1/public/{token}/zip", tag = "public links", security(()),
    params(TokenParams, ZipParams),
    responses((status = 200, description = "The archive", content_type = "application/zip")))]
pub(super) async fn get_public_zip(
    State(state): State<AppState>,
    method: Method,
    visitor: Visitor,
    Query(params): Query<ZipParams>,
) -> Answer<Response> {
    Ok(archive::of_visitor(&state, visitor, &method, &params.path).await?)
}

/// The node at a path that a caller or visitor may see.
pub(crate) async fn lookup(state: &Inner, ctx: &Ctx, path: &str) -> Result<rpc::Node, Error> {
    let request = ctx.request(rpc::LookupRequest {
        path: path.to_owned(),
        below: None,
    });
    let mut files = state.files();
    let node = Box::pin(async move { files.lookup(request).await }).await?;
    Ok(node.into_inner())
}

/// A page of a folder.
pub(crate) async fn children(
    state: &Inner,
    ctx: &Ctx,
    message: rpc::ListChildrenRequest,
) -> Result<rpc::ListChildrenResponse, Error> {
    let request = ctx.request(message);
    let mut files = state.files();
    let page = Box::pin(async move { files.list_children(request).await }).await?;
    Ok(page.into_inner())
}

/// Trades a password for a key.
pub(crate) async fn unlock(
    state: &Inner,
    token: String,
    password: String,
    peer: String,
) -> Result<internal::LinkKey, Error> {
    let request = Ctx::system("gateway").request(internal::UnlockLinkRequest {
        token,
        password,
        peer,
    });
    let mut visits = state.visits();
    let key = Box::pin(async move { visits.unlock_link(request).await }).await?;
    Ok(key.into_inner())
}

/// Counts a download of one file and points to its bytes. Nothing, and not counted, when only the head is asked for.
pub(crate) async fn download(
    state: &Inner,
    visitor: &Visitor,
    method: &Method,
    path: &str,
) -> Result<Option<rpc::Content>, Error> {
    visitor.require_download()?;
    let node = lookup(state, &visitor.ctx, path).await?;
    if node.kind() == rpc::NodeKind::Folder {
        let text = "this is a folder, and only a file has content: read it as a ZIP archive";
        return Err(Error::new(bitvault_platform::Code::Invalid, "not_a_file", text));
    }
    if method == Method::HEAD {
        return Ok(None);
    }
    visitor.take_download(state).await?;
    let request = visitor.ctx.request(rpc::GetContentRequest {
        node_id: node.id,
        version_id: None,
        attachment: true,
    });
    let mut files = state.files();
    let content = Box::pin(async move { files.get_content(request).await }).await?;
    Ok(Some(content.into_inner()))
}

/// Sends a browser to the bytes.
pub(crate) fn redirect(content: rpc::Content) -> Result<Response, Error> {
    let url = content.request.map(|request| request.url).unwrap_or_default();
    let location = HeaderValue::try_from(url).map_err(|cause| Error::internal("write a Location", cause))?;
    Ok(unkept(
        (StatusCode::FOUND, [(LOCATION, location)]).into_response(),
    ))
}

/// Nobody's cache keeps what a link shows: it may be ended at any time.
pub(crate) fn unkept(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
