use super::sessions::secret;
use crate::auth::{Caller, Peer};
use crate::extract::{Id, IdempotencyKey, Json};
use crate::problem::Answer;
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use axum::response::Response;
use bitvault_api::{AccessToken, Account, ChangePassword, CreateToken, CreatedToken, Page, UpdateMe};
use bitvault_proto::v1 as rpc;
use http::StatusCode;
use prost_types::Timestamp;

/// Change your name
///
/// The name that is shown to others, in every tenant that the account belongs to.
#[utoipa::path(patch, path = "/v1/me", tag = "sessions", request_body = UpdateMe,
    responses((status = 200, description = "The account as it is now", body = Account)))]
pub(super) async fn update_me(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Json(body): Json<UpdateMe>,
) -> Answer<axum::Json<Account>> {
    let message = rpc::UpdateMeRequest {
        display_name: body.display_name,
    };
    let account = state.tenants().update_me(ctx.request(message)).await?;
    Ok(axum::Json(translate::account(Some(account.into_inner()))?))
}

/// Change your password
///
/// Ends all other sessions of the account, in every tenant. Personal access tokens stay: remove those that somebody else
/// may know. Can't be done with a personal access token.
#[utoipa::path(put, path = "/v1/me/password", tag = "sessions", request_body = ChangePassword,
    responses((status = 204, description = "Changed")))]
pub(super) async fn change_password(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    peer: Peer,
    _key: IdempotencyKey,
    Json(body): Json<ChangePassword>,
) -> Answer<StatusCode> {
    let mut request = ctx.request(rpc::ChangePasswordRequest {
        current: body.current,
        new: body.new,
    });
    peer.tell(&mut request)?;
    state.tenants().change_password(request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List your tokens
///
/// Your personal access tokens in this tenant, oldest first, without their secrets. There is one page.
#[utoipa::path(get, path = "/v1/tokens", tag = "tokens",
    responses((status = 200, description = "All of them", body = Page<AccessToken>)))]
pub(super) async fn list_tokens(
    State(state): State<AppState>,
    Caller(ctx): Caller,
) -> Answer<axum::Json<Page<AccessToken>>> {
    let request = ctx.request(rpc::ListTokensRequest {});
    let tokens = state.tenants().list_tokens(request).await?.into_inner();
    let items = tokens.items.into_iter().map(translate::token);
    Ok(axum::Json(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor: None,
    }))
}

/// Make a token
///
/// A personal access token for your programs: it acts as you in this tenant, within its scopes. The secret is in this
/// answer and nowhere else. Can't be done with a personal access token.
#[utoipa::path(post, path = "/v1/tokens", tag = "tokens", request_body = CreateToken,
    responses((status = 201, description = "The token and its secret", body = CreatedToken)))]
pub(super) async fn create_token(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Json(body): Json<CreateToken>,
) -> Answer<Response> {
    let message = rpc::CreateTokenRequest {
        name: body.name,
        scopes: body.scopes,
        expires_at: body.expires_at.map(|at| Timestamp {
            seconds: at.unix_timestamp(),
            nanos: at.nanosecond().cast_signed(),
        }),
    };
    let made = state.tenants().create_token(ctx.request(message)).await?;
    Ok(secret(
        StatusCode::CREATED,
        translate::created_token(made.into_inner())?,
    ))
}

/// Remove a token
///
/// It ends within seconds.
#[utoipa::path(delete, path = "/v1/tokens/{id}", tag = "tokens",
    params(("id" = String, Path, description = "`tok_…`")),
    responses((status = 204, description = "Removed")))]
pub(super) async fn delete_token(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(id): Id,
) -> Answer<StatusCode> {
    let message = rpc::DeleteTokenRequest { id };
    state.tenants().delete_token(ctx.request(message)).await?;
    Ok(StatusCode::NO_CONTENT)
}
