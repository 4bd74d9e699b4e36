//! The OpenAPI document: operations come from the handlers, the refusals that any operation can answer from here.

use crate::problem::PROBLEM_JSON;
use crate::state::AppState;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bitvault_api::Problem;
use http::header::CONTENT_TYPE;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContactBuilder, Content, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref,
    RefOr, ResponseBuilder, SecurityRequirement,
};
use utoipa_swagger_ui::SwaggerUi;

/// Name of the bearer scheme.
const BEARER: &str = "bearer";
/// Component with the problem's schema.
const PROBLEM_REF: &str = "Problem";

/// What is not told by any handler.
pub(crate) fn base() -> OpenApi {
    let mut license = LicenseBuilder::new().name("Apache-2.0").build();
    license.identifier = "Apache-2.0".to_owned().into();
    let info = InfoBuilder::new()
        .title("BitVault")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Files, folders and versions. Bytes travel between client and store by presigned requests; this API \
             handles everything else. Errors are RFC 9457 problem details.",
        ))
        .contact(Some(ContactBuilder::new().name(Some("BitVault")).build()))
        .license(Some(license))
        .build();
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components = ComponentsBuilder::new()
        .schema_from::<Problem>()
        .schema_from::<bitvault_api::Code>()
        .schema_from::<bitvault_api::FieldError>()
        .security_scheme(BEARER, bearer)
        .build();
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .security(Some([SecurityRequirement::new::<_, [&str; 0], &str>(BEARER, [])]))
        .build()
}

/// Adds to each operation what it can refuse with.
pub(crate) fn finish(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            for (status, description) in refusals(path, &method, operation) {
                let content = Content::new(Some(RefOr::Ref(Ref::from_schema_name(PROBLEM_REF))));
                let response = ResponseBuilder::new()
                    .description(description)
                    .content(PROBLEM_JSON, content)
                    .build();
                operation
                    .responses
                    .responses
                    .entry(status.to_owned())
                    .or_insert_with(|| RefOr::T(response));
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    [
        (HttpMethod::Get, item.get.as_mut()),
        (HttpMethod::Post, item.post.as_mut()),
        (HttpMethod::Put, item.put.as_mut()),
        (HttpMethod::Patch, item.patch.as_mut()),
        (HttpMethod::Delete, item.delete.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation?)))
}

fn refusals(path: &str, method: &HttpMethod, operation: &Operation) -> Vec<(&'static str, &'static str)> {
    let mut all = vec![
        ("421", "The server does not answer for that host name"),
        ("500", "A mistake of the server"),
    ];
    if !path.starts_with("/v1/") {
        return all;
    }
    all.extend([
        ("400", "The request is malformed or breaks a rule"),
        ("401", "Nobody is signed in, or the token has ended"),
        ("403", "Signed in, but not allowed"),
        ("404", "It does not exist, or belongs to somebody else"),
        ("429", "A quota or a rate limit is used up"),
        ("503", "A part of the service is away or overloaded; try again"),
    ]);
    if !matches!(method, HttpMethod::Get) {
        all.extend([
            ("409", "The current state is in the way"),
            ("412", "A stated precondition no longer holds"),
        ]);
    } else {
        all.push(("409", "The current state is in the way"));
    }
    if operation.request_body.is_some() {
        all.extend([
            ("413", "The body is longer than allowed"),
            ("415", "The body has another content type"),
        ]);
    }
    all
}

/// `GET /v1/openapi.json`
pub(crate) async fn serve(State(state): State<AppState>) -> Response {
    let json = state.openapi_json.clone();
    ([(CONTENT_TYPE, "application/json")], json).into_response()
}

/// The page at `/docs` that shows the document.
pub(crate) fn docs() -> Router<AppState> {
    SwaggerUi::new("/docs")
        .config(utoipa_swagger_ui::Config::from("/v1/openapi.json"))
        .into()
}
