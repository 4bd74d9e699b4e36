use crate::state::{AppState, ReadyCheck};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures::future::join_all;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use std::time::Duration;

/// How long one part may take to say that it is there.
const CHECK_WITHIN: Duration = Duration::from_secs(3);

/// Whether the process serves.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Health {
    /// `ok`
    status: &'static str,
}

/// Whether every part that the daemon needs is there.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Readiness {
    /// `ready` or `degraded`
    status: &'static str,
    /// The parts that are not there.
    failing: Vec<FailingPart>,
}

/// A part that is not there.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct FailingPart {
    /// `database`, `storage`, …
    name: String,
    /// What is wrong with it.
    detail: String,
}

/// Whether the process lives
#[utoipa::path(get, path = "/healthz", tag = "health", security(()),
    responses((status = 200, description = "It does", body = Health)))]
pub(super) async fn healthz() -> axum::Json<Health> {
    axum::Json(Health { status: "ok" })
}

/// The parts that are not there, each asked at the same time.
pub(crate) async fn failing(ready: &[(String, ReadyCheck)]) -> Vec<FailingPart> {
    let checks = ready.iter().map(|(name, check)| async move {
        let detail = match tokio::time::timeout(CHECK_WITHIN, check()).await {
            Ok(Ok(())) => return None,
            Ok(Err(error)) => error.message().to_owned(),
            Err(_) => format!("did not answer within {} s", CHECK_WITHIN.as_secs()),
        };
        let name = name.clone();
        Some(FailingPart { name, detail })
    });
    join_all(checks).await.into_iter().flatten().collect()
}

/// Whether the service can do its work
#[utoipa::path(get, path = "/readyz", tag = "health", security(()), responses(
    (status = 200, description = "Every part is there", body = Readiness),
    (status = 503, description = "Parts are missing", body = Readiness)))]
pub(super) async fn readyz(State(state): State<AppState>) -> Response {
    let failing = failing(&state.wiring.ready).await;
    let (code, status) = if failing.is_empty() {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "degraded")
    };
    (code, axum::Json(Readiness { status, failing })).into_response()
}

/// Measurements
///
/// In the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", security(()),
    responses((status = 200, description = "Counters, gauges and histograms", body = String, content_type = "text/plain")))]
pub(super) async fn metrics(State(state): State<AppState>) -> Response {
    let text = (state.wiring.metrics)();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
