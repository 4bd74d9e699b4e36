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

/// The outermost layer.
pub(crate) async fn observe(request: Request, next: Next) -> Response {
    let route = route(&request);
    let method = method(request.method());
    let span = tracing::info_span!(
        "http",
        otel.name = format!("http {method} {route}"),
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        component = "gateway",
        http.request.method = method,
        http.route = route,
        http.response.status_code = tracing::field::Empty,
    );
    propagation::adopt(&span, request.headers());
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

/// The route's template, so that there are as many labels as routes.
fn route(request: &Request) -> String {
    if is_grpc(request) {
        return public_route(request.uri().path()).unwrap_or("grpc").to_owned();
    }
    match request.extensions().get::<MatchedPath>() {
        Some(path) => path.as_str().to_owned(),
        None if request.uri().path().starts_with("/v1/") => "unknown".to_owned(),
        None => "web app".to_owned(),
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
