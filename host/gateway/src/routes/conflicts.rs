use super::page::PageParams;
use crate::auth::Caller;
use crate::extract::{Id, IdempotencyKey, IfMatch, Json, Query};
use crate::problem::{Answer, Refusal};
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bitvault_api::{Conflict, Page, ResolveConflict};
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1 as rpc;
use http::header::{ETAG, HeaderValue};

/// List conflicts
///
/// Conflicted copies that nobody has settled, the newest first: those of which the caller sees both files. One leaves the list
/// when it is resolved, when either file goes to the trash, and when the copy gets another name. A page may hold fewer items
/// than asked for and still name the next.
#[utoipa::path(get, path = "/v1/conflicts", tag = "conflicts", params(PageParams),
    responses((status = 200, description = "One page", body = Page<Conflict>)))]
pub(super) async fn list_conflicts(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Query(page): Query<PageParams>,
) -> Answer<axum::Json<Page<Conflict>>> {
    let message = rpc::ListConflictsRequest {
        limit: page.limit()?,
        cursor: page.cursor,
    };
    let page = state.conflicts().list_conflicts(ctx.request(message)).await?;
    let page = page.into_inner();
    let items = page.items.into_iter().map(translate::conflict);
    Ok(axum::Json(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor: page.next_cursor,
    }))
}

/// Get a conflict
///
/// One that is open, or that was resolved.
#[utoipa::path(get, path = "/v1/conflicts/{id}", tag = "conflicts", params(("id" = String, Path, description = "`cnf_…`")),
    responses((status = 200, description = "The conflict; `ETag` is its revision", body = Conflict)))]
pub(super) async fn get_conflict(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Id(id): Id,
) -> Answer<Response> {
    let message = rpc::GetConflictRequest { id };
    let conflict = state.conflicts().get_conflict(ctx.request(message)).await?;
    answer(conflict.into_inner())
}

/// Resolve a conflict
///
/// In one transaction, and nothing is lost: `theirs` keeps the file as it is and moves the copy to the trash; `mine` makes a
/// new version of the file with the copy's content, without moving a byte, and moves the copy to the trash; `both` gives the
/// copy a name of its own. Repeating it answers the same; another choice afterwards is refused with 409 `conflict_resolved`. A
/// 412 shows the conflict as it is now in `current`.
#[utoipa::path(post, path = "/v1/conflicts/{id}/resolve", tag = "conflicts", request_body = ResolveConflict,
    params(("id" = String, Path, description = "`cnf_…`"),
        ("If-Match" = Option<String>, Header, pattern = r#"^(\*|[0-9]{1,18}|(W/)?"[0-9]{1,18}")$"#,
            description = "The conflict's revision: 412 when either file has changed since")),
    responses((status = 200, description = "The conflict, settled", body = Conflict)))]
pub(super) async fn resolve_conflict(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    IdempotencyKey(idempotency_key): IdempotencyKey,
    IfMatch(revision): IfMatch,
    Id(id): Id,
    Json(body): Json<ResolveConflict>,
) -> Answer<Response> {
    let message = rpc::ResolveConflictRequest {
        id: id.clone(),
        keep: translate::keep(body.keep).into(),
        revision,
        idempotency_key,
    };
    match state.conflicts().resolve_conflict(ctx.request(message)).await {
        Ok(conflict) => answer(conflict.into_inner()),
        Err(status) => Err(with_current(&state, &ctx, id, status.into()).await),
    }
}

/// A conflict with its revision as `ETag`.
fn answer(conflict: rpc::Conflict) -> Answer<Response> {
    let conflict = translate::conflict(conflict)?;
    let etag = HeaderValue::try_from(format!("\"{}\"", conflict.revision))
        .map_err(|cause| Error::internal("write an ETag", cause))?;
    let mut response = axum::Json(conflict).into_response();
    response.headers_mut().insert(ETAG, etag);
    Ok(response)
}

/// A refusal because one of both files has changed shows them as they are now.
async fn with_current(state: &AppState, ctx: &Ctx, id: String, refusal: Refusal) -> Refusal {
    if !refusal.is_precondition() {
        return refusal;
    }
    let message = rpc::GetConflictRequest { id };
    let conflict = state.conflicts().get_conflict(ctx.request(message)).await;
    let conflict = conflict
        .map_err(Error::from)
        .and_then(|conflict| translate::conflict(conflict.into_inner()));
    match conflict {
        Ok(conflict) => refusal.with_current(conflict),
        // It went away in between; the refusal stands.
        Err(_) => refusal,
    }
}
