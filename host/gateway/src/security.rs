//! Headers that tell browsers what our pages may do, which hosts we answer for, and whose pages may call us.

use crate::Config;
use crate::health;
use crate::problem::Refusal;
use crate::state::Wiring;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bitvault_platform::Error;
use http::header::{
    AUTHORIZATION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HOST, IF_MATCH, LOCATION, REFERRER_POLICY,
    RETRY_AFTER, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use std::sync::Arc;
use std::time::Duration;
use tower_http::cors::CorsLayer;

/// How long a browser remembers that this host is reached by TLS only.
const HSTS: &str = "max-age=31536000; includeSubDomains";
/// How long a browser remembers what a preflight answered.
const CORS_MAX_AGE: Duration = Duration::from_secs(600);

/// The values, made once.
#[derive(Debug)]
pub(crate) struct Headers {
    page: HeaderValue,
    docs: HeaderValue,
    links: HeaderValue,
    tls: bool,
    hosts: Vec<String>,
}

impl Headers {
    pub(crate) fn new(config: &Config, wiring: &Wiring) -> Result<Self, Error> {
        let value = |text: String| {
            HeaderValue::try_from(text).map_err(|cause| Error::internal("write the content policy", cause))
        };
        let stores = wiring.store_origins.join(" ");
        // WebAssembly has to be compiled; nothing else may be evaluated, and no script stands in the page.
        let page = format!(
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; font-src 'self'; \
             img-src 'self' data: blob: {stores}; media-src 'self' blob: {stores}; connect-src 'self' {stores}; \
             manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        );
        // The API browser sets styles in its elements.
        let docs = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                    font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                    frame-ancestors 'none'";
        // A link's pages are read by anybody: they run one script of ours, for drop boxes, and load nothing else.
        let links = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' {stores}; \
             base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        );
        Ok(Self {
            links: value(links)?,
            page: value(page)?,
            docs: value(docs.to_owned())?,
            tls: wiring.tls,
            hosts: config
                .allowed_hosts
                .iter()
                .map(|host| host.to_ascii_lowercase())
                .collect(),
        })
    }

    fn host_allowed(&self, request: &Request) -> bool {
        let path = request.uri().path();
        if self.hosts.is_empty() || matches!(path, "/healthz" | "/readyz") || path.starts_with(health::PATH) {
            return true;
        }
        let header = request.headers().get(HOST).and_then(|value| value.to_str().ok());
        let named = request.uri().authority().map(|one| one.as_str()).or(header);
        let host = named
            .and_then(|text| text.parse::<http::uri::Authority>().ok())
            .map(|authority| authority.host().to_ascii_lowercase());
        host.is_some_and(|host| self.hosts.contains(&host))
    }
}

/// Refuses other hosts' requests and puts the headers on every answer.
pub(crate) async fn protect(State(this): State<Arc<Headers>>, request: Request, next: Next) -> Response {
    let docs = request.uri().path() == "/docs" || request.uri().path().starts_with("/docs/");
    let links = request.uri().path().starts_with("/s/");
    let mut response = if this.host_allowed(&request) {
        next.run(request).await
    } else {
        Refusal::http(
            StatusCode::MISDIRECTED_REQUEST,
            "host_refused",
            "this server does not answer for that host name; see gateway.allowed_hosts",
        )
        .into_response()
    };
    let headers = response.headers_mut();
    let policy = match (docs, links) {
        (true, _) => &this.docs,
        (_, true) => &this.links,
        _ => &this.page,
    };
    // What a handler forbids beyond that stays forbidden.
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    if this.tls {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
    response
}

/// Lets the configured origins' pages call the API; without any, browsers refuse all others.
pub(crate) fn cors(config: &Config) -> Result<Option<CorsLayer>, Error> {
    if config.cors_origins.is_empty() {
        return Ok(None);
    }
    let origins = config
        .cors_origins
        .iter()
        .map(HeaderValue::try_from)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|cause| Error::internal("read gateway.cors_origins", cause))?;
    let names = |names: &[&'static str]| -> Vec<HeaderName> {
        names.iter().map(|name| HeaderName::from_static(name)).collect()
    };
    let mut allowed = names(&["idempotency-key", "traceparent", "tracestate"]);
    allowed.extend([AUTHORIZATION, CONTENT_TYPE, IF_MATCH]);
    let mut exposed = names(&["x-trace-id"]);
    exposed.extend([ETAG, LOCATION, RETRY_AFTER]);
    Ok(Some(
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([
                Method::GET,
                Method::POST,
                Method::PATCH,
                Method::PUT,
                Method::DELETE,
            ])
            .allow_headers(allowed)
            .expose_headers(exposed)
            .max_age(CORS_MAX_AGE),
    ))
}
