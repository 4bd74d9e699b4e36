//! The pages of public links, `/s/{token}`: written here, without a script but for drop boxes, so that any browser shows
//! them.
//!
//! A link that does not open is one page, whatever keeps the visitor out: it says so and asks for the password, so that it
//! tells nobody whether a link was ever there.

mod drop_box;
mod folder;
mod layout;
mod text;

use crate::auth::Peer;
use crate::problem;
use crate::routes::public::{self, children, download, lookup};
use crate::routes::{archive, drops};
use crate::state::AppState;
use crate::visitor::{COOKIE_NAME, LinkToken, Visitor, enter};
use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Form, FromRequestParts, Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use bitvault_platform::{Code, Error, LinkAccess};
use bitvault_proto::v1 as rpc;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, StatusCode};
use maud::Markup;
use serde::Deserialize;
use std::convert::Infallible;

/// Rows of a folder on one page.
const ROWS: u32 = 500;
/// Longest body of the form with the password, in bytes.
const FORM_BYTES: usize = 4096;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("drop.js");
const ICON: &str = include_str!("icon.svg");

/// The routes below `/s/`. Tokens begin with `bvl_`, so that no link has the name of one of our files.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/s/page.css", get(|| file("text/css; charset=utf-8", STYLE)))
        .route(
            "/s/drop.js",
            get(|| file("text/javascript; charset=utf-8", SCRIPT)),
        )
        .route("/s/icon.svg", get(|| file("image/svg+xml", ICON)))
        .route(
            "/s/{token}",
            get(show).post(unlock).layer(DefaultBodyLimit::max(FORM_BYTES)),
        )
        .route("/s/{token}/content", get(content))
        .route("/s/{token}/zip", get(zip))
        .route("/s/{token}/uploads", post(drops::start_drop))
        .route("/s/{token}/uploads/{id}/parts", post(drops::presign_drop))
        .route("/s/{token}/uploads/{id}/commit", post(drops::commit_drop))
}

async fn file(kind: &'static str, text: &'static str) -> Response {
    let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, "public, max-age=3600")];
    (headers, text).into_response()
}

#[derive(Debug, Default, Deserialize)]
struct Place {
    #[serde(default)]
    path: String,
    cursor: Option<String>,
}

impl FromRequestParts<AppState> for Place {
    type Rejection = Infallible;

    /// What is no place is the top.
    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Infallible> {
        let query = Query::try_from_uri(&parts.uri);
        Ok(query.map(|Query(place)| place).unwrap_or_default())
    }
}

/// `GET /s/{token}`
async fn show(
    State(state): State<AppState>,
    LinkToken(token): LinkToken,
    place: Place,
    headers: HeaderMap,
) -> Response {
    let visitor = match enter(&state, token.clone(), &headers).await {
        Ok(visitor) => visitor,
        Err(error) => return closed(&error, None),
    };
    match opened(&state, &visitor, &token, &place).await {
        Ok(markup) => page(StatusCode::OK, markup),
        Err(error) => lost(&token, &error),
    }
}

async fn opened(state: &AppState, visitor: &Visitor, token: &str, place: &Place) -> Result<Markup, Error> {
    let label = visitor.link.label.as_deref();
    if visitor.access == LinkAccess::Drop {
        return Ok(drop_box::page(token, label));
    }
    let top = lookup(state, &visitor.ctx, "/").await?;
    let node = match text::parts(&place.path).as_slice() {
        [] => top.clone(),
        _ => lookup(state, &visitor.ctx, &text::rooted(&place.path)).await?,
    };
    let view = folder::View {
        token,
        title: label.map_or_else(|| folder::title(&top), str::to_owned),
        parts: text::parts(&place.path),
        may_download: visitor.access == LinkAccess::Download,
    };
    if node.kind() == rpc::NodeKind::File {
        return Ok(folder::file_page(&view, &node));
    }
    let message = rpc::ListChildrenRequest {
        id: node.id,
        limit: ROWS,
        cursor: place.cursor.clone(),
        ..rpc::ListChildrenRequest::default()
    };
    let listed = children(state, &visitor.ctx, message).await?;
    Ok(folder::folder_page(
        &view,
        &listed.items,
        listed.next_cursor.as_deref(),
    ))
}

#[derive(Debug, Deserialize)]
struct Password {
    password: String,
}

/// `POST /s/{token}`: the form with the password.
async fn unlock(
    State(state): State<AppState>,
    LinkToken(token): LinkToken,
    Peer(peer): Peer,
    form: Result<Form<Password>, FormRejection>,
) -> Response {
    // A form that is none holds no password.
    let password = form.map(|Form(form)| form.password).unwrap_or_default();
    let key = match public::unlock(&state, token.clone(), password, peer).await {
        Ok(key) => key,
        Err(error) => return closed(&error, Some(layout::WRONG)),
    };
    let back = HeaderValue::try_from(format!("/s/{token}"));
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(back) = back {
        response.headers_mut().insert(LOCATION, back);
    }
    if let Some(key) = key.key {
        let secure = if state.wiring.tls { "; Secure" } else { "" };
        let cookie = format!("{COOKIE_NAME}={key}; Path=/s/{token}; HttpOnly; SameSite=Strict{secure}");
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            response.headers_mut().insert(SET_COOKIE, cookie);
        }
    }
    private(response)
}

/// `GET /s/{token}/content?path=`
async fn content(
    State(state): State<AppState>,
    method: Method,
    LinkToken(token): LinkToken,
    place: Place,
    headers: HeaderMap,
) -> Response {
    let visitor = match enter(&state, token.clone(), &headers).await {
        Ok(visitor) => visitor,
        Err(error) => return closed(&error, None),
    };
    let found = download(&state, &visitor, &method, &text::rooted(&place.path)).await;
    match found.and_then(|content| content.map(public::redirect).transpose()) {
        Ok(Some(response)) => private(response),
        Ok(None) => private(StatusCode::OK.into_response()),
        Err(error) => lost(&token, &error),
    }
}

/// `GET /s/{token}/zip?path=`
async fn zip(
    State(state): State<AppState>,
    method: Method,
    LinkToken(token): LinkToken,
    place: Place,
    headers: HeaderMap,
) -> Response {
    let visitor = match enter(&state, token.clone(), &headers).await {
        Ok(visitor) => visitor,
        Err(error) => return closed(&error, None),
    };
    match archive::of_visitor(&state, visitor, &method, &text::rooted(&place.path)).await {
        Ok(response) => private(response),
        Err(error) => lost(&token, &error),
    }
}

/// The page of a link that does not open, or that something is in the way of.
fn closed(error: &Error, problem: Option<&str>) -> Response {
    match error.code() {
        Code::NotFound => page(StatusCode::NOT_FOUND, layout::closed(problem)),
        code => page(problem::status_of(code), layout::trouble(error.message(), None)),
    }
}

/// What is not there, or does not work, on a link that is open.
fn lost(token: &str, error: &Error) -> Response {
    // Ended between two calls.
    if error.reason() == "link_not_found" {
        return closed(error, None);
    }
    let told = match error.code() {
        Code::NotFound => "There is nothing at this place. It may have been moved or deleted.",
        _ => error.message(),
    };
    page(
        problem::status_of(error.code()),
        layout::trouble(told, Some(token)),
    )
}

fn page(status: StatusCode, markup: Markup) -> Response {
    let kind = [(CONTENT_TYPE, "text/html; charset=utf-8")];
    private((status, kind, markup.into_string()).into_response())
}

/// For the visitor alone: not kept by caches, not found by search engines.
fn private(response: Response) -> Response {
    let mut response = public::unkept(response);
    response.headers_mut().insert(
        HeaderName::from_static("x-robots-tag"),
        HeaderValue::from_static("noindex, nofollow"),
    );
    response
}
