use crate::auth::Caller;
use crate::extract::{Id, IdempotencyKey, Ids, Json, Query};
use crate::problem::Answer;
use crate::routes::page::PageParams;
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use bitvault_api::{Grant, Grants, Page, PutGrant, SetInheritance, SharedNode};
use bitvault_platform::{Ctx, Error};
use bitvault_proto::internal::v1::FindMemberRequest;
use bitvault_proto::v1 as rpc;
use http::StatusCode;

/// List who has access
///
/// The grants that count on a node: its own, and those given on folders above unless the node takes none from there.
#[utoipa::path(get, path = "/v1/nodes/{id}/grants", tag = "sharing",
    params(("id" = String, Path, description = "`nod_…` or `root`")),
    responses((status = 200, description = "The grants", body = Grants)))]
pub(super) async fn list_grants(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Id(node_id): Id,
) -> Answer<axum::Json<Grants>> {
    let message = rpc::ListGrantsRequest { node_id };
    let answer = state.access().list_grants(ctx.request(message)).await?;
    Ok(axum::Json(translate::grants(answer.into_inner())?))
}

/// Give a role
///
/// To an account or a group, on a node and all below it, in place of the role that it had on this node. Repeating it
/// changes nothing.
#[utoipa::path(put, path = "/v1/nodes/{id}/grants", tag = "sharing", request_body = PutGrant,
    params(("id" = String, Path, description = "`nod_…` or `root`")),
    responses((status = 200, description = "The grant", body = Grant)))]
pub(super) async fn put_grant(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(node_id): Id,
    Json(body): Json<PutGrant>,
) -> Answer<axum::Json<Grant>> {
    let subject_id = match (body.subject_id, body.email) {
        (Some(subject_id), None) => subject_id,
        (None, Some(email)) => account_of(&state, &ctx, email).await?,
        _ => {
            let detail = "give either `subject_id` or `email`";
            return Err(Error::invalid_field("subject_invalid", "subject_id", detail).into());
        }
    };
    let message = rpc::PutGrantRequest {
        node_id,
        subject_id,
        role: body.role.name().to_owned(),
    };
    let grant = state.access().put_grant(ctx.request(message)).await?;
    Ok(axum::Json(translate::grant(grant.into_inner())?))
}

/// The account with this address, if it belongs to the caller's tenant.
async fn account_of(state: &AppState, ctx: &Ctx, email: String) -> Result<String, Error> {
    let asked = Ctx::system("gateway").within(ctx.tenant()?);
    let request = asked.request(FindMemberRequest { email });
    let found = state.identity().find_member(request).await?;
    Ok(found.into_inner().account_id)
}

/// Take a role back
///
/// It ends at once. Anybody may give up its own.
#[utoipa::path(delete, path = "/v1/nodes/{id}/grants/{subject_id}", tag = "sharing",
    params(("id" = String, Path, description = "`nod_…` or `root`"),
        ("subject_id" = String, Path, description = "`acc_…` or `grp_…`")),
    responses((status = 204, description = "Taken back")))]
pub(super) async fn delete_grant(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Ids(node_id, subject_id): Ids,
) -> Answer<StatusCode> {
    let message = rpc::DeleteGrantRequest { node_id, subject_id };
    state.access().delete_grant(ctx.request(message)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Inherit roles, or not
///
/// With `inherits: false`, roles given on folders above don't count on this node and below; ownership still does.
#[utoipa::path(put, path = "/v1/nodes/{id}/inheritance", tag = "sharing", request_body = SetInheritance,
    params(("id" = String, Path, description = "`nod_…`")),
    responses((status = 200, description = "The grants that count from now on", body = Grants)))]
pub(super) async fn set_inheritance(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(node_id): Id,
    Json(body): Json<SetInheritance>,
) -> Answer<axum::Json<Grants>> {
    let message = rpc::SetInheritanceRequest {
        node_id,
        inherits: body.inherits,
    };
    let answer = state.access().set_inheritance(ctx.request(message)).await?;
    Ok(axum::Json(translate::grants(answer.into_inner())?))
}

/// List what was shared with me
///
/// The nodes that carry a grant to the caller or to one of its groups, the newest first. Spaces have a list of their own.
/// A page may hold fewer items than asked for and still name the next.
#[utoipa::path(get, path = "/v1/shared", tag = "sharing", params(PageParams),
    responses((status = 200, description = "One page", body = Page<SharedNode>)))]
pub(super) async fn list_shared(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Query(page): Query<PageParams>,
) -> Answer<axum::Json<Page<SharedNode>>> {
    let message = rpc::ListSharedRequest {
        limit: page.limit()?,
        cursor: page.cursor,
    };
    let page = state
        .access()
        .list_shared(ctx.request(message))
        .await?
        .into_inner();
    let items = page.items.into_iter().map(translate::shared);
    Ok(axum::Json(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor: page.next_cursor,
    }))
}
