use super::sessions::{opened, secret};
use crate::auth::{Caller, Peer};
use crate::extract::{Id, IdempotencyKey, Json, Query};
use crate::problem::Answer;
use crate::state::AppState;
use crate::translate;
use axum::extract::State;
use axum::response::Response;
use bitvault_api::limits::PAGE_ITEMS_MAX;
use bitvault_api::{
    AcceptInvitation, AddMember, AddedMember, CreateInvitation, CreatedInvitation, Invitation,
    LookupInvitation, Member, OfferedInvitation, Page, Session, UpdateMember,
};
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1 as rpc;
use http::StatusCode;
use serde::Deserialize;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageParams {
    /// Most items of the answer; 200 when left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl PageParams {
    /// The limit as modules take it: 0 is the default.
    fn limit(&self) -> Result<u32, Error> {
        match self.limit {
            None => Ok(0),
            Some(limit @ 1..=PAGE_ITEMS_MAX) => Ok(limit),
            Some(_) => Err(Error::invalid_field(
                "limit_invalid",
                "limit",
                format!("use 1 to {PAGE_ITEMS_MAX}"),
            )),
        }
    }
}

/// List the members
///
/// Everybody who belongs to the tenant, in the order in which their accounts were made. A guest sees itself only.
#[utoipa::path(get, path = "/v1/members", tag = "members", params(PageParams),
    responses((status = 200, description = "One page", body = Page<Member>)))]
pub(super) async fn list_members(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Query(params): Query<PageParams>,
) -> Answer<axum::Json<Page<Member>>> {
    let message = rpc::ListMembersRequest {
        limit: params.limit()?,
        cursor: params.cursor,
    };
    let page = state
        .tenants()
        .list_members(ctx.request(message))
        .await?
        .into_inner();
    let items = page.items.into_iter().map(translate::member);
    Ok(axum::Json(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor: page.next_cursor,
    }))
}

/// Add a member
///
/// Needs the role admin; only an owner adds owners. An account that has the address is added. Else one is made, with the
/// password that is given, or with an invitation through which it gets one. Adding somebody again with the same role
/// changes nothing.
#[utoipa::path(post, path = "/v1/members", tag = "members", request_body = AddMember,
    responses((status = 201, description = "The member", body = AddedMember)))]
pub(super) async fn add_member(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Json(body): Json<AddMember>,
) -> Answer<Response> {
    let message = rpc::AddMemberRequest {
        email: body.email,
        display_name: body.display_name,
        role: body.role,
        password: body.password,
    };
    let added = state.tenants().add_member(ctx.request(message)).await?;
    Ok(secret(
        StatusCode::CREATED,
        translate::added_member(added.into_inner())?,
    ))
}

/// Change a member's role
///
/// Needs the role admin; only an owner makes or unmakes owners. The tenant keeps an owner.
#[utoipa::path(patch, path = "/v1/members/{account_id}", tag = "members", request_body = UpdateMember,
    params(("account_id" = String, Path, description = "`acc_…`")),
    responses((status = 200, description = "The member as it is now", body = Member)))]
pub(super) async fn update_member(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(account_id): Id,
    Json(body): Json<UpdateMember>,
) -> Answer<axum::Json<Member>> {
    let message = rpc::UpdateMemberRequest {
        account_id,
        role: body.role,
    };
    let member = state.tenants().update_member(ctx.request(message)).await?;
    Ok(axum::Json(translate::member(member.into_inner())?))
}

/// Remove a member
///
/// Needs the role admin; only an owner removes owners. Its sessions and tokens in this tenant end within seconds. Its
/// files stay.
#[utoipa::path(delete, path = "/v1/members/{account_id}", tag = "members",
    params(("account_id" = String, Path, description = "`acc_…`")),
    responses((status = 204, description = "Removed")))]
pub(super) async fn remove_member(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(account_id): Id,
) -> Answer<StatusCode> {
    let message = rpc::RemoveMemberRequest { account_id };
    state.tenants().remove_member(ctx.request(message)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List open invitations
///
/// Oldest first. Needs the role admin; members see their own where the tenant lets them invite guests.
#[utoipa::path(get, path = "/v1/invitations", tag = "members", params(PageParams),
    responses((status = 200, description = "One page", body = Page<Invitation>)))]
pub(super) async fn list_invitations(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    Query(params): Query<PageParams>,
) -> Answer<axum::Json<Page<Invitation>>> {
    let message = rpc::ListInvitationsRequest {
        limit: params.limit()?,
        cursor: params.cursor,
    };
    let page = state
        .tenants()
        .list_invitations(ctx.request(message))
        .await?
        .into_inner();
    let items = page.items.into_iter().map(translate::invitation);
    Ok(axum::Json(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor: page.next_cursor,
    }))
}

/// Invite somebody
///
/// Needs the role admin, for guests that of a member where the tenant lets members invite them (`guest_invitations`); only an
/// owner invites owners. The link goes out by mail; on a server that sends none it is in the answer, as `url`, to be handed
/// on. With `grants` it shares nodes of yours with who accepts, as far as you own them then. A newer invitation of the same
/// address takes the place of the one before; one that shares what is somebody else's stays (`invitation_open`).
#[utoipa::path(post, path = "/v1/invitations", tag = "members", request_body = CreateInvitation,
    responses((status = 201, description = "The invitation", body = CreatedInvitation)))]
pub(super) async fn create_invitation(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Json(body): Json<CreateInvitation>,
) -> Answer<Response> {
    let message = translate::create_invitation(body);
    let made = state.tenants().create_invitation(ctx.request(message)).await?;
    Ok(secret(
        StatusCode::CREATED,
        translate::created_invitation(made.into_inner())?,
    ))
}

/// Take an invitation back
#[utoipa::path(delete, path = "/v1/invitations/{id}", tag = "members",
    params(("id" = String, Path, description = "`inv_…`")),
    responses((status = 204, description = "Its link leads nowhere from now on")))]
pub(super) async fn revoke_invitation(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    _key: IdempotencyKey,
    Id(id): Id,
) -> Answer<StatusCode> {
    let message = rpc::RevokeInvitationRequest { id };
    state.tenants().revoke_invitation(ctx.request(message)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// See what an invitation offers
///
/// Who invites to what, for who holds the link. Unknown, used, expired and revoked invitations look alike.
#[utoipa::path(post, path = "/v1/invitations/lookup", tag = "members", security(()),
    request_body = LookupInvitation,
    responses((status = 200, description = "The offer", body = OfferedInvitation)))]
pub(super) async fn lookup_invitation(
    State(state): State<AppState>,
    Json(body): Json<LookupInvitation>,
) -> Answer<Response> {
    let message = rpc::LookupInvitationRequest { token: body.token };
    let request = Ctx::anonymous().request(message);
    let offered = state.tenants().lookup_invitation(request).await?;
    Ok(secret(
        StatusCode::OK,
        translate::offered_invitation(offered.into_inner())?,
    ))
}

/// Accept an invitation
///
/// Uses it up and signs in. An address without a password gets the one that is given; an account that has one must show
/// it. Unknown, used, expired and revoked invitations look alike.
#[utoipa::path(post, path = "/v1/invitations/accept", tag = "members", security(()),
    request_body = AcceptInvitation,
    responses((status = 201, description = "Signed in", body = Session)))]
pub(super) async fn accept_invitation(
    State(state): State<AppState>,
    peer: Peer,
    Json(body): Json<AcceptInvitation>,
) -> Answer<Response> {
    let message = rpc::AcceptInvitationRequest {
        token: body.token,
        password: body.password,
        display_name: body.display_name,
    };
    let mut request = Ctx::anonymous().request(message);
    peer.tell(&mut request)?;
    let session = state.tenants().accept_invitation(request).await?.into_inner();
    opened(StatusCode::CREATED, session)
}
