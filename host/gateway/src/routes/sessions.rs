use crate::auth::{Caller, Peer};
use crate::extract::{IdempotencyKey, Json};
use crate::problem::Answer;
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bitvault_api::{CreateSession, Me, RefreshSession, Session};
use bitvault_platform::Ctx;
use bitvault_proto::v1 as rpc;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};

/// Sign in
///
/// Opens a session with a mail address and a password.
#[utoipa::path(post, path = "/v1/sessions", tag = "sessions", security(()), request_body = CreateSession,
    responses((status = 201, description = "Signed in", body = Session)))]
pub(super) async fn create_session(
    State(state): State<AppState>,
    peer: Peer,
    Json(body): Json<CreateSession>,
) -> Answer<Response> {
    let message = rpc::CreateSessionRequest {
        email: body.email,
        password: body.password,
        tenant: body.tenant,
    };
    let mut request = Ctx::anonymous().request(message);
    peer.tell(&mut request)?;
    let session = state.sessions().create_session(request).await?.into_inner();
    opened(StatusCode::CREATED, session)
}

/// Refresh a session
///
/// Trades a refresh token, which is used up, for a new session. The second use of one ends its session.
#[utoipa::path(post, path = "/v1/sessions/refresh", tag = "sessions", security(()), request_body = RefreshSession,
    responses((status = 200, description = "The session goes on with new tokens", body = Session)))]
pub(super) async fn refresh_session(
    State(state): State<AppState>,
    Json(body): Json<RefreshSession>,
) -> Answer<Response> {
    let message = rpc::RefreshSessionRequest {
        refresh_token: body.refresh_token,
    };
    let request = Ctx::anonymous().request(message);
    let session = state.sessions().refresh_session(request).await?.into_inner();
    opened(StatusCode::OK, session)
}

/// Tokens are shown once, and by nobody's cache.
pub(super) fn opened(status: StatusCode, session: rpc::Session) -> Answer<Response> {
    Ok(secret(status, translate::session(session)?))
}

/// An answer that shows a secret: nobody's cache keeps it.
pub(super) fn secret<T: serde::Serialize>(status: StatusCode, answer: T) -> Response {
    let mut response = (status, axum::Json(answer)).into_response();
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Sign out
///
/// Ends the session that calls, its refresh token included.
#[utoipa::path(delete, path = "/v1/sessions/current", tag = "sessions",
    responses((status = 204, description = "Signed out")))]
pub(super) async fn delete_current_session(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
) -> Answer<StatusCode> {
    let request = ctx.request(rpc::DeleteCurrentSessionRequest {});
    state.sessions().delete_current_session(request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who is signed in
#[utoipa::path(get, path = "/v1/me", tag = "sessions",
    responses((status = 200, description = "The caller", body = Me)))]
pub(super) async fn get_me(State(state): State<AppState>, Caller(ctx): Caller) -> Answer<axum::Json<Me>> {
    let me = state.sessions().get_me(ctx.request(rpc::GetMeRequest {})).await?;
    Ok(axum::Json(translate::me(
        me.into_inner(),
        state.wiring.traces.is_some(),
    )?))
}
