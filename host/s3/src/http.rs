//! One request: CORS around a span around the guard around s3s.

use std::convert::Infallible;

use http::header::{
    CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, ETAG, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use s3s::service::S3Service;
use s3s::{Body, S3Error};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer, ExposeHeaders};
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// How long a browser may remember a preflight's answer.
const PREFLIGHT_MAX_AGE: std::time::Duration = std::time::Duration::from_secs(3600);

/// Answer headers that a page of an allowed origin may read.
const EXPOSED: [&str; 12] = [
    "etag",
    "content-length",
    "content-range",
    "accept-ranges",
    "last-modified",
    "x-amz-checksum-crc32",
    "x-amz-checksum-crc32c",
    "x-amz-checksum-crc64nvme",
    "x-amz-checksum-sha1",
    "x-amz-checksum-sha256",
    "x-amz-checksum-type",
    "x-amz-mp-parts-count",
];

/// The CORS rules. Presigned URLs carry their right in themselves, so credentials are never allowed.
pub(crate) fn cors(origins: &[String]) -> CorsLayer {
    let origins = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(
            origins
                .iter()
                .filter_map(|origin| HeaderValue::from_str(origin).ok()),
        )
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::PUT,
            Method::POST,
            Method::DELETE,
        ])
        // Whatever is asked, traceparent and tracestate among it: the signature decides what counts.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(ExposeHeaders::list(EXPOSED.map(HeaderName::from_static)))
        .max_age(PREFLIGHT_MAX_AGE)
}

/// Answers a request; failures are answers too.
pub(crate) async fn answer(
    service: S3Service,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let bytes = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("0");
    let span = tracing::info_span!(
        "s3 request",
        component = "s3",
        otel.kind = "server",
        method = %request.method(),
        key = %percent_encoding::percent_decode_str(request.uri().path()).decode_utf8_lossy(),
        bytes = bytes.parse::<u64>().unwrap_or(0),
        status = tracing::field::Empty,
        etag = tracing::field::Empty,
    );
    let parent = TraceContextPropagator::new().extract(&HeaderExtractor(request.headers()));
    // An error says that the span is disabled or that no exporter is there; then there is nothing to connect.
    span.set_parent(parent)
        .unwrap_or_else(|error| tracing::trace!(%error, "no trace to join"));
    let mut response = respond(service, request).instrument(span.clone()).await;
    restrain(response.headers_mut());
    span.record("status", response.status().as_u16());
    if let Some(etag) = response.headers().get(ETAG).and_then(|etag| etag.to_str().ok()) {
        span.record("etag", etag);
    }
    Ok(response)
}

/// What browsers may do with contents: take them for nothing but what they are said to be; and when they are to be saved, run
/// nothing of them even where they are shown all the same.
fn restrain(headers: &mut HeaderMap) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let saved = headers.get(CONTENT_DISPOSITION);
    if saved.is_some_and(|value| value.as_bytes().starts_with(b"attachment")) {
        let nothing = HeaderValue::from_static("default-src 'none'; sandbox");
        headers.insert(CONTENT_SECURITY_POLICY, nothing);
    }
}

async fn respond(service: S3Service, request: Request<Incoming>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    if let Err(refusal) = crate::guard::check(&parts) {
        return refused(refusal);
    }
    match service.call(Request::from_parts(parts, Body::from(body))).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(?error, "answer an S3 request");
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}

fn refused(error: S3Error) -> Response<Body> {
    tracing::debug!(%error, "refused");
    error.to_http_response().unwrap_or_else(|_| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::FORBIDDEN;
        response
    })
}
