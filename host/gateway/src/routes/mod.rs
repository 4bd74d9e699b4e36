//! The REST routes: each takes its input, calls one RPC in the caller's name and translates the answer.

pub(crate) mod archive;
mod batches;
mod changes;
mod conflicts;
mod content;
mod copies;
mod devices;
pub(crate) mod drops;
mod grants;
mod groups;
pub(crate) mod health;
mod links;
mod me;
mod members;
mod metadata;
mod nodes;
mod page;
pub(crate) mod public;
mod quotas;
mod retention;
mod search;
mod sessions;
mod spaces;
mod tenant;
mod traces;
mod trash;
mod uploads;
mod versions;

use crate::problem::Refusal;
use crate::state::AppState;
use crate::{assets, openapi, pages};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bitvault_platform::{Code, Error};
use http::{Method, StatusCode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route and the document that describes them, made from the same list.
pub(crate) fn router() -> (Router<AppState>, utoipa::openapi::OpenApi) {
    let (router, mut document) = OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(sessions::create_session))
        .routes(routes!(sessions::refresh_session))
        .routes(routes!(sessions::delete_current_session))
        .routes(routes!(sessions::get_me, me::update_me))
        .routes(routes!(me::change_password))
        .routes(routes!(me::list_tokens, me::create_token))
        .routes(routes!(me::delete_token))
        .routes(routes!(members::list_members, members::add_member))
        .routes(routes!(members::update_member, members::remove_member))
        .routes(routes!(members::list_invitations, members::create_invitation))
        .routes(routes!(members::revoke_invitation))
        .routes(routes!(members::lookup_invitation))
        .routes(routes!(members::accept_invitation))
        .routes(routes!(
            tenant::get_tenant,
            tenant::update_tenant,
            tenant::delete_tenant
        ))
        .routes(routes!(nodes::get_node, nodes::update_node, nodes::delete_node))
        .routes(routes!(nodes::list_children))
        .routes(routes!(nodes::lookup))
        .routes(routes!(metadata::get_metadata, metadata::update_metadata))
        .routes(routes!(metadata::list_favourites))
        .routes(routes!(metadata::add_favourite, metadata::remove_favourite))
        .routes(routes!(metadata::list_recent))
        .routes(routes!(nodes::create_folder))
        .routes(routes!(trash::list_trash, trash::empty_trash))
        .routes(routes!(trash::restore_node))
        .routes(routes!(batches::batch_moves))
        .routes(routes!(batches::batch_deletes))
        .routes(routes!(content::get_content))
        .routes(routes!(content::batch_contents))
        .routes(routes!(archive::get_zip))
        .routes(routes!(copies::copy_node))
        .routes(routes!(copies::get_copy, copies::cancel_copy))
        .routes(routes!(versions::list_versions))
        .routes(routes!(versions::label_version, versions::delete_version))
        .routes(routes!(versions::restore_version))
        .routes(routes!(
            retention::get_retention,
            retention::set_retention,
            retention::clear_retention
        ))
        .routes(routes!(
            retention::get_tenant_retention,
            retention::set_tenant_retention,
            retention::clear_tenant_retention
        ))
        .routes(routes!(retention::get_usage))
        .routes(routes!(search::search))
        .routes(routes!(
            quotas::get_quota,
            quotas::set_quota,
            quotas::delete_quota
        ))
        .routes(routes!(quotas::list_quotas))
        .routes(routes!(
            quotas::get_home_quota,
            quotas::set_home_quota,
            quotas::delete_home_quota
        ))
        .routes(routes!(uploads::start_upload))
        .routes(routes!(uploads::get_upload, uploads::abort_upload))
        .routes(routes!(uploads::presign_parts))
        .routes(routes!(uploads::commit_upload))
        .routes(routes!(uploads::batch_uploads))
        .routes(routes!(uploads::batch_commits))
        .routes(routes!(links::create_link, links::list_links))
        .routes(routes!(links::get_link, links::update_link, links::delete_link))
        .routes(routes!(public::get_public_link))
        .routes(routes!(public::unlock_public_link))
        .routes(routes!(public::list_public_children))
        .routes(routes!(public::get_public_content))
        .routes(routes!(public::get_public_zip))
        .routes(routes!(drops::start_drop))
        .routes(routes!(drops::presign_drop))
        .routes(routes!(drops::commit_drop))
        .routes(routes!(grants::list_grants, grants::put_grant))
        .routes(routes!(grants::delete_grant))
        .routes(routes!(grants::set_inheritance))
        .routes(routes!(grants::list_shared))
        .routes(routes!(groups::list_groups, groups::create_group))
        .routes(routes!(groups::update_group, groups::delete_group))
        .routes(routes!(groups::list_group_members))
        .routes(routes!(groups::put_group_member, groups::delete_group_member))
        .routes(routes!(spaces::list_spaces, spaces::create_space))
        .routes(routes!(spaces::update_space, spaces::delete_space))
        .routes(routes!(devices::list_devices, devices::create_device))
        .routes(routes!(devices::get_device, devices::delete_device))
        .routes(routes!(changes::list_changes, changes::push_changes))
        .routes(routes!(conflicts::list_conflicts))
        .routes(routes!(conflicts::get_conflict))
        .routes(routes!(conflicts::resolve_conflict))
        .routes(routes!(traces::add_spans))
        .routes(routes!(traces::list_traces))
        .routes(routes!(traces::get_trace))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .split_for_parts();
    openapi::finish(&mut document);
    let router = router
        .route("/v1/openapi.json", get(openapi::serve))
        .merge(openapi::docs())
        .merge(pages::router())
        .fallback(unrouted)
        .method_not_allowed_fallback(wrong_method);
    (router, document)
}

/// What no route takes: the web app's files, or nothing.
async fn unrouted(State(state): State<AppState>, request: Request) -> Response {
    let path = request.uri().path();
    let readable = matches!(*request.method(), Method::GET | Method::HEAD);
    let api = path == "/v1" || path.starts_with("/v1/");
    if !api && readable {
        return assets::serve(&state.wiring.assets, path, request.headers());
    }
    Refusal::from(Error::new(
        Code::NotFound,
        "route_unknown",
        "there is nothing at this path; /v1/openapi.json lists what there is",
    ))
    .into_response()
}

async fn wrong_method() -> Refusal {
    Refusal::http(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this path does not take that method; the header Allow lists those it takes",
    )
}
