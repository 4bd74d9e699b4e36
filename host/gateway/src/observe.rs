//! One span, one count and one duration for each request, and its trace id on the answer.

use crate::grpc::{is_grpc, public_route};
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use bitvault_platform::telemetry::propagation;
use http::{HeaderValue, Method};
use std::time::Instant;
use tracing::Instrument as _;

/// Response header that names the request's trace.
const TRACE_ID_HEADER: &str = "x-trace-id";
/// Stands for every path outside the API.
const WEB_APP: &str = "web app";

/// The outermost layer.
pub(crate) async fn observe(request: Request, next: Next) -> Response {
    let route = route(&request);
    let method = method(request.method());
    let span = span(method, &route);
    if is_housekeeping(&request, &route) {
        propagation::adopt_text(&span, &unsampled());
    } else {
        propagation::adopt(&span, request.headers());
    }
    let started = Instant::now();
    async move {
        let mut response = next.run(request).await;
        let status = response.status();
        let span = tracing::Span::current();
        span.record("http.response.status_code", i64::from(status.as_u16()));
        if status.is_server_error() {
            span.record("otel.status_code", "ERROR");
        }
        if let Some(id) = propagation::trace_id()
            && let Ok(id) = HeaderValue::try_from(id)
        {
            response.headers_mut().insert(TRACE_ID_HEADER, id);
        }
        let labels = [
            ("method", method.to_owned()),
            ("route", route),
            ("status", status.as_u16().to_string()),
        ];
        metrics::counter!("bitvault_http_requests_total", &labels).increment(1);
        metrics::histogram!("bitvault_http_seconds", &labels[..2]).record(started.elapsed().as_secs_f64());
        response
    }
    .instrument(span)
    .await
}

fn span(method: &str, route: &str) -> tracing::Span {
    tracing::info_span!(
        "http",
        otel.name = format!("http {method} {route}"),
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        component = "gateway",
        http.request.method = method,
        http.route = route,
        http.response.status_code = tracing::field::Empty,
    )
}

/// A fresh trace that nobody records, neither here nor in the modules that are called.
fn unsampled() -> String {
    let ids = uuid::Uuid::new_v4().simple().to_string();
    format!("00-{ids}-{}-00", &ids[..16])
}

/// Whether a request is asked over and over by machines, or is about traces itself: spans of those would drive the ones
/// that somebody wants to see out of the recent traces. One that belongs to a caller's trace gets its span all the same.
fn is_housekeeping(request: &Request, route: &str) -> bool {
    let quiet = matches!(
        route,
        "/healthz" | "/readyz" | "/metrics" | "/v1/traces" | WEB_APP
    ) || route.starts_with("/v1/admin/traces")
        || route.starts_with("/grpc.");
    quiet && !request.headers().contains_key("traceparent")
}

/// The route's template, so that there are as many labels as routes.
fn route(request: &Request) -> String {
    if is_grpc(request) {
        return public_route(request.uri().path()).unwrap_or("grpc").to_owned();
    }
    match request.extensions().get::<MatchedPath>() {
        Some(path) => path.as_str().to_owned(),
        None if request.uri().path().starts_with("/v1/") => "unknown".to_owned(),
        None => WEB_APP.to_owned(),
    }
}

fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}
